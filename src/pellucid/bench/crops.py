"""Where to look: the part of a picture with the most going on, the same for all methods."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from pellucid.image import Pixels

WINDOW = 7
SIDE = 64


def busiest(pixels: Pixels, side: int = SIDE) -> tuple[slice, slice]:
    """Rows and columns of the square with the highest mean local standard deviation.

    The standard deviation is that of windows of 7 x 7 pixels of the mean of the channels. Its mean, and not
    the variance of the whole square, is what counts: one edge between two flat halves has a high variance
    and little to look at. Of equal squares the first from the top left wins.

    Args:
        pixels: (C, H, W), the clean picture where there is one, else the noisy one.
        side: in pixels; a smaller picture is taken whole.

    >>> picture = np.zeros((1, 100, 100), np.float32)
    >>> picture[0, 20:60, 30:70] = np.indices((40, 40)).sum(0) % 2
    >>> rows, columns = busiest(picture, 32)
    >>> 17 <= rows.start <= 31 and 27 <= columns.start <= 41
    True
    """
    gray = pixels.astype(np.float64).mean(axis=0)
    mean = uniform_filter(gray, WINDOW, mode="reflect")
    variance = uniform_filter(gray * gray, WINDOW, mode="reflect") - mean * mean
    local = np.sqrt(np.maximum(variance, 0))
    high, wide = (min(side, size) for size in gray.shape)
    total = np.pad(local.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[high:, wide:] - total[:-high, wide:] - total[high:, :-wide] + total[:-high, :-wide]
    top, left = np.unravel_index(int(np.argmax(np.round(sums, 6))), sums.shape)
    return slice(int(top), int(top) + high), slice(int(left), int(left) + wide)
