"""Blocks of 8x8 pixels for BM3D: their tables, 2-D transforms, matching, and the way back to the image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pywt
import torch
from numpy.typing import NDArray
from scipy.fft import dct
from torch import Tensor
from torch.nn import functional as F

SIDE = 8
AREA = SIDE * SIDE
REFERENCES = 8  # references per side that share one matrix product


@lru_cache
def line(name: str) -> NDArray[np.float64]:
    """Matrix (8, 8) of a transform of 8 values, rows of unit norm.

    Args:
        name: "dct", or a wavelet of PyWavelets such as "bior1.5" (periodised, full decomposition).
    """
    identity = np.eye(SIDE)
    if name == "dct":
        return np.asarray(dct(identity, axis=0, norm="ortho"))
    rows = np.stack([_transformed(row, name) for row in identity], axis=1)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@lru_cache
def basis(name: str) -> tuple[Tensor, Tensor]:
    """Forward and inverse matrix (64, 64) of the separable 8x8 transform of a `line`.

    >>> forward, inverse = basis("bior1.5")
    >>> bool(torch.allclose(forward @ inverse, torch.eye(64), atol=1e-5))
    True
    """
    own = line(name)
    back = np.linalg.inv(own)
    return torch.from_numpy(np.kron(own, own)).float(), torch.from_numpy(np.kron(back, back)).float()


def _transformed(row: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Three levels of a wavelet, coarsest first: `pywt.wavedec`, without its warning that the borders reach
    far; a periodic block has none.
    """
    parts = []
    for _ in range(3):
        row, detail = pywt.dwt(row, name, mode="periodization")
        parts.append(detail)
    return np.concatenate([row, *reversed(parts)])


@lru_cache
def haar(size: int) -> Tensor:
    """Orthonormal Haar matrix (size, size), size a power of two.

    >>> bool(torch.allclose(haar(4) @ haar(4).T, torch.eye(4)))
    True
    """
    if size == 1:
        return torch.ones(1, 1)
    half = haar(size // 2)
    top = torch.kron(half, torch.tensor([[1.0, 1.0]]))
    bottom = torch.kron(torch.eye(size // 2), torch.tensor([[1.0, -1.0]]))
    return torch.cat([top, bottom]) / 2**0.5


@lru_cache
def window(beta: float) -> Tensor:
    """Kaiser window (8, 8) that fades the borders of a block in the aggregation."""
    fade = torch.kaiser_window(SIDE, periodic=False, beta=beta, dtype=torch.float64)
    return torch.outer(fade, fade).float()


@dataclass(frozen=True)
class BlockRegion:
    """A rectangle of block positions, with a margin for the search around it.

    `top`, `left`, `height`, `width` count block positions without the margin, in an image padded by that
    margin.
    """

    top: int
    left: int
    height: int
    width: int
    margin: int

    @classmethod
    def around(cls, rows: Tensor, columns: Tensor, margin: int) -> BlockRegion:
        """The region that spans the given reference positions."""
        top, left = int(rows[0]), int(columns[0])
        return cls(top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1, margin)

    @property
    def rows(self) -> int:
        """Block positions down, margin included."""
        return self.height + 2 * self.margin

    @property
    def columns(self) -> int:
        """Block positions across, margin included."""
        return self.width + 2 * self.margin

    def cut(self, padded: Tensor) -> Tensor:
        """The pixels that the region's blocks cover, from (C, H, W) padded by `margin` on all sides."""
        rows = slice(self.top, self.top + self.rows + SIDE - 1)
        return padded[:, rows, self.left : self.left + self.columns + SIDE - 1]


def pad(image: Tensor, margin: int) -> Tensor:
    """Repeat the border of (C, H, W) by `margin` pixels on all sides."""
    return F.pad(image[None], (margin,) * 4, mode="replicate")[0]


def table(pixels: Tensor) -> Tensor:
    """All 8x8 blocks of (C, h, w): (rows * columns, C, 64), row-major over positions.

    >>> table(torch.arange(72.0).view(1, 8, 9))[1, 0, :3]
    tensor([1., 2., 3.])
    """
    blocks = pixels.unfold(1, SIDE, 1).unfold(2, SIDE, 1)
    return blocks.permute(1, 2, 0, 3, 4).reshape(-1, pixels.shape[0], AREA)


def fold(
    sums: Tensor, shares: Tensor, region: BlockRegion, transform: str, beta: float
) -> tuple[Tensor, Tensor]:
    """Aggregate a region: transform back, fade the blocks' borders, and add up what overlaps.

    Args:
        sums: (L, C * 64) weighted coefficients by position; shares: (L, C) weights by position.

    Returns:
        (C, h, w) sums of pixels and of weights over the pixels of `BlockRegion.cut`.
    """
    channels = shares.shape[1]
    shape = (channels, region.rows, region.columns)
    fade = window(beta).to(sums.device).reshape(-1)
    inverse = basis(transform)[1].to(sums.device) * fade[:, None]
    pixels = torch.matmul(inverse, sums.view(-1, channels, AREA).permute(1, 2, 0))
    weight = shares.T.reshape(shape)
    total = sums.new_zeros(channels, region.rows + SIDE - 1, region.columns + SIDE - 1)
    totals = torch.zeros_like(total)
    for k in range(AREA):
        y, x = divmod(k, SIDE)
        part = (slice(None), slice(y, y + region.rows), slice(x, x + region.columns))
        total[part] += pixels[:, k].reshape(shape)
        totals[part].add_(weight, alpha=float(fade[k]))
    return total, totals


def inside(region: BlockRegion, positions: tuple[int, int], device: torch.device) -> Tensor:
    """0 where a block of the region lies in the image, infinity elsewhere: (rows, columns)."""
    row = torch.arange(region.rows, device=device) + region.top - region.margin
    column = torch.arange(region.columns, device=device) + region.left - region.margin
    ok = ((row >= 0) & (row < positions[0]))[:, None] & ((column >= 0) & (column < positions[1]))[None]
    return torch.where(ok, 0.0, torch.inf)


def match(
    features: Tensor,
    penalty: Tensor,
    rows: Tensor,
    columns: Tensor,
    *,
    step: int,
    radius: int,
    stride: int,
    count: int,
) -> tuple[Tensor, Tensor]:
    """The blocks most similar to each reference block, by exhaustive search.

    ||a - b||^2 = ||a||^2 + ||b||^2 - 2 a.b turns the search into matrix products over groups of references
    that share their candidates; each reference then sees its own window of the product through a strided
    view.

    Args:
        features: (rows, columns, D) of all blocks of a region.
        penalty: (rows, columns) added to the distance; infinite outside the image.
        rows, columns: positions of the references, `step` apart, at least `radius` from the region's edge.
        radius: search radius in pixels.
        stride: pixels between candidates.
        count: how many blocks to return.

    Returns:
        (R, count) squared distances in ascending order, and the flat positions of the blocks; each reference
        is the first of its own group.
    """
    _, width, depth = features.shape
    device = features.device
    features = features - features.mean()  # spares digits in the difference of large squares
    norms = features.square().sum(-1) + penalty
    reach = radius // stride
    lead = radius - reach * stride
    offset = torch.arange(-reach, reach + 1, device=device) * stride
    around = (offset[:, None] * width + offset).reshape(-1)
    distances, positions = [], []
    for some_rows in torch.split(rows, REFERENCES):
        for some_columns in torch.split(columns, REFERENCES):
            n, m = len(some_rows), len(some_columns)
            y, x = int(some_rows[0]), int(some_columns[0])
            high, wide = (n - 1) * step + 2 * radius + 1, (m - 1) * step + 2 * radius + 1
            area = (slice(y - radius, y - radius + high), slice(x - radius, x - radius + wide))
            own = (slice(y, y + (n - 1) * step + 1, step), slice(x, x + (m - 1) * step + 1, step))
            reference = features[own].reshape(-1, depth)
            candidate = features[area].reshape(-1, depth)
            product = torch.addmm(norms[area].reshape(1, -1), reference, candidate.T, alpha=-2)
            line = high * wide
            windows = product.as_strided(
                (n, m, 2 * reach + 1, 2 * reach + 1),
                (m * line + step * wide, line + step, stride * wide, stride),
                lead * (wide + 1),
            ).reshape(n * m, -1)
            # A reference comes first in its own group, also where all blocks are alike: else pixels of flat
            # areas could end up in no group at all. (The reshape above has made a copy.)
            windows[:, windows.shape[1] // 2] = -torch.inf
            best, which = windows.topk(min(count, windows.shape[1]), dim=1, largest=False)
            distance = best + reference.square().sum(1, keepdim=True)
            distance[:, 0] = 0.0
            here = (some_rows[:, None] * width + some_columns).reshape(-1, 1).to(device)
            distances.append(distance)
            positions.append(here + around[which])
    return torch.cat(distances), torch.cat(positions)
