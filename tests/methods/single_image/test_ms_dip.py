"""MS-DIP: weights and noise levels by closed forms, the order of its scales, budgets, and every switch."""

import time
from dataclasses import replace
from typing import Any

import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr
from torch.nn.functional import conv2d

from pellucid import methods, networks
from pellucid.methods.single_image.ms_dip import method as ms_dip
from pellucid.methods.single_image.ms_dip.equations import consistency, resize, sizes, weight
from pellucid.methods.single_image.ms_dip.levels import sigmas
from pellucid.methods.single_image.ms_dip.method import Config, fit, steps
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Step, Task
from pellucid.stopping import until

CPU = torch.device("cpu")
TINY = {
    "features": "random",
    "level": "auto",
    "network": "compact",
    "code_channels": 4,
    "iterations": 2,
    "minimum": 24,
    "stop": "none",
}


def paper(**changes: Any) -> Config:
    """The settings of the paper, changed."""
    return replace(methods.load("ms-dip").presets["paper"], **changes)


def crop(size: int = 40) -> torch.Tensor:
    """A crop of the astronaut, (3, size, size) in [0, 1]."""
    return torch.from_numpy(data.astronaut()[40 : 40 + size, 190 : 190 + size]).permute(2, 0, 1) / 255


def task(clean: torch.Tensor, sigma: float = 25 / 255, **more: object) -> Task:
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    report = NoiseReport.white(sigma, clean.shape[0])
    return Task(shots=(clean + sigma * noise)[None], noise=report, **more)  # type: ignore[arg-type]


def run(what: Task, seed: int = 0, **fields: object) -> list[Step]:
    return list(steps(what, paper(**{**TINY, **fields}), seed=seed, device=CPU))  # type: ignore[arg-type]


def test_config_is_the_papers() -> None:
    config = paper()
    assert (config.ratio, config.minimum, config.learning_rate) == (0.8, 128, 0.001)
    assert (config.network, config.code, config.loss, config.upsampling) == (
        "skip",
        "noise",
        "l1-l2",
        "joint-bilateral",
    )
    assert (config.weight, config.ensemble, config.fusion, config.consistency) == (
        None,
        True,
        "halves",
        "features",
    )


def test_weights_are_those_worked_out_from_equation_4() -> None:
    """shared/methods.md, section 5, at sigma 25 and N = 6."""
    expected = [0.767, 0.700, 0.626, 0.542, 0.443, 0.313, 0.0]
    assert [round(weight(25 / 255, 6 - n), 3) for n in range(7)] == pytest.approx(expected, abs=6e-4)
    assert weight(25.0, 6) == pytest.approx(12.2, abs=0.06)


def test_levels_of_the_noise() -> None:
    """Carried down, it is what noise alone still has; Chen's is right at the top, and blind to blur."""
    noisy = 0.5 + 0.1 * torch.randn(1, 200, 200, generator=torch.Generator().manual_seed(0))
    pyramid = [resize(noisy, size) for size in sizes(200, 200, ratio=0.8, minimum=50)]
    truth = [float((level - 0.5).std()) for level in pyramid]
    carried = sigmas(pyramid, NoiseReport.white(0.1, 1))
    assert carried == pytest.approx(truth, rel=0.05)
    assert carried[0] == pytest.approx(0.1)
    assert sigmas(pyramid[:1], NoiseReport.white(0.3, 1), "chen") == pytest.approx([0.1], rel=0.05)
    correlated = NoiseReport.white(0.1, 1)
    weights = torch.outer(*2 * [torch.tensor([1.0, 2.0, 1.0]) / 4])  # binomial filter of white noise
    filtered = conv2d(noisy[None] - 0.5, weights[None, None], padding=1)[0]
    lags = conv2d(weights[None, None], weights[None, None], padding=2)[0, 0]
    kernel = 0.01 * lags.double().numpy()[None, None]
    level = float(kernel[0, 0, 2, 2] ** 0.5)
    correlated = replace(correlated, kernel=kernel, sigma=(level,), correlated=True)
    pyramid = [resize(filtered, size) for size in sizes(200, 200, ratio=0.8, minimum=50)]
    assert sigmas(pyramid, correlated) == pytest.approx([float(p.std()) for p in pyramid], rel=0.06)
    blurred = torch.from_numpy(gaussian_filter(noisy.numpy(), (0, 1, 1)))
    assert sigmas([blurred], NoiseReport.white(0.1, 1), "chen")[0] < 0.5 * float(blurred.std())


def test_consistency_is_equation_3() -> None:
    fine, coarse = torch.rand(1, 10, 10), torch.rand(1, 8, 8)
    found = consistency(torch.nn.Identity(), coarse, 0.7)(fine)
    assert float(found) == pytest.approx(0.7 * float((resize(fine, (8, 8)) - coarse).square().mean()))
    assert float(consistency(torch.nn.Identity(), resize(fine, (8, 8)), 1.0)(fine)) == 0


def test_l1_comes_before_l2() -> None:
    noisy = crop(16)
    network = networks.builder("compact")(4, 3)
    more = {"learning_rate": 0.01, "jitter": 0.0, "ema": 0.0, "ema_share": 0.0}
    generator = torch.Generator().manual_seed(0)
    fitted = list(
        fit(
            noisy,
            network,
            torch.rand(1, 4, 16, 16),
            None,
            iterations=2,
            switch=1,
            generator=generator,
            **more,
        )
    )
    first, second = ((step.output - noisy, float(step.loss or 0)) for step in fitted)
    assert first[1] == pytest.approx(float(first[0].abs().mean()), rel=1e-5)
    assert second[1] == pytest.approx(float(second[0].square().mean()), rel=1e-5)


def test_one_loss_alone() -> None:
    """Of one scale, by hand: the first loss is that of the output it comes with."""
    what = task(crop(20))
    noisy = what.shots[0]
    for loss, far in (("l1", lambda d: d.abs().mean()), ("l2", lambda d: d.square().mean())):
        for step in run(what, loss=loss, switch=1, iterations=3, minimum=20):
            torch.testing.assert_close(step.loss, far(step.output - noisy))


def test_scales_come_from_coarse_to_fine() -> None:
    fitted = run(task(crop(40)))
    assert [step.phase for step in fitted] == [f"scale {k} of 3" for k in (1, 1, 2, 2, 3, 3)]
    assert [step.iteration for step in fitted] == [1, 2, 3, 4, 5, 6]
    assert {step.total for step in fitted} == {6}
    assert {step.estimate().shape for step in fitted} == {(3, 40, 40)}
    assert {step.output.shape for step in fitted} == {(3, 40, 40)}


def test_a_scale_follows_the_one_below_as_the_weight_says() -> None:
    """With an overwhelming tie in pixels, the fine scale learns the coarse one instead of the picture."""
    what = task(crop(40))
    fields = {"iterations": 40, "consistency": "pixels", "learning_rate": 0.01, "loss": "l2", "ema": 0.9,
              "minimum": 32, "code": "pyramid"}  # fmt: skip
    apart = []
    for gain in (0.0, 1e4):
        fitted = run(what, weight=1.0, gain=gain, **fields)
        fine, coarse = fitted[-1].output, fitted[39].estimate()
        low = [resize(picture, (32, 32)) for picture in (fine, coarse)]
        apart.append(float((low[0] - low[1]).square().mean()))
    assert apart[1] < 0.6 * apart[0]


def test_without_ensemble_it_is_the_finest_scale() -> None:
    what = task(crop(40))
    alone = run(what, ensemble=False, ema=0.0)
    assert torch.equal(alone[-1].estimate(), alone[-1].output)
    assert torch.equal(alone[-1].output, run(what, ema=0.0)[-1].output)


def test_a_plateau_ends_each_scale() -> None:
    fitted = run(task(crop(40)), iterations=9, stop="plateau:patience=2,every=1,fall=0.99", switch=0)
    assert 3 * 3 <= len(fitted) < 27
    assert fitted[-1].iteration == len(fitted)
    assert fitted[-1].phase == "scale 3 of 3"


def test_budget_is_shared_out() -> None:
    assert len(run(task(crop(40), budget=Budget(iterations=9)))) == 9
    start = time.monotonic()
    fitted = run(task(crop(40), budget=Budget(seconds=1.0)), iterations=100000)
    assert time.monotonic() - start < 3
    assert fitted[-1].phase == "scale 3 of 3"


@pytest.mark.parametrize(
    "field",
    [{"consistency": "none"}, {"consistency": "pixels"}, {"features": "gradient"}, {"upsampling": "bilinear"},
     {"upsampling": "nearest"}, {"fusion": "bands"}, {"ensemble": False}, {"weight": 5.0}, {"loss": "l2"},
     {"jitter": 0.0}, {"minimum": 33}, {"code": "pyramid"}, {"code": "mesh"}, {"gain": 50.0},
     {"ema": 0.0}, {"adapt": True}, {"level": "chen"}],
)  # fmt: skip
def test_every_switch_does_something(field: dict[str, object]) -> None:
    what = task(crop(40), sigma=0.05)
    default = {"switch": 1, "iterations": 3, "learning_rate": 0.01}
    one, other = (run(what, **{**default, **f})[-1].estimate() for f in ({}, field))
    assert bool(torch.isfinite(other).all())
    assert not torch.equal(one, other)


def test_denoises_a_real_picture() -> None:
    """Scored by scikit-image; the finest scale begins where the coarse ones have ended."""
    clean = crop(64)
    what = task(clean, budget=Budget(iterations=320))
    fast = methods.load("ms-dip").presets["fast"]
    outcome = until(steps(what, fast, seed=0, device=CPU))
    before = psnr(clean.numpy(), what.shots[0].numpy(), data_range=1)
    assert psnr(clean.numpy(), outcome.estimate.numpy(), data_range=1) > before + 5


def test_a_saved_fit_goes_on_and_another_is_refused() -> None:
    fast = replace(methods.load("ms-dip").presets["fast"], minimum=25, iterations=20, stop="none")
    what = task(crop(32))
    first = list(steps(what, fast, seed=0, device=CPU))
    state = first[-1].state
    assert state is not None
    again = list(steps(replace(what, initial=state()), fast, seed=0, device=CPU))
    begins = [i for i, step in enumerate(first) if i == 0 or step.phase != first[i - 1].phase]
    assert len(begins) == 2  # a network for each scale, and each goes on
    for place in begins:
        assert float(again[place].loss or 1) < 0.5 * float(first[place].loss or 0)
    with pytest.raises(ValueError, match="saved fit of ms-dip") as caught:
        run(task(crop(24), initial={}))
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("field", "value"),
    [("ratio", 1.0), ("minimum", 0), ("network", "unet"), ("code", "image"), ("stop", "es-env"),
     ("loss", "l3"), ("switch", -1), ("consistency", "vgg"), ("features", "vgg"), ("layer", "relu5_1"),
     ("weight", -1.0), ("gain", -1.0), ("level", "mad"), ("upsampling", "cubic"), ("fusion", "sum")],
)  # fmt: skip
def test_bad_configuration_names_the_field(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        paper(**{field: value})


def test_rule_of_a_scale_has_its_share_of_the_time() -> None:
    assert ms_dip._rule(paper(stop="none"), 0.1, None).name == "none"
    assert ms_dip._rule(paper(), 0.1, 2.0).name == "plateau+seconds"
