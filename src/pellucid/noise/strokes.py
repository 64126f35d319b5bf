"""Strokes and lone pixels in what was removed: connected lines are picture, a lone extreme is an impulse."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

NORMAL = 1.4826  # standard deviation of Gaussian values over their median absolute value
STANDS = 3.5  # deviations from which a pixel belongs to a stroke
CLASSES = 6  # of brightness, each with its own noise
EIGHT = np.ones((3, 3), bool)
LEAST = 8  # pixels of a stroke


def isolated(plane: Floats, alive: Bools, limit: float) -> Bools:
    """Where (H, W) stands `limit` robust deviations out and at most one neighbour goes halfway with it.

    >>> plane = np.random.default_rng(0).normal(size=(32, 32))
    >>> plane[9, 9] = 50
    >>> np.argwhere(isolated(plane, np.ones((32, 32), bool), 8)).tolist()
    [[9, 9]]
    """
    deviation = spread(plane[alive])
    found = np.zeros(plane.shape, bool)
    if deviation <= 0:
        return found
    for sign in (1, -1):
        near = ndimage.convolve(
            (sign * plane > limit / 2 * deviation).astype(np.int32), EIGHT.astype(np.int32)
        )
        found |= (sign * plane > limit * deviation) & (near <= 2)  # itself and one more
    return found & alive


def longest(unit: Floats, alive: Bools) -> int:
    """Length in pixels of the longest connected stroke in the residual, 0 where there is none.

    A stroke is a connected set of pixels, all above or all below the noise of their brightness by 3.5
    deviations, that is thin: at most a third of its bounding square, or more than three times as long as
    wide. Of white noise, 8 such pixels never meet.

    Args:
        unit: (C, H, W), y - x̂ over `levels`.
        alive: (H, W), pixels that count.
    """
    unit = unit.mean(0)
    deviation = spread(unit[alive])
    best = 0
    if deviation <= 0:
        return best
    for sign in (1, -1):
        labels, _ = ndimage.label((sign * unit > STANDS * deviation) & alive, EIGHT)
        sizes = np.bincount(labels.ravel())
        for index, box in enumerate(ndimage.find_objects(labels), 1):
            size, side = int(sizes[index]), max(part.stop - part.start for part in box)
            if size >= LEAST and 3 * size <= side * side:
                best = max(best, side)
    return best


def levels(gone: Floats, kept: Floats, alive: Bools) -> Floats:
    """(H, W) robust deviation of the residual at the brightness of each pixel."""
    bright = ndimage.gaussian_filter(kept, 1)
    values, places = gone[alive], bright[alive]
    ends = [part[0] for part in np.array_split(np.arange(len(values)), CLASSES)[1:]]
    parts = np.split(np.argpartition(places, ends), ends)
    deviations = np.array([spread(values[p]) for p in parts])
    whole = spread(values)
    floor = max(whole, float(deviations.max()) * 1e-3, 1e-30) / 2
    centres = np.array([places[p].mean() for p in parts])
    found: Floats = np.interp(bright, centres, np.maximum(deviations, floor)).astype(kept.dtype)
    return found


def spread(values: Floats) -> float:
    """Standard deviation by the median absolute deviation."""
    return NORMAL * float(np.median(np.abs(values - np.median(values)))) if values.size else 0.0
