"""What one frame of a film shows and others do not: where their help took it off, its own result stays.

A block with a spot that blinks is grouped with the empty blocks of other frames, and the spot, which is weak
in every coefficient of the group, goes. It shows in what was removed: smoothed over the size of a spot, that
lies far above what is left of noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter
from torch import Tensor

Floats = NDArray[np.float32]


SCALES = (1.3, 2.6)
"""standard deviations of the smoothing, pixels: a spot as a microscope shows it, and one twice as large"""
SURER = 1.0
"""standard deviations above the limit at which the frame's own result counts wholly"""
TILE = 64
"""pixels a side of the parts in which a frame is filtered by itself"""
MARGIN = 27
"""pixels around such a part that its filter sees"""

TINY = 1e-12

Alone = Callable[[Tensor, int], Tensor]
"""filters a part (C, H, W) of a frame by itself"""


def kept(
    film: Tensor, estimate: Tensor, kernel: Tensor, levels: Floats, limit: float, alone: Alone
) -> Tensor:
    """The estimate of a film, and a frame's own where much was removed that its own would leave.

    With G a Gaussian, n the noise, x̂ the estimate and b the frame's own, a place counts where
    |G * (y - x̂)| / std(G * n) is above the limit and |G * (y - b)| is smaller than |G * (y - x̂)|.

    Args:
        film: (C, T, H, W).
        estimate: the same shape.
        kernel: (C, 2L+1, 2L+1) autocovariance of the noise.
        levels: (C, T) level of the noise of each channel and frame over that.
        limit: standard deviations, above 0.
        alone: called with parts of frames in which such places lie.
    """
    made = estimate.clone()
    each = [[math.sqrt(smoothed_variance(k, scale)) for scale in SCALES] for k in kernel]
    unit: Floats = np.asarray(each, np.float32)
    for t in range(film.shape[1]):
        noisy, own = film[:, t], estimate[:, t]
        removed = _smooth(noisy - own) / np.maximum(unit * levels[:, t, None], TINY)[..., None, None]
        if float(np.abs(removed).max()) <= limit:
            continue
        for rows, columns in _parts(np.abs(removed).max((0, 1)) > limit):
            around = tuple(_wider(span, n) for span, n in zip((rows, columns), noisy.shape[-2:], strict=True))
            part = noisy[:, *around].contiguous()
            mine = alone(part, t)
            left = _smooth(part - mine) / np.maximum(unit * levels[:, t, None], TINY)[..., None, None]
            share = _share(removed[:, :, *around], left, limit)
            there = tuple(
                slice(s.start - w.start, s.stop - w.start)
                for s, w in zip((rows, columns), around, strict=True)
            )
            made[:, t, rows, columns] += share[there] * (mine[:, *there] - own[:, rows, columns])
    return made


def smoothed_variance(kernel: Tensor, scale: float) -> float:
    """Variance of noise with autocovariance (2L+1, 2L+1) after smoothing by a Gaussian of so many pixels.

    >>> white = smoothed_variance(torch.ones(1, 1), 2.0)
    >>> round(white, 4), round(1 / (4 * math.pi * 2.0**2), 4)
    (0.0199, 0.0199)
    """
    lag = torch.arange(kernel.shape[-1]).double() - kernel.shape[-1] // 2
    line = torch.exp(-lag.square() / (4 * scale**2))
    shared = float((kernel.double() * line[:, None] * line[None]).sum())
    return max(shared, 0.0) / (4 * math.pi * scale**2)


def _smooth(planes: Tensor) -> Floats:
    """(C, scales, H, W) planes smoothed at every scale."""
    found = np.stack([gaussian_filter(planes.numpy(), (0, scale, scale)) for scale in SCALES], 1)
    return found.astype(np.float32)


def _parts(seen: NDArray[np.bool_]) -> list[tuple[slice, slice]]:
    """Squares of a frame in which a place counts or into which it reaches; where these are many the frame."""
    height, width = seen.shape
    near = maximum_filter(seen, _width(SCALES[-1]))
    tops, lefts = range(0, height, TILE), range(0, width, TILE)
    squares = [(slice(y, min(y + TILE, height)), slice(x, min(x + TILE, width))) for y in tops for x in lefts]
    some = [square for square in squares if near[square].any()]
    larger = (TILE + 2 * MARGIN) ** 2 / TILE**2
    return some if larger * len(some) < len(squares) else [(slice(0, height), slice(0, width))]


def _width(scale: float) -> int:
    """Pixels across that a place of a scale has a say over."""
    return int(4 * scale) | 1


def _wider(span: slice, length: int) -> slice:
    """A part of an axis with its margin."""
    return slice(max(0, span.start - MARGIN), min(length, span.stop + MARGIN))


def _share(before: Floats, left: Floats, limit: float) -> Tensor:
    """(H, W) by how much the frame's own result counts.

    Args:
        before: (C, scales, H, W) what the estimate removed, smoothed, in standard deviations of the noise.
        left: what the frame's own removed.
        limit: standard deviations.
    """
    share = np.zeros(before.shape[-2:], np.float32)
    for i, scale in enumerate(SCALES):
        sure = ((np.abs(before[:, i]) - limit) / SURER).clip(0, 1) * (
            np.abs(left[:, i]) < np.abs(before[:, i])
        )
        share = np.maximum(share, gaussian_filter(maximum_filter(sure.max(0), _width(scale)), scale))
    return torch.from_numpy(share)
