"""Noise that each channel of a colour picture has for itself."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import shift
from skimage import data

import pellucid
from pellucid.methods.filters import bm3d, decorrelate
from pellucid.noise import apart, flat

SIDE = 144
LEVELS = [(15.0, 15.0, 15.0), (15.0, 0.0, 0.0), (4.0, 4.0, 20.0), (3.0, 4.5, 6.0)]


def textured(name: str) -> np.ndarray:
    """(H, W, 3) detail of a colour picture, half its size, of values from 0 to 255."""
    pixels = getattr(data, name)().astype(float)[: 2 * SIDE, : 2 * SIDE, :3]
    return pixels.reshape(SIDE, 2, SIDE, 2, 3).mean((1, 3)) * 0.8 + 25


def spoilt(clean: np.ndarray, levels: tuple[float, ...], seed: int = 0) -> np.ndarray:
    draws = np.random.default_rng(seed)
    return np.clip(np.round(clean + draws.normal(0, 1, clean.shape) * levels), 0, 255).astype(np.uint8)


def told(pixels: np.ndarray) -> np.ndarray:
    found = apart.find(torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)))
    assert found is not None
    return found.variance.sqrt().numpy()


@pytest.mark.parametrize("name", ["coffee", "astronaut", "chelsea"])
@pytest.mark.parametrize("levels", LEVELS)
def test_the_level_of_every_channel_is_told_in_spite_of_texture(name: str, levels: tuple[float, ...]) -> None:
    found = told(spoilt(textured(name), levels))
    np.testing.assert_allclose(found**2, np.square(levels), atol=0.2 * max(levels) ** 2 + 1)


@pytest.mark.parametrize("name", ["coffee", "chelsea"])
def test_neither_texture_nor_what_channels_share_is_their_own(name: str) -> None:
    clean = textured(name)
    shared = np.random.default_rng(1).normal(0, 15, clean.shape[:2])[..., None]
    for pixels in (clean, clean + shared):
        assert told(np.round(pixels)).max() < 2.5


def test_it_follows_the_order_of_channels_and_another_unit() -> None:
    noisy = spoilt(textured("coffee"), (3.0, 9.0, 18.0)).astype(float)
    found = told(noisy)
    np.testing.assert_allclose(told(noisy[..., ::-1]), found[::-1], rtol=1e-3)
    np.testing.assert_allclose(told(noisy * 200 + 1000), found * 200, rtol=1e-2)


def test_pixels_that_were_cut_off_do_not_lower_it() -> None:
    dark = textured("coffee") * 0.5 - 15
    noisy = torch.from_numpy(spoilt(dark, (15.0, 15.0, 15.0)).astype(np.float32).transpose(2, 0, 1))
    assert float((noisy == 0).float().mean()) > 0.05
    found = apart.find(noisy, floor=0.0)
    assert found is not None
    np.testing.assert_allclose(found.variance.sqrt(), 15, rtol=0.2)


def test_a_picture_smaller_than_a_patch_tells_nothing() -> None:
    assert apart.find(torch.rand(3, 7, 40)) is None
    with pytest.raises(ValueError, match="three channels"):
        apart.find(torch.rand(2, 40, 40))


@pytest.mark.parametrize("levels", LEVELS[1:])
def test_the_report_names_the_level_of_every_channel(levels: tuple[float, ...]) -> None:
    report = pellucid.inspect(spoilt(textured("coffee"), levels), channel_axis=-1)
    assert not report.correlated
    found = np.multiply(report.sigma, report.scale)
    np.testing.assert_allclose(found, levels, atol=0.1 * max(levels) + 0.5)


def test_planes_for_noise_that_is_alike_are_the_opponent_colours() -> None:
    usual = decorrelate.matrix(3, color=True)
    for covariance in (torch.eye(3), 0.2 * torch.eye(3) + 1):
        assert torch.equal(decorrelate.adapted(covariance), usual)


@pytest.mark.parametrize("levels", LEVELS[1:])
def test_planes_for_noise_that_differs_share_none_of_it(levels: tuple[float, ...]) -> None:
    covariance = torch.diag(torch.tensor(levels) ** 2) + (decorrelate.LEAST * max(levels)) ** 2 * torch.eye(3)
    planes = decorrelate.adapted(covariance)
    there = planes @ covariance @ planes.T
    size = there.diagonal().clamp_min(1e-6).sqrt()
    assert float((there / torch.outer(size, size) - torch.eye(3)).abs().max()) < 0.1
    assert float((torch.linalg.inv(planes) @ planes - torch.eye(3)).abs().max()) < 1e-4


def test_a_measured_covariance_that_is_negative_somewhere_has_planes() -> None:
    """Correlations that were measured pair by pair need not go together."""
    covariance = torch.tensor([[1.0, 0.9, 0.1], [0.9, 1.0, 0.9], [0.1, 0.9, 1.0]])
    assert float(torch.linalg.eigvalsh(covariance)[0]) < -0.1
    there, back = decorrelate.planes(covariance * 0.01, color=True)
    assert torch.isfinite(there).all()
    torch.testing.assert_close(back @ there, torch.eye(3), atol=1e-4, rtol=0)


def test_correlations_of_channels_go_together() -> None:
    """Of ten blocks the first six show the first pair alike, the last six the second: 1, 1, and less."""
    mixed = torch.randn(1000, 3, 6, generator=torch.Generator().manual_seed(0)).double()
    mixed[:600, 1] = mixed[:600, 0]
    mixed[400:, 2] = mixed[400:, 1]
    found = flat.correlations(mixed, flat.variances(mixed))
    assert float(torch.linalg.eigvalsh(found)[0]) > -1e-9
    torch.testing.assert_close(found.diagonal(), torch.ones(3).double())


def test_a_picture_in_a_palette_is_denoised() -> None:
    """Its channels had correlations that did not go together."""
    part = Image.fromarray(data.rocket()[60:316, 100:356])
    reduced = np.asarray(part.quantize(256, dither=Image.Dither.NONE).convert("RGB"))
    pellucid.denoise(reduced, channel_axis=-1)


@pytest.mark.parametrize("name", ["bm3d", "bm4d", "tv", "vbm3d", "wavelet"])
@pytest.mark.parametrize(("levels", "gain"), [((15.0, 0.0, 0.0), 2.5), ((4.0, 4.0, 20.0), 1.2)])
def test_every_filter_of_colours_spares_the_quiet_channels(
    name: str, levels: tuple[float, ...], gain: float
) -> None:
    """Beside the same filter told their mean level, as one for all channels."""
    clean = textured("coffee")[:96, :96]
    axes = {"bm4d": "ZYXS", "vbm3d": "TYXS"}.get(name)
    if axes:
        moved = [shift(clean, (-0.6 * t, -0.45 * t, 0), order=3, mode="nearest") for t in range(5)]
        clean = np.stack(moved)[:, :80, :80]
    noisy = ((clean + np.random.default_rng(2).normal(0, 1, clean.shape) * levels) / 255).astype(np.float32)

    def error(told: tuple[float, ...] | float) -> float:
        found = pellucid.denoise(noisy, name, channel_axis=-1, axes=axes, sigma=told, data_range=1.0)
        return float(-10 * np.log10(np.square(np.asarray(found) - clean / 255).mean()))

    each = np.array(levels) / 255
    assert error(tuple(each.tolist())) > error(float(np.sqrt(np.mean(each**2)))) + gain


@pytest.mark.parametrize(("levels", "gain"), [((15.0, 0.0, 0.0), 3.0), ((4.0, 4.0, 20.0), 2.0)])
def test_a_noisy_channel_does_not_spoil_the_others(levels: tuple[float, ...], gain: float) -> None:
    """Against CBM3D told their mean level, as one for all channels."""
    clean = textured("coffee")
    noisy = clean + np.random.default_rng(2).normal(0, 1, clean.shape) * levels
    x, y = (torch.from_numpy(a.transpose(2, 0, 1) / 255).float() for a in (clean, noisy))
    kernel = torch.diag((torch.tensor(levels) / 255) ** 2)[:, :, None, None]
    found = bm3d.restore(y, kernel, bm3d.Config(), color=True)
    alike = torch.diag_embed(kernel[..., 0, 0].diagonal().mean().expand(3))[:, :, None, None]
    usual = bm3d.restore(y, alike, bm3d.Config(), color=True)

    def error(estimate: torch.Tensor) -> float:
        return float(-10 * (estimate - x).square().mean().log10())

    assert error(found) > error(usual) + gain


def test_clean_channels_come_back_nearly_as_they_are() -> None:
    clean = textured("chelsea")
    noisy = spoilt(clean, (15.0, 0.0, 0.0))
    found = pellucid.denoise(noisy, channel_axis=-1).astype(float)
    before, after = (np.square(a - clean).mean((0, 1)) for a in (noisy.astype(float), found))
    assert after[0] < before[0] / 6
    assert np.sqrt(np.square(found - noisy).mean((0, 1)))[1:].max() < 1.0


def test_the_level_of_all_channels_counts_where_they_are_alike() -> None:
    variance = torch.tensor([100.0, 121.0, 144.0])
    own = apart.Own(variance, 2 * variance)
    level = float(variance.mean()) ** 0.5
    assert torch.allclose(own.beside(level / 1.1).variance, variance / 1.1**2)
    for joint in (0.0, level * 1.1, level / 2):
        assert torch.equal(own.beside(joint).variance, variance)


def test_a_picture_of_few_pixels_is_read_as_before() -> None:
    """Eigenvalues of few patches spread so far that the least of them read low."""
    noisy = np.clip(np.random.default_rng(0).normal(128, 25, (64, 80, 3)), 0, 255).astype(np.uint8)
    report = pellucid.inspect(noisy, channel_axis=-1)
    np.testing.assert_allclose(np.multiply(report.sigma, report.scale), 25, rtol=0.1)
