"""What surrounds a pixel, without the pixels that are known to be spoilt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

RADIUS = 4
SQUARE = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


def windows(plane: Plane, wanted: Mask, radius: int, *, mirror: bool = False) -> Plane:
    """(n, (2 radius + 1)^2) values around the n wanted pixels; NaN or a mirror image outside."""
    if mirror:
        padded = np.pad(plane, radius, mode="reflect")
    else:
        padded = np.pad(plane, radius, constant_values=np.nan)
    side = 2 * radius + 1
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side))[wanted].reshape(-1, side * side)


def beside(plane: NDArray[Any]) -> NDArray[Any]:
    """(8, H - 2, W - 2) the neighbours of all inner pixels."""
    height, width = plane.shape[0] - 2, plane.shape[1] - 2
    return np.stack([plane[1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in SQUARE])


def middle(values: Plane, least: int = 1) -> Plane:
    """Median along each row of (n, k), without its NaN; NaN where fewer than `least` are left."""
    ordered = np.sort(values, axis=1)  # NaN come last; far faster than nanmedian
    count = np.isfinite(ordered).sum(1)
    rows = np.arange(len(values))
    low, high = (
        ordered[rows, np.maximum(count - 1, 0) // 2],
        ordered[rows, np.minimum(count // 2, values.shape[1] - 1)],
    )
    return np.where(count >= least, (low + high) / 2, np.nan).astype(np.float32)


def medians(plane: Plane, wanted: Mask, *, radius: int, least: int = 1) -> Plane:
    """Median of the numbers around each wanted pixel; NaN elsewhere and where they are too few."""
    result = np.full_like(plane, np.nan)
    result[wanted] = middle(windows(plane, wanted, radius), least)
    return result


def grown(plane: Plane, sound: Plane, wanted: Mask, radius: int) -> Plane:
    """Median of the values of `sound`, which is NaN elsewhere, in the smallest window that holds three.

    In the largest window one will do; where there is none the value of `plane` stays.
    """
    result, left = plane.copy(), wanted.copy()
    for r in range(1, radius + 1):
        found = medians(sound, left, radius=r, least=3 if r < radius else 1)
        told = np.isfinite(found)
        result[told] = found[told]
        left &= ~told
    return result


def mended(plane: Plane, spoilt: Mask) -> Plane:
    """(H, W) with the median of the sound values around them in place of those that are spoilt."""
    return grown(plane, np.where(spoilt, np.nan, plane).astype(np.float32), spoilt, RADIUS)


def sigma_of(planes: Sequence[Plane], spoilt: Sequence[Mask]) -> float:
    """Standard deviation of the noise of the sound values, by their second differences; detail adds to it."""
    found = []
    for plane, bad in zip(planes, spoilt, strict=True):
        for turned, out in ((plane, bad), (plane.T, bad.T)):
            bent = turned[:, 1:-1] - (turned[:, :-2] + turned[:, 2:]) / 2
            found.append(bent[~(out[:, 1:-1] | out[:, :-2] | out[:, 2:])])
    size = np.abs(np.concatenate(found))
    return float(np.median(size)) / 0.6745 / 1.5**0.5 if size.size else 0.0
