"""Pyramid sizes by the published figures; joint bilateral upsampling against a plain loop; the ensemble."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage import data
from torch.nn.functional import interpolate

from pellucid.methods.single_image.ms_dip.equations import fuse, fuse_bands, joint_bilateral, resize, sizes


@pytest.mark.parametrize(
    ("side", "levels"), [(127, 1), (128, 1), (256, 4), (480, 6), (512, 7), (640, 8), (1024, 10), (3000, 15)]
)
def test_levels_of_the_paper(side: int, levels: int) -> None:
    found = sizes(side, side + 7, ratio=0.8, minimum=128)
    assert len(found) == levels
    assert found[0] == (side, side + 7)
    assert min(found[-1]) >= min(128, side)


def test_a_pyramid_ends_where_rounding_stands_still() -> None:
    assert sizes(1, 9, ratio=0.9, minimum=1) == [(1, 9)]
    assert sizes(2, 2, ratio=0.95, minimum=1) == [(2, 2)]


def test_resize_shrinks_without_aliasing() -> None:
    """The finest checkerboard is gray once it is smaller; white noise keeps less than its level."""
    board = (torch.arange(60)[:, None] + torch.arange(60)) % 2.0
    shrunk = resize(board[None], (48, 48))
    assert float((shrunk[:, 4:-4, 4:-4] - 0.5).abs().max()) < 0.2
    assert resize(board[None], (60, 60)).data_ptr() == board.data_ptr()


def plain(low: np.ndarray, guide: np.ndarray, spatial: float, value: float) -> np.ndarray:
    """Equation 5, pixel by pixel; the guide is read by SciPy."""
    (channels, h, w), (_, height, width) = low.shape, guide.shape
    out = np.zeros((channels, height, width))
    for y in range(height):
        for x in range(width):
            row, column = (y + 0.5) * h / height - 0.5, (x + 0.5) * w / width - 0.5
            total, weights = np.zeros(channels), 0.0
            for j in range(round(row) - 2, round(row) + 3):
                for i in range(round(column) - 2, round(column) + 3):
                    if not (0 <= j < h and 0 <= i < w):
                        continue
                    at = [[(j + 0.5) * height / h - 0.5], [(i + 0.5) * width / w - 0.5]]
                    there = [map_coordinates(g, at, order=1, mode="nearest")[0] for g in guide]
                    far = ((row - j) ** 2 + (column - i) ** 2) / spatial**2
                    unlike = np.square(guide[:, y, x] - there).sum() / value**2
                    weight = math.exp(-0.5 * (far + unlike))
                    total += weight * low[:, j, i]
                    weights += weight
            out[:, y, x] = total / weights
    return out


def test_joint_bilateral_is_a_plain_double_loop() -> None:
    rng = np.random.default_rng(0)
    low, guide = rng.random((2, 7, 9)), rng.random((3, 9, 11))
    found = joint_bilateral(torch.from_numpy(low), torch.from_numpy(guide), spatial=0.5, value=0.3)
    np.testing.assert_allclose(found.numpy(), plain(low, guide, 0.5, 0.3), atol=1e-6)


def test_joint_bilateral_without_a_say_of_the_guide_is_gaussian() -> None:
    """At equal size and any value, the 5 x 5 Gaussian of SciPy, away from the border."""
    low = torch.from_numpy(np.random.default_rng(1).random((1, 20, 20)))
    found = joint_bilateral(low, torch.rand(1, 20, 20, dtype=torch.float64), spatial=0.8, value=1e6)
    expected = gaussian_filter(low[0].numpy(), 0.8, truncate=2 / 0.8)
    np.testing.assert_allclose(found[0, 3:-3, 3:-3].numpy(), expected[3:-3, 3:-3], atol=1e-6)


def test_joint_bilateral_keeps_an_edge_that_bilinear_blurs() -> None:
    edge = torch.zeros(1, 40, 40)
    edge[..., 20:] = 1
    low = resize(edge, (32, 32))
    sharp, soft = joint_bilateral(low, edge), resize(low, (40, 40), mode="bilinear")
    assert float((sharp - edge).abs().mean()) < 0.5 * float((soft - edge).abs().mean())


def test_joint_bilateral_survives_a_guide_that_is_nowhere_alike() -> None:
    found = joint_bilateral(torch.rand(1, 4, 4), 1e6 * torch.rand(1, 5, 5))
    assert bool(torch.isfinite(found).all())


def test_ensemble_has_the_papers_weights() -> None:
    """1/2, 1/4, 1/8, 1/8 from fine to coarse."""
    values = torch.tensor([3.0, 5.0, 7.0, 11.0])
    pictures = [torch.full((1, s, s), float(v)) for s, v in zip((10, 8, 6, 5), values, strict=True)]
    expected = float((values * torch.tensor([1 / 2, 1 / 4, 1 / 8, 1 / 8])).sum())
    for upsampling in ("joint-bilateral", "bilinear", "nearest"):
        assert torch.allclose(fuse(pictures, upsampling=upsampling), torch.tensor(expected))
    assert torch.allclose(fuse_bands(pictures), values.mean())
    with pytest.raises(ValueError, match="upsampling"):
        fuse(pictures, upsampling="cubic")


def test_nearest_and_bilinear_are_torchs() -> None:
    low = torch.rand(1, 8, 8)
    for mode, name in (("nearest", "nearest-exact"), ("bilinear", "bilinear")):
        torch.testing.assert_close(
            resize(low, (10, 10), mode=mode)[None], interpolate(low[None], (10, 10), mode=name)
        )


def test_bands_keep_detail_that_halves_lose() -> None:
    """The pyramid of a clean picture: nothing to correct, so that bands give the picture itself."""
    clean = torch.from_numpy(data.camera()[200:264, 200:264]).float()[None] / 255
    pictures = [resize(clean, size) for size in sizes(64, 64, ratio=0.8, minimum=20)]
    halves = float((fuse(pictures) - clean).square().mean())
    bands = float((fuse_bands(pictures) - clean).square().mean())
    assert bands < 0.1 * halves
