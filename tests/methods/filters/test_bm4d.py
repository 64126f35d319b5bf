"""BM4D: what the slices above and below gain, the variances of its cubes, and what must not change."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.data import binary_blobs

import pellucid
from pellucid import metrics
from pellucid.methods.filters import bm3d
from pellucid.methods.filters.bm4d import Config, of_counts, restore
from pellucid.methods.filters.grouping import cubes
from pellucid.methods.filters.grouping.search import empty
from pellucid.methods.filters.grouping.shrinkage import scratch
from pellucid.methods.filters.grouping.variance import group_variance
from pellucid.noise.report import NoiseReport


def volume(name: str, side: int = 32) -> torch.Tensor:
    """Blobs of two sizes in one another, or fine ones alone: (1, D, H, W) in [0, 1]."""
    large = binary_blobs(side, n_dim=3, volume_fraction=0.4, blob_size_fraction=10 / side, rng=1).astype(
        float
    )
    small = binary_blobs(side, n_dim=3, volume_fraction=0.3, blob_size_fraction=4 / side, rng=2).astype(float)
    mixed = 0.5 * large + 0.35 * large * small if name == "coarse" else 0.7 * small
    return torch.from_numpy(gaussian_filter(mixed, 0.6) + 0.1).float()[None]


def drawn(clean: torch.Tensor, sigma: float, seed: int = 0) -> torch.Tensor:
    return clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))


def white(sigma: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), sigma**2)


def by_slices(noisy: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Slice by slice, as if there were no others."""
    return torch.stack([bm3d.restore(s, kernel, bm3d.Config(), color=False) for s in noisy.unbind(1)], 1)


def psnr(clean: torch.Tensor, estimate: torch.Tensor) -> float:
    return metrics.psnr(clean.flatten(0, 1), estimate.flatten(0, 1), data_range=1.0)


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("name", ["coarse", "fine"])
def test_slices_above_and_below_gain_over_slice_by_slice(name, sigma):
    clean = volume(name)
    noisy = drawn(clean, sigma)
    ours = psnr(clean, restore(noisy, white(sigma), Config(), color=False))
    assert ours > psnr(clean, by_slices(noisy, white(sigma))) + 1.0


def test_noise_that_pixels_of_a_slice_share_is_filtered_by_its_spectrum():
    clean, sigma = volume("coarse"), 0.1
    noise = torch.from_numpy(gaussian_filter(drawn(torch.zeros_like(clean), 1.0).numpy(), (0, 0, 1, 1)))
    line = torch.exp(-(torch.arange(-7, 8).float() ** 2) / 4)
    kernel = (line[:, None] * line[None] * sigma**2)[None, None]
    noisy = clean + sigma * noise / noise.std()
    right = psnr(clean, restore(noisy, kernel, Config(), color=False))
    assert right > psnr(clean, restore(noisy, white(sigma), Config(), color=False)) + 0.5
    assert right > psnr(clean, by_slices(noisy, kernel)) + 0.5


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("move", [(0, 0, 0), (1, 0, 0), (0, 2, 1), (3, 1, 0), (4, 0, 0), (2, 0, 4)])
def test_the_variance_of_a_pair_of_cubes_is_that_of_noise(shared, move):
    """Against many draws: the Haar coefficients of two cubes that lie so far apart."""
    rough = np.random.default_rng(0).standard_normal((40, 200, 200))
    line = np.exp(-(np.arange(-7, 8) ** 2) / 4)
    kernel = line[:, None] * line if shared else np.ones((1, 1))
    if shared:
        rough = gaussian_filter(rough, (0, 1, 1))
        rough /= rough.std()
    found, known = empty(2), cubes.noise(kernel.astype(np.float32))
    found.frames[1], found.downs[1], found.acrosses[1] = move
    expected = np.zeros((2, 64), np.float32)
    group_variance(found, 2, known, 0, scratch(2, 1).between, expected)
    matrix = cubes.basis(2.0).forward
    views = np.lib.stride_tricks.sliding_window_view(rough, (4, 4, 4))[:35:3, :190:5, :190:5]
    others = np.roll(rough, tuple(-m for m in move), (0, 1, 2))
    others = np.lib.stride_tricks.sliding_window_view(others, (4, 4, 4))[:35:3, :190:5, :190:5]
    made = [
        np.einsum("az,by,cx,...zyx->...abc", matrix, matrix, matrix, v).reshape(-1, 64)
        for v in (views, others)
    ]
    drawn_ = [((made[0] + made[1]) ** 2 / 2).mean(0), ((made[0] - made[1]) ** 2 / 2).mean(0)]
    np.testing.assert_allclose(expected * float(known.factor[0]), drawn_, atol=0.08 * max(1, expected.max()))


def test_noisier_slices_are_told():
    clean = volume("coarse")
    levels = torch.ones(32)
    levels[10:16] = 3.0
    noisy = clean + 0.05 * levels.view(1, -1, 1, 1) * drawn(torch.zeros_like(clean), 1.0)
    told = restore(noisy, white(0.05), Config(), color=False, levels=levels)
    assert psnr(clean, told) > psnr(clean, restore(noisy, white(0.05), Config(), color=False)) + 0.5


def test_few_slices_are_left_to_bm3d_and_no_noise_is_no_work():
    noisy = drawn(volume("fine")[:, :3], 0.1)
    assert torch.equal(restore(noisy, white(0.1), Config(), color=False), by_slices(noisy, white(0.1)))
    assert torch.equal(restore(noisy, white(0.0), Config(), color=False), noisy)
    thin = drawn(torch.full((1, 6, 3, 20), 0.5), 0.1)
    assert restore(thin, white(0.1), Config(), color=False).shape == thin.shape


def test_a_volume_in_python_keeps_form_and_brightness():
    slices = (200 * drawn(volume("coarse"), 0.1)[0]).clamp(0, 255).round().byte().numpy()
    clean = pellucid.denoise(slices, "bm4d", sigma=20, data_range=255, axes="ZYX")
    assert clean.dtype == np.uint8
    assert clean.shape == slices.shape
    np.testing.assert_allclose(clean.mean((1, 2)), slices.mean((1, 2)), atol=0.6)


def law(photons: float, base: float = 0.0) -> NoiseReport:
    """Counts of so many photons at 1, above a base."""
    return replace(NoiseReport.white(0.1, 1), gain=(1 / photons,), offset=(-base / photons,))


def counted(clean: torch.Tensor, photons: float) -> torch.Tensor:
    return torch.poisson(clean * photons, torch.Generator().manual_seed(0)) / photons


@pytest.mark.parametrize("name", ["coarse", "fine"])
def test_few_photons_gain_by_a_second_filtering_and_many_lose_nothing(name):
    clean = volume(name, 24)
    few, many = counted(clean, 8.0), counted(clean, 400.0)

    def gain(noisy, photons):
        once, again = (of_counts(noisy, law(photons), Config(again=a), color=False) for a in (1.0, 0.5))
        return psnr(clean, again) - psnr(clean, once)

    assert gain(few, 8.0) > 0.08
    assert gain(many, 400.0) > -0.02


def test_of_counts_neither_the_unit_nor_the_base_matters():
    noisy = counted(volume("fine", 24)[:, :8], 6.0)
    plain = of_counts(noisy, law(6.0), Config(), color=False)
    based = of_counts(noisy + 0.5, law(6.0, 0.5), Config(), color=False)
    np.testing.assert_allclose(based - 0.5, plain, atol=1e-3)
    large = of_counts(noisy * 6.0, law(1.0), Config(), color=False)
    np.testing.assert_allclose(large / 6.0, plain, atol=1e-3)
