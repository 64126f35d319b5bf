"""BM3D as a method: gains against other filters, correlated noise, colours, what must not change."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.data import astronaut, camera
from skimage.restoration import denoise_nl_means, denoise_wavelet

from pellucid import inspect, methods, metrics
from pellucid.methods.filters import bm3d
from pellucid.methods.filters.bm3d import Config, restore
from pellucid.noise.report import NoiseReport
from pellucid.noise.structured import Correlated
from pellucid.steps import Task

FAST = Config(wiener_step=4)
SIGMA = 25 / 255


def photograph(channels: int = 3, height: int = 128, width: int = 128) -> torch.Tensor:
    """A piece of a photograph (C, H, W) in [0, 1]; more channels than three repeat, a little darker."""
    piece = torch.from_numpy(astronaut()[:height, 150 : 150 + width].copy()).permute(2, 0, 1) / 255
    return torch.stack([piece[c % 3] * (1 - 0.1 * (c // 3)) for c in range(channels)])


def drawn(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def white(channels: int, sigma: float = SIGMA) -> torch.Tensor:
    return torch.diag(torch.full((channels,), sigma**2))[:, :, None, None]


def psnr(clean: torch.Tensor, estimate: torch.Tensor) -> float:
    return metrics.psnr(clean, estimate, data_range=1.0)


def rms(difference: torch.Tensor) -> float:
    return float(difference.square().mean().sqrt())


def test_beats_the_filters_of_scikit_image_on_colour():
    clean = photograph()
    noisy = clean + SIGMA * drawn(clean.shape)
    array = noisy.permute(1, 2, 0).numpy()
    nlm = denoise_nl_means(array, 5, 6, h=0.8 * SIGMA, sigma=SIGMA, fast_mode=False, channel_axis=-1)
    wavelet = denoise_wavelet(array, sigma=SIGMA, channel_axis=-1, convert2ycbcr=True, rescale_sigma=True)
    ours = psnr(clean, restore(noisy, white(3), FAST, color=True))
    others = [psnr(clean, torch.from_numpy(a).permute(2, 0, 1)) for a in (nlm, wavelet)]
    assert ours > 30.2
    assert ours > others[0] + 1.2
    assert ours > others[1] + 2.8


def test_a_spread_of_levels_forgives_one_that_texture_made_too_high():
    clean = photograph()
    noisy = clean + SIGMA * drawn(clean.shape)

    def gain(told: float) -> float:
        scores = [
            psnr(clean, restore(noisy, white(3, told), replace(FAST, spread=s), color=True))
            for s in (1.6, 1.0)
        ]
        return scores[0] - scores[1]

    assert gain(SIGMA * 1.2) > 0.5
    assert gain(SIGMA * 1.5) > 0.5
    assert gain(SIGMA) > -0.8


@pytest.mark.parametrize(("sigma", "least", "margin"), [(15, 31.2, 1.0), (50, 25.2, 1.5)])
def test_beats_the_filters_of_scikit_image_on_gray(sigma, least, margin):
    level = sigma / 255
    clean = torch.from_numpy(camera()[80:208, 150:278].copy())[None] / 255
    noisy = clean + level * drawn(clean.shape)
    array = noisy[0].numpy()
    nlm = denoise_nl_means(array, 5, 6, h=0.8 * level, sigma=level, fast_mode=False)
    wavelet = denoise_wavelet(array, sigma=level, rescale_sigma=True)
    ours = psnr(clean, restore(noisy, white(1, level), FAST, color=False))
    others = [psnr(clean, torch.from_numpy(a)[None]) for a in (nlm, wavelet)]
    assert ours > least
    assert ours > max(others) + margin


def test_the_preset_paper_is_no_worse_than_fast():
    clean = photograph(height=96, width=96)
    noisy = clean + SIGMA * drawn(clean.shape)
    presets = methods.load("bm3d").presets
    paper, fast = (psnr(clean, restore(noisy, white(3), presets[p], color=True)) for p in ("paper", "fast"))
    assert paper > fast - 0.05


def measured(noise: Correlated, channels: int, lags: int) -> torch.Tensor:
    """(C, C, 2L+1, 2L+1) covariance of a noise model, from a large draw of it alone."""
    field = noise.apply(torch.zeros(channels, 512, 512), torch.Generator().manual_seed(5)).double()
    power = torch.fft.fft2(field)
    whole = torch.fft.ifft2(power[:, None] * power[None].conj()).real / 512**2
    return whole.roll((lags, lags), (-2, -1))[..., : 2 * lags + 1, : 2 * lags + 1].float()


@pytest.mark.parametrize(("blur", "margin"), [(0.6, 1.5), (1.2, 3.0)])
def test_correlated_noise_needs_its_kernel(blur, margin):
    clean = photograph()
    noise = Correlated(sigma=SIGMA, blur=blur)
    noisy = noise.apply(clean, torch.Generator().manual_seed(0))
    exact = replace(FAST, correlated=1.0, whiten=0.0, whiten_chroma=0.0)
    true = restore(noisy, measured(noise, 3, 5), exact, color=True)
    level = restore(noisy, white(3), FAST, color=True)
    assert psnr(clean, true) > psnr(clean, level) + margin


def test_channels_that_share_their_noise():
    # all of it is in the luminance: the differences between the channels come back as they were
    clean = photograph(height=64, width=64)
    noisy = clean + SIGMA * drawn((1, 64, 64))
    shared = torch.full((3, 3, 1, 1), SIGMA**2)
    estimate = restore(noisy, shared, FAST, color=True)
    torch.testing.assert_close(estimate[0] - estimate[1], clean[0] - clean[1], atol=1e-4, rtol=0)
    assert psnr(clean, estimate) > psnr(clean, restore(noisy, white(3), FAST, color=True)) + 5


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
def test_channels_that_are_no_colours_are_filtered_one_by_one(channels):
    clean = photograph(channels, 40, 44)
    levels = torch.linspace(0.5, 1.5, channels) * SIGMA
    noisy = clean + levels.view(-1, 1, 1) * drawn(clean.shape)
    kernel = torch.diag(levels**2)[:, :, None, None]
    together = restore(noisy, kernel, FAST, color=False)
    for c in range(channels):
        alone = restore(noisy[c : c + 1], kernel[c : c + 1, c : c + 1], FAST, color=False)
        torch.testing.assert_close(together[c : c + 1], alone, atol=1e-5, rtol=0)
        assert psnr(clean[c : c + 1], alone) > psnr(clean[c : c + 1], noisy[c : c + 1]) + 3


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 9), (8, 8), (9, 8), (8, 40), (11, 13)])
def test_tiny_images(size, channels):
    noisy = 0.5 + SIGMA * drawn((channels, *size))
    estimate = restore(noisy, white(channels), FAST, color=channels == 3)
    assert estimate.shape == noisy.shape
    assert bool(torch.isfinite(estimate).all())
    if size[0] * size[1] > 60:
        assert rms(estimate - 0.5) < 0.6 * rms(noisy - 0.5)


# measured: the DC of a group is shrunk as every coefficient, ties are broken by rounding, and the last
# references of a side break the rhythm; none of it may be seen (the error itself is 0.027)
def test_what_may_not_matter():
    clean = photograph(height=97, width=110)
    noisy = clean + SIGMA * drawn(clean.shape)
    estimate = restore(noisy, white(3), FAST, color=True)
    brighter = restore(noisy + 0.5, white(3), FAST, color=True) - 0.5
    turned = restore(noisy.mT.contiguous(), white(3), FAST, color=True).mT
    mirrored = restore(noisy.flip(-1), white(3), FAST, color=True).flip(-1)
    swapped = restore(noisy.flip(0), white(3), FAST, color=True).flip(0)
    for other, bound in ((brighter, 4e-3), (turned, 1e-3), (mirrored, 4e-3), (swapped, 1e-3)):
        assert rms(other - estimate) < bound
        assert abs(psnr(clean, other) - psnr(clean, estimate)) < 0.05


@pytest.mark.parametrize("factor", [0.25, 2.0, 4096.0])
def test_scaling_the_image_and_its_noise(factor):
    # powers of two, so that floats scale exactly
    noisy = photograph(height=48, width=52) + SIGMA * drawn((3, 48, 52))
    estimate = restore(noisy, white(3), FAST, color=True)
    scaled = restore(noisy * factor, white(3) * factor**2, FAST, color=True) / factor
    torch.testing.assert_close(scaled, estimate, atol=1e-5, rtol=0)


def test_strength_is_a_factor_on_the_standard_deviation():
    noisy = photograph(1, 40, 40) + SIGMA * drawn((1, 40, 40))
    factor = restore(noisy, white(1), replace(FAST, strength=1.5), color=False)
    torch.testing.assert_close(factor, restore(noisy, white(1, 1.5 * SIGMA), FAST, color=False))


def test_white_takes_the_level_of_the_kernel_alone():
    noise = Correlated(sigma=SIGMA, blur=1.0)
    kernel = measured(noise, 1, 4)
    noisy = noise.apply(photograph(1, 40, 40), torch.Generator().manual_seed(0))
    level = float(kernel[0, 0, 4, 4]) ** 0.5
    assert level == pytest.approx(SIGMA, rel=0.05)
    ours = restore(noisy, kernel, replace(FAST, noise="white"), color=False)
    torch.testing.assert_close(ours, restore(noisy, white(1, level), FAST, color=False))
    assert rms(ours - restore(noisy, kernel, FAST, color=False)) > 1e-3


@pytest.mark.parametrize(
    "config",
    [
        Config(step=8, wiener_step=8),
        Config(radius=1, group=1, wiener_group=1),
        Config(radius=2, stride=5),
        Config(radius=4, group=64, wiener_group=128),
    ],
)
def test_unusual_settings_still_denoise(config):
    clean = photograph(1, 45, 38)
    noisy = clean + SIGMA * drawn(clean.shape)
    assert psnr(clean, restore(noisy, white(1), config, color=False)) > psnr(clean, noisy) + 3


def test_no_noise_changes_nothing():
    noisy = photograph(height=20, width=20)
    assert torch.equal(restore(noisy, torch.zeros(3, 3, 1, 1), FAST, color=True), noisy)


def test_more_noise_is_stated_more_is_removed():
    noisy = photograph(1, 64, 64) + SIGMA * drawn((1, 64, 64))
    removed = [rms(restore(noisy, white(1, s * SIGMA), FAST, color=False) - noisy) for s in (0.3, 1, 3)]
    assert removed[0] < 0.5 * removed[1] < removed[1] < removed[2]
    assert removed[1] == pytest.approx(SIGMA, rel=0.15)


def test_shots_are_averaged():
    clean = photograph(1, 40, 40)
    shots = torch.stack([clean + SIGMA * drawn(clean.shape, seed=s) for s in range(4)])
    method = methods.load("bm3d")
    task = Task(shots=shots, noise=NoiseReport.white(SIGMA, 1), color=False)
    (step,) = method.steps(task, FAST, seed=0, device=torch.device("cpu"))
    theirs = restore(shots.mean(0), white(1) / 4, FAST, color=False)
    torch.testing.assert_close(step.estimate(), theirs)


@pytest.mark.parametrize(
    ("field", "value"),
    [("group", 12), ("wiener_group", 0), ("step", 0), ("wiener_step", 9), ("radius", 0),
     ("threshold", 0.0), ("wiener", -1.0),
     ("strength", 0.0), ("whiten", 1.5), ("correlated", 0.0), ("noise", "pink")],
)  # fmt: skip
def test_a_bad_field_is_named_with_its_value(field, value):
    with pytest.raises(ValueError, match=rf"{field}.*{value}"):
        Config(**{field: value})


def test_two_runs_are_equal_to_the_bit():
    noisy = photograph(1, 40, 40) + SIGMA * drawn((1, 40, 40))
    np.testing.assert_array_equal(
        restore(noisy, white(1), FAST, color=False), restore(noisy, white(1), FAST, color=False)
    )


def test_noise_at_half_size_by_its_closed_form():
    white_noise = torch.zeros(1, 15, 15)
    white_noise[0, 7, 7] = 1.0
    expected = torch.zeros(1, 7, 7)
    expected[0, 3, 3] = 0.25  # the mean of four independent pixels
    assert torch.allclose(bm3d._halved(white_noise), expected)
    shared = bm3d._halved(torch.ones(1, 15, 15))  # one value for all pixels: no mean changes it
    assert torch.allclose(shared[:, 1:-1, 1:-1], torch.ones(1, 5, 5))


def test_patches_of_colour_are_removed_by_the_look_at_half_size():
    clean = photograph()
    blotches = torch.from_numpy(gaussian_filter(drawn(clean.shape).numpy(), (0, 2.5, 2.5)))
    blotches = 0.04 * (blotches - blotches.mean(0)) / blotches.std()  # no luminance
    noisy = clean + blotches + 0.002 * drawn(clean.shape, 1)
    measured = inspect(noisy.numpy(), channel_axis=0)
    assert measured.correlated
    kernel = torch.from_numpy(measured.kernel).float()
    once, twice = (restore(noisy, kernel, replace(FAST, coarse=c), color=True) for c in (0.0, 1.0))
    assert psnr(clean, twice) > psnr(clean, once) + 0.5
    luminance = [e.mean(0) for e in (once, twice)]
    assert rms(luminance[0] - luminance[1]) < 2e-4
