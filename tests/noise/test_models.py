"""Forward models against the means, variances and correlations that their formulas promise."""

import math

import numpy as np
import pytest
import torch

from pellucid import seeds
from pellucid.noise import models

SIZE = 400  # so that a relative error of a variance is about sqrt(2 / 160000) = 0.35 %


def noisy(text: str, value: float = 0.5, channels: int = 1, seed: int = 0) -> torch.Tensor:
    clean = torch.full((channels, SIZE, SIZE), value)
    return models.parse(text).apply(clean, seeds.generator(seed, "noise"))


MOMENTS = [
    ("gaussian:25", 0.5, 0.5, (25 / 255) ** 2),
    ("shifted:25,-10", 0.5, 0.5 - 10 / 255, (25 / 255) ** 2),
    ("poisson:30", 0.5, 0.5, 0.5 / 30),
    ("poisson:2", 0.1, 0.1, 0.05),
    ("poisson-gaussian:30,5", 0.5, 0.5, 0.5 / 30 + (5 / 255) ** 2),
    ("speckle:0.1", 0.6, 0.6, 0.1 * 0.36),
    ("salt-pepper:0.2", 0.3, 0.34, 0.8 * 0.3**2 + 0.1 - 0.34**2),
    ("correlated:25,1.5", 0.5, 0.5, (25 / 255) ** 2),
    ("correlated:25,0", 0.5, 0.5, (25 / 255) ** 2),
    ("banding:10,8", 0.5, 0.5, (10 / 255) ** 2 / 2),
    ("gaussian:10+gaussian:24", 0.5, 0.5, (26 / 255) ** 2),
]


@pytest.mark.parametrize(("text", "value", "mean", "variance"), MOMENTS)
def test_mean_and_variance(text, value, mean, variance):
    y = noisy(text, value).double()
    slack = 12 if text.startswith("correlated:25,1") else 1  # fewer independent pixels
    assert float(y.mean()) == pytest.approx(mean, abs=4 * math.sqrt(slack * variance) / SIZE)
    assert float(y.var()) == pytest.approx(variance, rel=0.02 * math.sqrt(slack))


def test_speckle_is_uniform_and_salt_and_pepper_are_even():
    n = noisy("speckle:0.1", 1.0) - 1
    assert float(n.abs().max()) <= math.sqrt(0.3) < float(n.abs().max()) + 1e-3
    y = noisy("salt-pepper:0.3")
    assert float((y == 0).float().mean()) == pytest.approx(0.15, abs=0.005)
    assert float((y == 1).float().mean()) == pytest.approx(0.15, abs=0.005)


def test_correlated_noise_has_the_autocorrelation_of_its_formula():
    n = (noisy("correlated:25,1.5") - 0.5)[0].double()
    variance = float(n.square().mean())
    for d in (1, 2, 3, 5):
        expected = math.exp(-(d**2) / (4 * 1.5**2))
        assert float((n[d:] * n[:-d]).mean()) / variance == pytest.approx(expected, abs=0.04)
        assert float((n[:, d:] * n[:, :-d]).mean()) / variance == pytest.approx(expected, abs=0.04)
    assert float((n[0] * n[-1]).mean()) / variance == pytest.approx(0, abs=0.25)  # borders are not tied


def test_correlated_noise_keeps_its_variance_at_the_border():
    shots = torch.cat([noisy("correlated:25,2", seed=s) for s in range(8)]) - 0.5
    border = torch.cat([shots[:, 0], shots[:, -1], shots[:, :, 0], shots[:, :, -1]])
    assert float(border.square().mean()) == pytest.approx((25 / 255) ** 2, rel=0.1)


def test_channels_share_as_much_as_asked():
    n = (noisy("correlated:25,1,0.6", channels=3) - 0.5).flatten(1).numpy()
    off = np.corrcoef(n)[np.triu_indices(3, 1)]
    np.testing.assert_allclose(off, 0.6, atol=0.02)
    independent = (noisy("correlated:25,1", channels=3) - 0.5).flatten(1).numpy()
    np.testing.assert_allclose(np.corrcoef(independent)[np.triu_indices(3, 1)], 0, atol=0.02)


def test_ranges_of_correlated_noise_are_drawn_for_each_image():
    clean = torch.zeros(24, 2, 80, 80)
    n = models.parse("correlated:25,0.3-1.5,0.2-0.8").apply(clean, seeds.generator(0)).double()
    variance = n.square().mean((1, 2, 3))
    beside = (n[..., 1:] * n[..., :-1]).mean((1, 2, 3)) / variance
    shared = (n[:, 0] * n[:, 1]).mean((1, 2)) / variance
    assert bool((variance.sqrt() * 255 - 25).abs().max() < 5)  # one level, whatever the blur
    assert -0.05 < float(beside.min()) < 0.3
    assert 0.8 < float(beside.max()) < 0.95
    assert 0.15 < float(shared.min()) < 0.4
    assert 0.6 < float(shared.max()) < 0.85


def test_a_batch_of_one_blur_is_its_images_one_by_one():
    """The grouped convolution must not mix images or channels."""
    clean = torch.zeros(3, 2, 200, 200)
    n = models.parse("correlated:25,1").apply(clean, seeds.generator(0)).double().flatten(0, 1).flatten(1)
    off = np.corrcoef(n.numpy())[np.triu_indices(6, 1)]
    assert np.abs(off).max() < 0.06


@pytest.mark.parametrize(("angle", "axis"), [(0, 0), (90, 1)])
def test_banding_is_one_line_of_the_spectrum(angle, axis):
    n = (noisy(f"banding:10,8,{angle}") - 0.5)[0].numpy()
    spectrum = np.abs(np.fft.fft2(n)) / n.size
    peak = [0, 0]
    peak[axis] = SIZE // 8
    assert spectrum[tuple(peak)] == pytest.approx(10 / 255 / 2, rel=1e-3)
    assert np.sort(spectrum.ravel())[-3] < 1e-5  # nothing but the pair of lines
    y = noisy("banding:10,8", channels=3)
    assert bool((y[0] == y[2]).all())


def test_a_range_draws_one_level_per_image_of_a_batch():
    clean = torch.zeros(64, 1, 64, 64)
    levels = models.parse("gaussian:10-50").apply(clean, seeds.generator(0)).std((1, 2, 3)) * 255
    assert 9 < float(levels.min()) < 16
    assert 44 < float(levels.max()) < 52
    assert float(levels.mean()) == pytest.approx(30, abs=5)


def test_the_generator_is_the_only_randomness_and_the_input_is_left_alone():
    clean = torch.rand(3, 16, 16, generator=seeds.generator(3))
    for text in [
        "gaussian:25",
        "poisson:30",
        "speckle:.1",
        "salt-pepper:.1",
        "correlated:9,1",
        "correlated:9,0-2,0-1",
        "spectrum:9",
        "banding:9,5",
    ]:
        model, before, state = models.parse(text), clean.clone(), torch.get_rng_state()
        a, b, c = (model.apply(clean, seeds.generator(s)) for s in (1, 1, 2))
        assert bool((a == b).all())
        assert not bool((a == c).all())
        assert bool((clean == before).all())
        assert bool((torch.get_rng_state() == state).all())
        assert a.dtype == torch.float32


def test_clip_cuts_and_rounds():
    y = noisy("gaussian:50+clip:8", 0.9)
    assert float(y.max()) == 1.0
    assert float((y * 255 - (y * 255).round()).abs().max()) < 1e-4
    assert float(noisy("gaussian:50", 0.9).max()) > 1.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gausian:25", "Did you mean 'gaussian'"),
        ("gaussian", "must look like gaussian:SIGMA, got 0"),
        ("gaussian:1,2", "got 2 levels"),
        ("gaussian:-5", "sigma must be at least 0"),
        ("gaussian:50-10", "from low to high"),
        ("gaussian:big", "'big' must be a number or a range"),
        ("salt-pepper:5", r"fraction must be in \[0.0, 1.0\], got 5.0"),
        ("poisson:0", "peak must be greater than 0"),
        ("correlated:25,2-1", "blur must be a range from low to high"),
        ("correlated:25,1,0.5-2", r"channels must be in \[0.0, 1.0\]"),
        ("spectrum", r"must look like spectrum:SIGMA\[,BLUR\[,CHANNELS\[,COARSE\]\]\], got 0"),
        ("spectrum:25,1,0.5,2", r"coarse must be in \[0.0, 1.0\]"),
        ("gaussian:25+", "noise must be one of"),
        ("", "noise must be one of"),
    ],
)
def test_bad_text_is_a_clear_error(text, message):
    with pytest.raises(ValueError, match=message):
        models.parse(text)
