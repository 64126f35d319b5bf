"""BM3D's engine against the same stage written as loops in NumPy, and regions that leave no trace."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import pywt
import torch
from scipy.fft import dctn, idctn
from skimage.data import camera

from pellucid.methods.filters import blocks
from pellucid.methods.filters.blocks import AREA, SIDE
from pellucid.methods.filters.collaborative import Stage, filter_image, filter_regions
from pellucid.methods.filters.grouping import passes

SIGMA = 0.1


def picture(height: int, width: int, channels: int = 1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A piece of a photograph (C, H, W), and its noisy version."""
    piece = torch.from_numpy(camera()[100 : 100 + height, 200 : 200 + width].copy()) / 255
    clean = torch.stack([piece * (1 - 0.2 * c) for c in range(channels)])
    return clean, clean + SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))


def white(channels: int = 1) -> torch.Tensor:
    return torch.full((channels, 1, 1), SIGMA**2)


def haar(group: np.ndarray) -> np.ndarray:
    if len(group) == 1:
        return group
    levels = int(np.log2(len(group)))
    return np.concatenate(pywt.wavedec(group, "haar", mode="periodization", level=levels, axis=0))


def in_loops(noisy: np.ndarray, pilot: np.ndarray | None, stage: Stage) -> np.ndarray:
    """One stage of Dabov et al. 2007 on (C, H, W) for white noise, the variances summed over pairs of blocks.

    Only the rows of the wavelet come from the code under test; test_bm3d_blocks checks them.
    """
    channels, height, width = noisy.shape
    atoms = blocks.basis(stage.transform)[0].double().numpy()
    back = np.linalg.inv(atoms)
    fade = np.outer(np.kaiser(SIDE, stage.beta), np.kaiser(SIDE, stage.beta))
    guide = noisy if pilot is None else pilot
    total, weight = np.zeros(noisy.shape), np.zeros(noisy.shape)
    tops, lefts = (sorted({*range(0, n - SIDE + 1, stage.step), n - SIDE}) for n in (height, width))

    def cut(image: np.ndarray, y: int, x: int) -> np.ndarray:
        return image[:, y : y + SIDE, x : x + SIDE]

    for top in tops:
        for left in lefts:
            near = {}
            for y in range(max(0, top - stage.radius), min(height - SIDE, top + stage.radius) + 1):
                for x in range(max(0, left - stage.radius), min(width - SIDE, left + stage.radius) + 1):
                    difference = cut(guide, y, x)[0] - cut(guide, top, left)[0]
                    near[y, x] = np.square(difference).sum()
            places = sorted((p for p in near if near[p] <= stage.limit * AREA * SIGMA**2), key=near.get)
            size = 2 ** int(np.log2(min(len(places), stage.group)))
            places = places[:size]
            mixing = haar(np.eye(size))
            # the covariance of coefficient k of two blocks is that of its atom with the shifted atom
            canvas = np.zeros((size, AREA, height, width))
            for i, (y, x) in enumerate(places):
                canvas[i, :, y : y + SIDE, x : x + SIDE] = atoms.reshape(AREA, SIDE, SIDE)
            mixed = np.tensordot(mixing, canvas, 1)
            variance = SIGMA**2 * np.square(mixed).sum((2, 3))
            for c in range(channels):
                data = np.stack([atoms @ cut(noisy, y, x)[c].ravel() for y, x in places])
                group = mixing @ data
                if pilot is None:
                    gain = (np.square(group) > stage.strength**2 * variance).astype(float)
                else:
                    model = mixing @ np.stack([atoms @ cut(pilot, y, x)[c].ravel() for y, x in places])
                    gain = model**2 / (model**2 + stage.strength * variance + 1e-12)
                share = SIGMA**2 / max((gain**2 * variance).sum(), 1e-12)
                estimate = (mixing.T @ (gain * group)) @ back.T
                for i, (y, x) in enumerate(places):
                    cut(total, y, x)[c] += share * fade * estimate[i].reshape(SIDE, SIDE)
                    cut(weight, y, x)[c] += share * fade
    return total / weight


def alike(ours: torch.Tensor, theirs: np.ndarray) -> None:
    """Within 1e-5 in general (measured: 1e-7); a tie that rounding breaks otherwise may touch some pixels."""
    difference = np.abs(ours.double().numpy() - theirs)
    assert np.median(difference) < 1e-5
    assert difference.max() < 5e-3


ENGINES = pytest.mark.parametrize("engine", [filter_image, filter_regions], ids=["compiled", "tensors"])
HARD = Stage(transform="bior1.5", step=3, radius=4, group=8, limit=15.0, strength=2.7)
WIENER = Stage(transform="dct", step=3, radius=4, group=16, limit=2.0, strength=0.6)


@ENGINES
@pytest.mark.parametrize(("height", "width"), [(21, 24), (20, 20), (9, 14), (8, 8)])
def test_hard_thresholding_is_that_of_the_loops(height, width, engine):
    noisy = picture(height, width)[1]
    alike(engine(noisy, None, white(), HARD), in_loops(noisy.double().numpy(), None, HARD))


@ENGINES
@pytest.mark.parametrize(("height", "width"), [(21, 24), (9, 14)])
def test_wiener_shrinkage_is_that_of_the_loops(height, width, engine):
    clean, noisy = picture(height, width)
    pilot = clean + 0.2 * (noisy - clean)
    theirs = in_loops(noisy.double().numpy(), pilot.double().numpy(), WIENER)
    alike(engine(noisy, pilot, white(), WIENER), theirs)


@ENGINES
@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_groups_of_every_size_are_those_of_the_loops(limit, engine):
    # a tight limit leaves groups of 1, 2 and 4 blocks
    noisy = picture(20, 22, seed=3)[1]
    stage = Stage(transform="bior1.5", step=3, radius=4, group=8, limit=limit, strength=2.7)
    alike(engine(noisy, None, white(), stage), in_loops(noisy.double().numpy(), None, stage))


@ENGINES
def test_channels_follow_the_groups_of_the_first(engine):
    noisy = picture(20, 22, channels=3)[1]
    alike(engine(noisy, None, white(3), HARD), in_loops(noisy.double().numpy(), None, HARD))


def test_scipy_agrees_with_the_loops_about_the_dct():
    # the one place where the loops and the code share something: that the inverse is the DCT's own
    block = np.random.default_rng(0).normal(size=(SIDE, SIDE))
    coefficients = (blocks.basis("dct")[0].double().numpy() @ block.ravel()).reshape(SIDE, SIDE)
    np.testing.assert_allclose(coefficients, dctn(block, norm="ortho"), atol=1e-6)
    np.testing.assert_allclose(idctn(coefficients, norm="ortho"), block, atol=1e-6)


@pytest.mark.parametrize("tile", [(8, 8), (20, 33), (1, 64), (64, 1), (1000, 1000)])
@pytest.mark.parametrize("stage", [HARD, WIENER], ids=["hard", "wiener"])
def test_regions_leave_no_trace(tile, stage):
    clean, noisy = picture(61, 50, channels=2)
    # not the clean picture itself: among its 256 greys are ties, which rounding may order either way
    pilot = clean + 0.2 * (noisy - clean) if stage is WIENER else None
    whole = filter_regions(noisy, pilot, white(2), stage)
    difference = (filter_regions(noisy, pilot, white(2), stage, tile=tile) - whole).abs()
    # equal, but for the few pixels of a group whose last blocks rounding took in another order
    assert float((difference > 1e-5).double().mean()) < 0.1
    assert float(difference.square().mean().sqrt()) < 2e-4


@pytest.mark.parametrize("stage", [HARD, WIENER], ids=["hard", "wiener"])
@pytest.mark.parametrize("levels", [(1.0,), (0.5, 1.0, 2.0)], ids=["one level", "three"])
def test_the_compiled_loops_agree_with_tensors_where_pixels_share_noise(stage, levels):
    clean, noisy = picture(45, 52, channels=3)
    line = torch.tensor([0.1, 0.5, 1.0, 0.5, 0.1])
    kernel = SIGMA**2 * torch.stack([torch.outer(line, line) ** power for power in (1.0, 1.0, 2.0)])
    kernel[1] *= 0.25  # as the first, but weaker
    pilot = clean + 0.2 * (noisy - clean) if stage is WIENER else None
    stage = replace(stage, levels=levels, stride=2)
    difference = filter_image(noisy, pilot, kernel, stage) - filter_regions(noisy, pilot, kernel, stage)
    assert float(difference.abs().median()) < 1e-6
    assert float(difference.abs().max()) < 1e-4


@pytest.mark.parametrize("stage", [HARD, WIENER], ids=["hard", "wiener"])
def test_the_number_of_threads_changes_no_bit(stage, monkeypatch):
    clean, noisy = picture(60, 50, channels=2)
    pilot = clean if stage is WIENER else None
    one = filter_image(noisy, pilot, white(2), stage)

    def three(function, items, device):
        with ThreadPoolExecutor(3) as pool:
            yield from pool.map(function, items)

    monkeypatch.setattr(passes.devices, "spread", three)
    assert torch.equal(filter_image(noisy, pilot, white(2), stage), one)


def test_arguments_are_left_alone():
    clean, noisy = picture(30, 30)
    before = clean.clone(), noisy.clone()
    filter_image(noisy, clean, white(), WIENER)
    assert torch.equal(clean, before[0])
    assert torch.equal(noisy, before[1])


@ENGINES
def test_saturated_areas_stay_finite(engine):
    # clipped to white, hundreds of blocks are alike to the last bit
    noisy = picture(60, 60)[1]
    noisy[:, :30] = 1.0
    noisy[:, 40:, 20:] = 0.0
    for stage in (HARD, WIENER):
        pilot = noisy if stage is WIENER else None
        estimate = engine(noisy, pilot, white(), stage)
        assert bool(torch.isfinite(estimate).all())
        assert float((estimate[:, :18] - 1).abs().max()) < 0.01
