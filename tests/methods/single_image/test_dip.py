"""Deep Image Prior: what it fits, what it does not see, and that a seed says everything."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr

from pellucid import methods, seeds
from pellucid.degradation import Mask
from pellucid.methods.single_image.codes import blurred, mesh
from pellucid.methods.single_image.dip import method as dip
from pellucid.methods.single_image.dip.method import Config, steps
from pellucid.networks import features
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Step, Task
from pellucid.stopping import parse, until

CPU = torch.device("cpu")
TINY = {"network": "compact", "code_channels": 4, "iterations": 3}


def paper(**changes: Any) -> Config:
    """The settings of the paper, changed."""
    return replace(methods.load("dip").presets["paper"], **changes)


def crop(size: int = 64) -> torch.Tensor:
    """A crop of the astronaut, (3, size, size) in [0, 1]."""
    return torch.from_numpy(data.astronaut()[40 : 40 + size, 190 : 190 + size]).permute(2, 0, 1) / 255


def task(clean: torch.Tensor, sigma: float = 25 / 255, **more: object) -> Task:
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    report = NoiseReport.white(sigma, clean.shape[0])
    return Task(shots=(clean + sigma * noise)[None], noise=report, **more)  # type: ignore[arg-type]


def run(what: Task, config: Config, seed: int = 0) -> list[Step]:
    return list(steps(what, config, seed=seed, device=CPU))


def test_config_is_the_papers() -> None:
    config = paper()
    assert (config.iterations, config.learning_rate, config.jitter) == (3000, 0.01, 1 / 30)
    assert (config.network, config.code, config.code_channels, config.code_scale) == (
        "skip",
        "noise",
        32,
        0.1,
    )
    assert (config.ema, config.rollback) == (0.99, 5.0)


def test_denoises_a_real_picture_and_stops_by_itself() -> None:
    """Scored by scikit-image; the margin is far above what blurring gains here."""
    clean = crop(64)
    what = task(clean)
    fast = methods.load("dip").presets["fast"]
    outcome = until(steps(what, fast, seed=0, device=CPU), parse("es-emv"), budget=Budget(iterations=160))
    before = psnr(clean.numpy(), what.shots[0].numpy(), data_range=1)
    after = psnr(clean.numpy(), outcome.estimate.numpy(), data_range=1)
    assert after > before + 5


def test_one_seed_one_result() -> None:
    what, config = task(crop()), paper(**TINY)
    first, again, other = (run(what, config, seed) for seed in (0, 0, 1))
    assert torch.equal(first[-1].estimate(), again[-1].estimate())
    assert not torch.equal(first[-1].estimate(), other[-1].estimate())


def test_touches_neither_arguments_nor_global_state() -> None:
    what = task(crop())
    before, state = what.shots.clone(), torch.get_rng_state()
    for step in steps(what, paper(**TINY), seed=0, device=CPU):
        assert torch.is_grad_enabled()
        assert torch.equal(torch.get_rng_state(), state)
        assert not step.output.requires_grad
        assert step.loss is not None
        assert not step.loss.requires_grad
        step.estimate().zero_()  # what the user does with an estimate must not disturb the fit
    assert torch.equal(what.shots, before)


def test_fits_under_a_callers_no_grad() -> None:
    with torch.no_grad():
        first = [float(s.loss) for s in run(task(crop()), paper(**TINY)) if s.loss is not None]
    assert first == [float(s.loss) for s in run(task(crop()), paper(**TINY)) if s.loss is not None]


def test_estimate_is_the_running_average_of_the_outputs() -> None:
    fitted = run(task(crop()), paper(**TINY, ema=0.9))
    x1, x2, x3 = (step.output for step in fitted)
    expected = 0.9 * (0.9 * x1 + 0.1 * x2) + 0.1 * x3
    assert torch.allclose(fitted[2].estimate(), expected, atol=1e-6)
    assert torch.equal(fitted[0].estimate(), x1)  # asked for late, it is still that of its own step


def test_share_of_the_average_forgets_the_first_outputs() -> None:
    """With a share of one the average looks back at all steps so far: weight t / (1 + t) on the past."""
    fitted = run(task(crop()), paper(**TINY, ema=0.9, ema_share=1.0))
    x1, x2, x3 = (step.output for step in fitted)
    assert torch.allclose(fitted[1].estimate(), (2 * x1 + x2) / 3, atol=1e-6)
    assert torch.allclose(fitted[2].estimate(), (3 * (2 * x1 + x2) / 3 + x3) / 4, atol=1e-6)


def test_loss_is_the_mean_square_to_the_mean_of_the_shots() -> None:
    clean = crop()
    shots = torch.stack([clean + 0.1, clean - 0.05])
    what = Task(shots=shots, noise=NoiseReport.white(0.1, 3))
    step = run(what, paper(**TINY))[0]
    assert float(step.loss or 0) == pytest.approx(
        float((step.output - (clean + 0.025)).square().mean()), rel=1e-5
    )


def test_missing_pixels_have_no_influence() -> None:
    hidden = torch.zeros(64, 64, dtype=torch.bool)
    hidden[20:40, 10:30] = True
    clean = crop()
    outputs = []
    for filling in (0.0, 7.0):
        shots = clean.masked_fill(hidden, filling)[None]
        what = Task(shots=shots, noise=NoiseReport.white(0.1, 3), degradation=Mask(hidden))
        outputs += [run(what, paper(**TINY, code=code))[-1].output for code in ("noise", "mesh", "pyramid")]
    for one, other in zip(outputs[:3], outputs[3:], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("code", ["noise", "pyramid"])
def test_held_out_pixels_have_no_influence_and_are_scored(code: str) -> None:
    clean = crop()
    config = paper(**TINY, held_out=0.25, code=code)
    seen = torch.rand(64, 64, generator=seeds.generator(0, "mask")) >= 0.25
    fitted = run(Task(shots=clean[None], noise=NoiseReport.white(0.1, 3)), config)
    step = fitted[0]
    assert step.loss is not None
    assert step.held_out is not None
    squares = (step.output - clean).square()
    assert float(step.loss) == pytest.approx(float(squares[:, seen].mean()), rel=1e-4)
    assert float(step.held_out) == pytest.approx(float(squares[:, ~seen].mean()), rel=1e-4)
    spoilt = clean.masked_fill(~seen, 0.5)
    again = run(Task(shots=spoilt[None], noise=NoiseReport.white(0.1, 3)), config)
    assert torch.equal(again[-1].output, fitted[-1].output)


def test_saved_fit_goes_on_where_it_was() -> None:
    clean = crop()
    config = paper(**{**TINY, "iterations": 40})
    fitted = run(task(clean), config)
    assert fitted[-1].state is not None
    saved = fitted[-1].state()
    more = run(task(clean, initial=saved), paper(**TINY), seed=5)
    assert float(more[0].loss or 1) < 1.3 * float(fitted[-1].loss or 0) < 0.5 * float(fitted[0].loss or 0)
    with pytest.raises(ValueError, match="saved fit of dip"):
        run(task(clean, initial=saved), paper(network="snail", code_channels=4, iterations=1))
    with pytest.raises(ValueError, match="code of the saved fit"):
        run(task(crop(32), initial=saved), paper(**TINY))


def test_codes() -> None:
    clean = crop(33)
    for code in ("noise", "image", "guide", "mesh", "pyramid"):
        fitted = run(task(clean, guide=clean.mean(0, keepdim=True)), paper(**TINY, code=code))
        assert fitted[-1].output.shape == clean.shape
    with pytest.raises(ValueError, match="needs a guide"):
        run(task(clean), paper(**TINY, code="guide"))
    with pytest.raises(ValueError, match="guide must have the shape"):
        run(task(clean, guide=torch.rand(1, 5, 5)), paper(**TINY, code="guide"))
    assert mesh(4, 3)[1, :, 0].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_blurred_is_scipys_gaussian_over_the_known_pixels() -> None:
    """Normalised convolution: the blur of what is known, divided by the blur of the mask."""
    picture, known = torch.rand(1, 20, 15), (torch.rand(20, 15) > 0.3).float()
    over, under = (
        gaussian_filter(a.double().numpy(), 2.0, mode="constant") for a in ((picture * known)[0], known)
    )
    assert torch.allclose(blurred(picture, known, 2.0)[0].double(), torch.from_numpy(over / under), atol=1e-5)


def test_blurred_reaches_into_holes_wider_than_itself() -> None:
    """A flat picture stays flat wherever the hole is; a code of zeros there would be fitted as black."""
    known = torch.ones(60, 50)
    known[5:55, 5:45] = 0
    flat = torch.full((2, 60, 50), 0.7) * known
    assert torch.allclose(blurred(flat, known, 1.0), torch.full((2, 60, 50), 0.7), atol=1e-5)


def test_nothing_held_out_is_an_error() -> None:
    with pytest.raises(ValueError, match="hide at least one pixel"):
        run(task(crop(32)), paper(**TINY, held_out=1e-9))


def test_rolls_back_when_the_fit_loses_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large step size makes the loss jump; with looks every other step, going back shows at once."""
    monkeypatch.setattr(dip, "ROLLBACK_EVERY", 2)
    what = task(crop(32))
    wild = {**TINY, "iterations": 30, "learning_rate": 0.3}
    free, rolled = (run(what, paper(**wild, rollback=r)) for r in (0.0, 0.01))
    losses = [float(s.loss or 0) for s in free]
    kept = [
        k for k in range(3, 30, 2) if losses[k] > losses[k - 2] * 10**0.001
    ]  # steps 2, 4, 6 … are looked at
    differ = [k for k in range(30) if not torch.equal(free[k].output, rolled[k].output)]
    assert kept[0] == differ[0]
    assert torch.equal(rolled[differ[0]].output, rolled[differ[0] - 2].estimate())


def test_sure_stops_without_the_truth() -> None:
    config = paper(network="compact", code="image", divergence=True, iterations=200, jitter=0.05)
    outcome = until(
        steps(task(crop()), config, seed=0, device=CPU), parse("sure:patience=40", sigma=25 / 255)
    )
    assert outcome.stopped_by == "sure"
    assert all(map(math.isfinite, outcome.curves["statistic"]))


def test_budget_overrules_the_configuration() -> None:
    fitted = run(task(crop(32), budget=Budget(iterations=2)), paper(**TINY))
    assert len(fitted) == 2
    assert fitted[0].total == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("iterations", 0), ("network", "unet"), ("code", "zero"), ("jitter", -1.0), ("learning_rate", 0.0),
     ("schedule", "step"), ("loss", "l3"), ("perceptual", -1.0), ("features", "vgg"), ("layers", 1),
     ("ema", 1.0), ("ema_share", 2.0), ("rollback", -1.0), ("held_out", 0.9), ("divergence", True)],
)  # fmt: skip
def test_bad_configuration_names_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        paper(**{field: value})


def test_code_image_would_show_what_is_held_out() -> None:
    with pytest.raises(ValueError, match="code='noise'"):
        paper(code="image", held_out=0.1)


def test_training_tricks_are_off_by_default() -> None:
    config = paper()
    assert (config.schedule, config.loss, config.perceptual, config.layers) == ("constant", "l2", 0.0, 9)


def test_cosine_lowers_the_rate_from_the_second_step_on() -> None:
    what = task(crop(32))
    constant, falling = (run(what, paper(**TINY, schedule=s)) for s in ("constant", "cosine"))
    assert torch.equal(constant[0].output, falling[0].output)
    assert torch.equal(constant[1].output, falling[1].output)  # the rate of the first step is the whole one
    assert not torch.equal(constant[2].output, falling[2].output)


def test_losses_are_numpys() -> None:
    what = task(crop(32))
    for loss in ("l1", "l1+l2"):
        step = run(what, paper(**TINY, loss=loss))[0]
        apart = (step.output - what.shots[0]).numpy()
        expected = abs(apart).mean() + (0 if loss == "l1" else (apart**2).mean())
        assert float(step.loss or 0) == pytest.approx(expected, rel=1e-5)


def test_perceptual_term_is_added() -> None:
    what = task(crop(32))
    phi = features.build("random", 3)
    one, both = (run(what, paper(**TINY, perceptual=p))[0] for p in (0.0, 2.0))
    term = (phi(both.output[None]) - phi(what.shots[0][None])).square().mean()
    assert torch.equal(one.output, both.output)
    assert float(both.loss or 0) == pytest.approx(float(one.loss or 0) + 2 * float(term), rel=1e-5)


@pytest.mark.parametrize("layers", [5, 15])
def test_plain_network_has_as_many_layers_as_asked_for(layers: int) -> None:
    fitted = run(task(crop(16)), paper(**{**TINY, "network": "plain"}, layers=layers))
    assert fitted[-1].state is not None
    kernels = [v for v in fitted[-1].state().values() if v.ndim == 4 and v.shape[-1] == 3]
    assert len(kernels) == layers


def test_features_would_show_what_is_held_out() -> None:
    with pytest.raises(ValueError, match="features would show"):
        paper(perceptual=1.0, held_out=0.1)
    with pytest.raises(ValueError, match="SURE speaks of the mean square"):
        paper(divergence=True, code="image", loss="l1")
