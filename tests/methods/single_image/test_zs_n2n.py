"""Zero-Shot Noise2Noise: the halves, the loss against plain formulas, crops, pieces, and a real gain."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from skimage import data
from skimage.measure import block_reduce
from skimage.metrics import peak_signal_noise_ratio as psnr
from torch.nn.functional import conv2d, mse_loss

from pellucid import methods, networks
from pellucid.methods.single_image import zs_n2n
from pellucid.methods.single_image.zs_n2n import Config, _result, halves, objective, steps
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Task
from pellucid.stopping import until

CPU = torch.device("cpu")


def paper(**changes: Any) -> Config:
    """The settings of the paper, changed."""
    return replace(methods.load("zs-n2n").presets["paper"], **changes)


def task(size: int = 64, sigma: float = 25 / 255, **more: object) -> tuple[torch.Tensor, Task]:
    clean = torch.from_numpy(data.astronaut()[40 : 40 + size, 190 : 190 + size]).permute(2, 0, 1) / 255
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    return clean, Task(shots=(clean + sigma * noise)[None], noise=NoiseReport.white(sigma, 3), **more)  # type: ignore[arg-type]


def test_config_is_the_authors() -> None:
    config = paper()
    assert (config.iterations, config.learning_rate, config.width, config.crop) == (2000, 0.001, 48, 0)
    assert [zs_n2n._rate(config, i, 2000) for i in (1, 1500, 1501)] == [0.001, 0.001, 0.0005]


def test_halves_are_the_two_fixed_kernels() -> None:
    """As the paper writes them: convolutions of stride 2 with half on a diagonal."""
    image = torch.rand(1, 3, 6, 8)
    kernels = torch.tensor([[[0.0, 0.5], [0.5, 0.0]], [[0.5, 0.0], [0.0, 0.5]]])
    expected = [conv2d(image, k.expand(3, 1, 2, 2), stride=2, groups=3)[0] for k in kernels]
    torch.testing.assert_close(halves(image), torch.stack(expected))
    mean = block_reduce(image[0].numpy(), (1, 2, 2), lambda b, axis: b.mean(axis))
    torch.testing.assert_close(halves(image).mean(0), torch.from_numpy(mean))


def test_loss_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    network, image = networks.builder("shallow")(3, 3, width=4), torch.rand(1, 3, 8, 10)
    one, two = halves(image).split(1)
    clean_one, clean_two = one - network(one), two - network(two)
    clean = image - network(image)
    residual = 0.5 * (mse_loss(clean_one, two) + mse_loss(clean_two, one))
    again = halves(clean).split(1)
    consistency = 0.5 * (mse_loss(clean_one, again[0]) + mse_loss(clean_two, again[1]))
    loss, whole = objective(network, image, halves(image), 0.5)
    torch.testing.assert_close(loss, residual + 0.5 * consistency)
    torch.testing.assert_close(whole, clean)


def test_denoises_a_real_picture() -> None:
    clean, what = task(64)
    fast = methods.load("zs-n2n").presets["fast"]
    outcome = until(steps(what, fast, seed=0, device=CPU), budget=Budget(iterations=200))
    before = psnr(clean.numpy(), what.shots[0].numpy(), data_range=1)
    assert psnr(clean.numpy(), outcome.estimate.numpy(), data_range=1) > before + 5


def test_lower_precision_gives_the_same_picture() -> None:
    _, what = task(32, budget=Budget(iterations=60))
    float32, lower = (
        until(steps(what, paper(precision=p), seed=0, device=CPU)).estimate for p in ("float32", "bfloat16")
    )
    assert float((float32 - lower).square().mean().sqrt()) < 0.01  # a tenth of the noise


def test_large_pictures_go_through_in_pieces_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    network, noisy = networks.builder("shallow")(3, 3), torch.rand(3, 37, 50)
    whole = _result(network, noisy)
    monkeypatch.setattr(zs_n2n, "LARGEST", 16)
    torch.testing.assert_close(_result(network, noisy), whole, atol=1e-6, rtol=0)


def test_a_crop_of_the_halves_is_the_halves_of_the_crop(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(network, image, pair, consistency):
        seen.append(image.shape)
        assert torch.equal(pair, halves(image))
        return objective(network, image, pair, consistency)

    monkeypatch.setattr(zs_n2n, "objective", watched)
    what = Task(shots=torch.rand(1, 1, 41, 30), noise=NoiseReport.white(0.1, 1), budget=Budget(iterations=4))
    for step in steps(what, paper(crop=8), seed=0, device=CPU):
        assert step.output.shape == (1, 41, 30)
    assert seen == [(1, 1, 8, 8)] * 4


@pytest.mark.parametrize(
    ("field", "value"),
    [("iterations", 0), ("learning_rate", 0.0), ("schedule", "line"), ("width", 0), ("consistency", -1.0),
     ("crop", 7), ("crop", 2), ("precision", "float16")],
)  # fmt: skip
def test_bad_configuration_names_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        paper(**{field: value})
