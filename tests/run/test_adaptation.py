"""Fitting a model to the image: kept where it helps, and only there; seeded; interrupted; its words."""

import numpy as np
import pytest
import torch
from skimage.data import camera
from test_blind import shared

import pellucid
from pellucid import seeds
from pellucid.noise.report import NoiseReport
from pellucid.noise.synthetic import Redraw
from pellucid.run.adaptation import Config, fine_tune
from pellucid.run.blind import View
from shipping import Blur, ship

STEPS = {"adapt.steps": 60, "adapt.learning_rate": 5e-3, "adapt.patch": 48}


def noisy_of(sigma, side=160, seed=0):
    clean = camera()[100 : 100 + side, 180 : 180 + side].astype(np.float32) / 255
    return clean, clean + np.float32(sigma) * np.random.default_rng(seed).standard_normal(clean.shape).astype(
        np.float32
    )


def psnr(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2))


@pytest.fixture
def model(shelf, tmp_path):
    return str(ship(tmp_path / "own", channels=1, sigma=None))


def run(noisy, model, **more):
    more = {"adapt": 300, "set": STEPS, "sigma": 0.05} | more
    return pellucid.denoise(noisy, model=model, return_result=True, **more)


def test_a_blur_that_is_too_wide_learns_this_image_and_is_kept(model):
    """Weak noise wants less blur than a mean of 3 x 3: the truth agrees with the score."""
    clean, noisy = noisy_of(0.05)
    before = pellucid.denoise(noisy, model=model, sigma=0.05)
    result = run(noisy, model)
    told = result.extras["adapt"]
    assert told["kept"]
    assert told["steps"] == 60
    assert told["after"] < told["before"] - told["error"]
    assert psnr(result.estimate[0, 0], clean) > psnr(before, clean) + 1
    assert "adapted to this image after 60 steps" in result.warnings[0]


def test_same_seed_same_bits_other_seed_other_bits(model):
    _, noisy = noisy_of(0.05, side=96)
    short = {"set": STEPS | {"adapt.steps": 5}}
    first, again = (run(noisy, model, **short) for _ in range(2))
    assert np.array_equal(first.estimate, again.estimate)
    assert first.extras["adapt"]["after"] == again.extras["adapt"]["after"]
    assert run(noisy, model, seed=1, **short).extras["adapt"]["after"] != first.extras["adapt"]["after"]


def test_what_does_not_help_is_not_kept(model):
    """Steps so long that they ruin the network: the model is used as it is."""
    _, noisy = noisy_of(0.05, side=96)
    result = run(noisy, model, set={"adapt.steps": 3, "adapt.learning_rate": 3.0})
    assert not result.extras["adapt"]["kept"]
    assert result.warnings[0].startswith("not adapted to this image")
    assert np.array_equal(result.estimate[0, 0], pellucid.denoise(noisy, model=model, sigma=0.05))


def test_a_tiny_image_is_left_to_the_model(model):
    _, noisy = noisy_of(0.05, side=24)
    result = run(noisy, model)
    assert "too small to tell" in result.warnings[0]
    assert result.extras["adapt"]["after"] is None
    assert not result.extras["adapt"]["kept"]


def test_seconds_end_it(model):
    _, noisy = noisy_of(0.05, side=96)
    result = run(noisy, model, adapt=0.5, set=None)
    assert result.extras["adapt"]["steps"] > 0
    assert result.extras["adapt"]["seconds"] < 5


def test_ctrl_c_keeps_the_better_one(model):
    clean, noisy = noisy_of(0.05)

    def watch(progress):
        if progress.phase == "adapt" and progress.iteration == 40:
            raise KeyboardInterrupt

    result = run(noisy, model, progress=watch)
    assert result.extras["adapt"]["interrupted"]
    assert result.extras["adapt"]["kept"]
    assert result.extras["adapt"]["steps"] == 40
    assert result.stopped_by == "interrupted"
    assert psnr(result.estimate[0, 0], clean) > psnr(pellucid.denoise(noisy, model=model, sigma=0.05), clean)


def test_a_stack_is_fitted_at_once_and_channels_one_by_one(model):
    _, noisy = noisy_of(0.05, side=64)
    short = {"set": {"adapt.steps": 2}, "channel_axis": 0}
    result = run(np.stack([noisy, noisy[::-1]]), model, **short)
    assert result.extras["adapt"]["pixels"] == 2 * 14**2
    assert result.estimate.shape == (1, 2, 64, 64)


def test_nothing_is_fitted_where_nothing_is_removed(model):
    _, noisy = noisy_of(0.05, side=32)
    result = run(noisy, model, sigma=0.0)
    assert result.method == "none"
    assert "adapt did nothing: nothing was removed" in result.warnings
    assert "adapt" not in result.extras


def test_the_old_name_of_the_perturbation_is_understood(model):
    _, noisy = noisy_of(0.05, side=96)
    old = run(noisy, model, set={"adapt.steps": 2, "adapt.shake": 0.5})
    new = run(noisy, model, set={"adapt.steps": 2, "adapt.perturbation": 0.5})
    assert np.array_equal(old.estimate, new.estimate)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"adapt": 1}, "auto takes none. Name one with model"),
        ({"method": "nlm", "adapt": 1}, "does not apply to method nlm: it is not a trained model"),
        ({"adapt": 0, "model": "own"}, "adapt must be greater than 0"),
        ({"model": "own", "set": {"adapt.steps": 1}}, "Add adapt=SECONDS"),
        ({"model": "own", "adapt": 1, "set": {"adapt.stops": 1}}, "steps"),
        ({"model": "own", "adapt": 1, "set": {"adapt.steps": -1}}, "steps must be at least 0"),
    ],
)
def test_inapplicable(model, arguments, words):
    if arguments.get("model") == "own":
        arguments = arguments | {"model": model}
    with pytest.raises(ValueError, match=words):
        pellucid.denoise(np.zeros((32, 32), np.float32), **arguments)


def test_the_loss_is_that_of_stein():
    """For a linear f the descent ends at the minimum of Stein's estimate, which has a closed form.

    Of w y for white noise of variance s² about pictures of mean square m: the best w is 1 - s²/m.
    """

    class Factor(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(()))

        def forward(self, noisy):
            return self.weight * noisy

    report = NoiseReport.white(0.3, 1)
    clean = torch.randn(1, 256, 256, generator=seeds.generator(0, "c")) * 0.4
    noisy = clean + 0.3 * torch.randn(clean.shape, generator=seeds.generator(0, "n"))
    found = fine_tune(
        Factor(),
        [View(noisy=noisy, noise=report)],
        Config(steps=300, learning_rate=0.02, patch=128),
        seconds=600,
        seed=0,
        device=torch.device("cpu"),
    )
    # A blind pixel has nothing in common with this picture, so the smaller factor scores better: it is kept.
    assert found.weights is not None
    assert float(found.weights["weight"]) == pytest.approx(0.16 / 0.25, abs=0.03)


@pytest.mark.parametrize("channels", [1, 3])
def test_redrawn_noise_has_the_covariance_of_the_report(channels):
    report = shared(1.5, channels)
    drawn = Redraw(report).draw(256, 256, seeds.generator(0, "z")).numpy()
    expected = report.kernel[0, 0] / 0.01
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1), (0, 3)):
        seen = np.mean(drawn[0] * np.roll(drawn[0], (-down, -across), (0, 1)))
        assert seen == pytest.approx(expected[7 + down, 7 + across], abs=0.04)
    if channels == 3:
        assert abs(np.mean(drawn[0] * drawn[1])) < 0.03


def test_redrawn_noise_keeps_the_order_of_channels_in_a_lag():
    """Channel 1 is channel 0 one pixel further: cov(c0 here, c1 at +1 across) is 1, the other way round 0."""
    kernel = np.zeros((2, 2, 3, 3))
    kernel[0, 0, 1, 1] = kernel[1, 1, 1, 1] = kernel[0, 1, 1, 2] = kernel[1, 0, 1, 0] = 1.0
    report = NoiseReport.white(1.0, 2)
    report = pellucid.NoiseReport(**{**report.__dict__, "kernel": kernel, "correlated": True})
    drawn = Redraw(report).draw(64, 64, seeds.generator(0, "z")).numpy()
    assert np.mean(drawn[0] * np.roll(drawn[1], -1, 1)) == pytest.approx(1, abs=0.1)


def test_blur_is_left_as_it_was():
    network = Blur(1, 1)
    view = View(noisy=torch.rand(1, 64, 64), noise=NoiseReport.white(0.1, 1))
    fine_tune(network, [view], Config(steps=2), seconds=60, seed=0, device=torch.device("cpu"))
    assert float(network.weight.detach().std()) == 0
