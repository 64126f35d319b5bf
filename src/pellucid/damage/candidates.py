"""Candidates for damage: connected parts that a morphological opening takes away, with figures of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pellucid.image import Pixels

LEAST = 0.06
"""contrast of a candidate, of that of the picture"""
NOISE = 4.0
"""the same in standard deviations of the noise"""
USUAL = 2.0
"""the same in multiples of what an opening takes away around it: texture is no damage"""
PEAK = 1.8
"""how far the strongest pixel must exceed the least"""
WIDTH = 0.008
"""half the width of the widest mark, of the longer side"""
HALF = (3, 12)
"""bounds on that in pixels"""


@dataclass(frozen=True)
class Candidates:
    """Thin parts that are lighter, or darker, than what lies around them.

    Attributes:
        labels: (H, W) number of the part, 0 for none.
        places: (N,) the numbers of those that are candidates.
        figures: (N, 13) contrast; how far beyond the 99.5th percentile of what is thick, and beyond what is
            thick around it; unevenness; logarithms of pixels and extent; width; logarithm of length over
            width; steepness; other thin parts around; contrast over the usual; unevenness of what is
            behind; tone.
    """

    labels: NDArray[np.int32]
    places: NDArray[np.int64]
    figures: NDArray[np.float64]


def candidates(pixels: Pixels, *, light: bool) -> Candidates:
    """Find them.

    A mark on the print is light, or dark, in all colours at once, and so its least channel is looked at.

    Args:
        pixels: (C, H, W), any units.
        light: whether those are looked for that are lighter, or darker.

    >>> picture = np.zeros((1, 40, 40), np.float32)
    >>> picture[0, 10, 5:35] = 1.0
    >>> found = candidates(picture + np.linspace(0, 0.2, 40, dtype=np.float32), light=True)
    >>> len(found.places), found.figures.shape
    (1, (1, 13))
    """
    plane = (pixels.min(0) if light else -pixels.max(0)).astype(np.float32)
    nothing = Candidates(np.zeros(plane.shape, np.int32), np.zeros(0, np.int64), np.zeros((0, 13)))
    low, high = (float(v) for v in np.percentile(plane, (0.5, 99.5)))
    span = high - low
    if span <= 0 or min(plane.shape) < 2 * HALF[0]:
        return nothing
    half = int(np.clip(round(WIDTH * max(plane.shape)), *HALF))
    thick = ndimage.grey_opening(plane, size=(2 * half + 1, 2 * half + 1))
    thin = (plane - thick) / span
    usual = ndimage.uniform_filter(np.minimum(thin, 0.3), 8 * half + 1)
    least = np.maximum(max(LEAST, NOISE * _level(plane) / span), USUAL * usual)
    parts = thin > least
    numbered, count = ndimage.label(parts, np.ones((3, 3)))
    labels = np.asarray(numbered, np.int32)
    if count == 0:
        return nothing
    every = np.arange(1, count + 1)
    pixel = ndimage.sum_labels(parts, labels, every)
    strong = (ndimage.maximum(thin / least, labels, every) > PEAK) & (pixel >= 3)
    places = every[strong]
    if not len(places):
        return nothing
    figures = _figures(plane, thick, thin, usual, labels, places, (half, span, high))
    return Candidates(labels, places, figures)


def _figures(
    plane: Pixels,
    thick: Pixels,
    thin: Pixels,
    usual: Pixels,
    labels: NDArray[np.int32],
    places: NDArray[np.int64],
    scale: tuple[int, float, float],
) -> NDArray[np.float64]:
    """The figures of all candidates; `scale`: half the width of a mark, the contrast, the highest value."""
    half, span, high = scale

    def mean(values: Pixels) -> NDArray[np.float64]:
        return np.asarray(ndimage.mean(values, labels, places), np.float64)

    def spread(values: Pixels) -> NDArray[np.float64]:
        return np.asarray(ndimage.standard_deviation(values, labels, places), np.float64) / span

    parts = labels > 0
    boxes = ndimage.find_objects(labels)
    sides = [[s.stop - s.start for s in boxes[place - 1]] for place in places]
    extent = np.hypot(*np.array(sides, float).T)
    pixel = np.asarray(ndimage.sum_labels(parts, labels, places), np.float64)
    width = 3 * mean(ndimage.distance_transform_edt(parts).astype(np.float32))
    window = 8 * half + 1
    crowd = mean(ndimage.uniform_filter(parts.astype(np.float32), window))
    own = np.minimum(pixel, width * window) / window**2
    steep = np.hypot(*np.gradient(plane)) / span
    around = ndimage.maximum_filter(thick, 2 * half + 9)
    contrast = mean(thin)
    return np.stack(
        [
            contrast,
            (mean(plane) - np.percentile(thick, 99.5)) / span,
            mean(plane - around) / span,
            spread(plane) / contrast,
            np.log(pixel),
            np.log(extent),
            width / (2 * half),
            np.log(np.maximum(extent / width, 1)),
            mean(steep) / contrast,
            np.maximum(crowd - own, 0),
            contrast / np.maximum(mean(usual), 0.005),
            spread(thick) / contrast,
            (np.asarray(ndimage.maximum(plane, labels, places)) - high) / span,
        ],
        1,
    )


def _level(plane: Pixels) -> float:
    """Standard deviation of white noise, from the median of second differences."""
    second = plane[1:, 1:] - plane[1:, :-1] - plane[:-1, 1:] + plane[:-1, :-1]
    return float(np.median(np.abs(second))) / 0.6745 / 2
