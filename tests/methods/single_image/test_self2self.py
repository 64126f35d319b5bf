"""Self2Self: what is hidden stays hidden, partial convolutions, dropout with its own draws, the ensemble."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr
from torch.nn.functional import conv2d

from pellucid import methods, networks, seeds
from pellucid.methods.single_image.self2self import (
    Config,
    _ensemble,
    _prediction,
    _rate,
    flipped,
    hidden_loss,
    steps,
)
from pellucid.networks.blind_unet import PartialConvolution, blurred, dropped
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Task
from pellucid.stopping import until

CPU = torch.device("cpu")
TINY = {"network": "quick", "width": 4, "iterations": 2, "predictions": 3}


def paper(**changes: Any) -> Config:
    """The settings of the paper, changed."""
    return replace(methods.load("self2self").presets["paper"], **changes)


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def task(size: int = 64, sigma: float = 25 / 255, **more: object) -> tuple[torch.Tensor, Task]:
    clean = torch.from_numpy(data.astronaut()[40 : 40 + size, 190 : 190 + size]).permute(2, 0, 1) / 255
    noise = torch.randn(clean.shape, generator=draws())
    return clean, Task(shots=(clean + sigma * noise)[None], noise=NoiseReport.white(sigma, 3), **more)  # type: ignore[arg-type]


def test_config_is_the_authors() -> None:
    config = paper()
    assert (config.iterations, config.learning_rate, config.schedule) == (150_000, 1e-4, "constant")
    assert (config.network, config.width, config.keep, config.dropout, config.predictions) == (
        "partial", 48, 0.7, 0.3, 100,
    )  # fmt: skip
    assert _rate(config, 9, 10) == 1e-4


def test_the_papers_network_has_the_papers_layers() -> None:
    """Six partial convolutions of 48 after the first, then ten convolutions up: counted by hand."""
    network = networks.builder("partial")(3, 3, dropout=0.3)
    down = (3 * 9 * 48 + 48) + 6 * (48 * 9 * 48 + 48)
    up = (96 * 9 * 96 + 96) + 3 * (144 * 9 * 96 + 96) + 4 * (96 * 9 * 96 + 96)
    last = (99 * 9 * 64 + 64) + (64 * 9 * 32 + 32) + (32 * 9 * 3 + 3)
    assert sum(p.numel() for p in network.parameters()) == down + up + last


def test_partial_convolution_of_a_whole_picture_is_the_convolution() -> None:
    layer = PartialConvolution(3, 5)
    image = torch.rand(1, 3, 9, 11)
    out, known = layer(image, torch.ones_like(image))
    plain = conv2d(image, layer.weights.weight, padding=1) + layer.bias
    torch.testing.assert_close(out[..., 1:-1, 1:-1], plain[..., 1:-1, 1:-1])
    torch.testing.assert_close(out[..., 0, 1:-1], ((plain - layer.bias) * 9 / 6 + layer.bias)[..., 0, 1:-1])
    assert bool((known == 1).all())


def test_partial_convolution_where_nothing_is_known() -> None:
    layer = PartialConvolution(1, 2)
    image, known = torch.rand(1, 1, 5, 5), torch.zeros(1, 1, 5, 5)
    known[..., 0, 0] = 1
    out, seen = layer(image, known)
    assert bool((out[..., 3:, 3:] == 0).all())
    assert seen[0, 0].nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize("name", ["partial", "quick"])
def test_hidden_pixels_reach_nothing(name: str) -> None:
    """The gradient of the whole output by a pixel that is hidden must be zero."""
    network = networks.builder(name)(2, 2, width=6, dropout=0.1)
    if name == "quick":
        torch.nn.init.normal_(network.last.weight)  # type: ignore[union-attr, arg-type]
    known = torch.empty(1, 2, 33, 40).bernoulli_(0.7, generator=draws(1))
    image = torch.rand(1, 2, 33, 40, requires_grad=True)
    network(image, known, draws()).square().sum().backward()
    assert image.grad is not None
    assert bool((image.grad[known == 0] == 0).all())
    assert float((image.grad[known == 1] != 0).float().mean()) > 0.9


def test_blur_of_known_pixels_keeps_a_constant() -> None:
    known = torch.empty(1, 1, 20, 20).bernoulli_(0.5, generator=draws())
    torch.testing.assert_close(
        blurred(torch.full((1, 1, 20, 20), 0.3), known, 2.0), torch.full((1, 1, 20, 20), 0.3)
    )


def test_dropout_keeps_the_mean_and_draws_from_its_generator() -> None:
    features = torch.ones(1, 4, 100, 100)
    state = torch.get_rng_state()
    first, again = (dropped(features, 0.3, draws(5)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)
    assert float(first.mean()) == pytest.approx(1, abs=0.02)
    assert float((first == 0).float().mean()) == pytest.approx(0.3, abs=0.01)


def test_loss_looks_at_hidden_pixels_only() -> None:
    prediction = torch.rand(2, 4, 4, requires_grad=True)
    known = torch.empty(2, 4, 4).bernoulli_(0.5, generator=draws())
    hidden_loss(prediction, torch.rand(2, 4, 4), known).backward()  # type: ignore[no-untyped-call]
    assert prediction.grad is not None
    assert bool(((prediction.grad == 0) == (known == 1)).all())
    assert float(hidden_loss(prediction.detach(), torch.rand(2, 4, 4), torch.ones(2, 4, 4))) == 0


def test_prediction_is_turned_back() -> None:
    """A network that returns what it is shown must give the masked picture, whichever way it was flipped."""

    class Same(torch.nn.Module):
        def forward(self, image: torch.Tensor, known: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
            return image * known

    noisy, generator = torch.rand(1, 5, 6), draws()
    for _ in range(6):
        prediction, known = _prediction(Same(), noisy, paper(), generator)
        assert torch.equal(prediction, noisy * known)
    assert all(torch.equal(flipped(flipped(noisy, way), way), noisy) for way in range(3))


def test_ensemble_is_mean_and_deviation_of_its_predictions() -> None:
    noisy, config = torch.rand(1, 16, 16), paper(**TINY)
    with seeds.fixed(0, "weights"):
        network = networks.builder("quick")(1, 1, width=4, dropout=0.3)
    with torch.no_grad():
        generator = seeds.generator(3, "ensemble")
        stack = torch.stack([_prediction(network, noisy, config, generator)[0] for _ in range(3)])
    mean, spread = _ensemble(network, noisy, config, 3)
    torch.testing.assert_close(mean, stack.mean(0))
    torch.testing.assert_close(spread, stack.std(0, correction=0), atol=1e-5, rtol=1e-4)


def test_asking_for_the_estimate_does_not_disturb_the_fit() -> None:
    _, what = task(32)
    quiet = list(steps(what, paper(**TINY), seed=0, device=CPU))[-1].output
    for step in steps(what, paper(**TINY), seed=0, device=CPU):
        step.estimate().zero_()
        assert float(step.extras()["uncertainty"].min()) >= 0
    assert torch.equal(step.output, quiet)


@pytest.mark.slow
def test_denoises_a_real_picture() -> None:
    clean, what = task(64)
    fast = methods.load("self2self").presets["fast"]
    outcome = until(steps(what, fast, seed=0, device=CPU), budget=Budget(iterations=60))
    before = psnr(clean.numpy(), what.shots[0].numpy(), data_range=1)
    assert psnr(clean.numpy(), outcome.estimate.numpy(), data_range=1) > before + 5
    assert outcome.extras["uncertainty"].shape == clean.shape


@pytest.mark.parametrize(
    ("field", "value"),
    [("iterations", 0), ("learning_rate", 0.0), ("schedule", "line"), ("network", "skip"), ("width", 1),
     ("keep", 1.0), ("dropout", 1.0), ("predictions", 0), ("precision", "float16")],
)  # fmt: skip
def test_bad_configuration_names_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        paper(**{field: value})
