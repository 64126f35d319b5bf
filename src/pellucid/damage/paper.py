"""Pages: the paper and its stains are divided out, the strokes stay.

    x' = (y / b - low) / (high - low),   cut off at 0 and 1

b is the paper: a gray closing, which covers strokes, and a median, which covers what the closing leaves of
them. A stain is a second, darker paper, and goes with it; ink on a stain keeps its contrast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pellucid.image import Pixels

COVER = 3.6
"""side of the closing in widths of a stroke: as much as letters are closed by"""
SMALLEST, LARGEST = 9, 65
"""bounds on that side in pixels"""
BLACK = 0.1
"""ink of at most this share of the paper becomes black"""
GRAIN = (2.0, 0.80, 0.95)
"""standard deviations of the grain below the paper that become white; bounds on that share of it"""
INK = 0.7
"""share of the paper below which a pixel is ink, when strokes are measured"""
LEAST = 0.02
"""of white: paper is no darker"""


@dataclass(frozen=True)
class Page:
    """An evened page.

    Attributes:
        pixels: (C, H, W) as the page, paper 1, ink 0.
        stroke: width of a stroke in pixels.
        darkest: the least share of the lightest paper that the paper had.
    """

    pixels: Pixels
    stroke: float
    darkest: float

    @property
    def words(self) -> str:
        """What was done."""
        return (
            f"the paper was evened out: its darkest part had {self.darkest:.0%} of the brightness of its "
            f"lightest (strokes of {self.stroke:.1f} pixels kept)"
        )


def evened(pixels: Pixels) -> Page:
    """Even the paper out.

    Args:
        pixels: (C, H, W), black 0 and white 1.

    >>> page = np.full((1, 60, 60), 0.6, np.float32)
    >>> page[0, :, 30:] = 0.8
    >>> page[0, 20:40, 10:12] = 0.1
    >>> page = evened(page).pixels[0]
    >>> bool(page[30, 10] < 0.2), float(page[50, 5]), float(page[50, 50])
    (True, 1.0, 1.0)
    """
    shade = pixels.mean(0)
    rough = max(SMALLEST, min(shade.shape) // 16 | 1)
    stroke = _stroke(shade / np.maximum(_paper(shade, rough), LEAST) < INK)
    side = int(np.clip(COVER * stroke, SMALLEST, LARGEST)) | 1
    papers = np.stack([np.maximum(_paper(channel, side), LEAST) for channel in pixels])
    share = pixels / papers
    quiet = share[share > INK]
    grain = 1.4826 * float(np.median(np.abs(quiet - np.median(quiet)))) if quiet.size else 0.0
    high = float(np.clip(1 - GRAIN[0] * grain, GRAIN[1], GRAIN[2]))
    low = min(BLACK, float(np.percentile(share, 0.5)))
    made = np.clip((share - low) / (high - low), 0, 1).astype(np.float32)
    bright = papers.mean(0)
    return Page(made, stroke, float(np.percentile(bright, 1) / max(float(np.percentile(bright, 99)), LEAST)))


def _paper(plane: Pixels, side: int) -> Pixels:
    """The paper (H, W) under the strokes; large sides are worked at a part of the size."""
    closed = ndimage.grey_closing(plane, (side, side))
    factor = max(1, side // SMALLEST)
    if factor == 1:
        return np.asarray(ndimage.median_filter(closed, side * 5 // 3 | 1))
    height, width = plane.shape
    wide = np.pad(closed, ((0, -height % factor), (0, -width % factor)), mode="edge")
    small = wide.reshape(wide.shape[0] // factor, factor, -1, factor).mean((1, 3))
    small = ndimage.median_filter(small, 15)
    large = ndimage.zoom(small, factor, order=1, mode="nearest", grid_mode=True)
    return np.asarray(large[:height, :width])


def _stroke(ink: NDArray[np.bool_]) -> float:
    """Typical width of strokes in pixels: twice the distance from their middle to the paper."""
    deep = ndimage.distance_transform_edt(ink)
    ridge = ink & (deep >= ndimage.maximum_filter(deep, 3))
    return float(2 * deep[ridge].mean()) if ridge.any() else SMALLEST / COVER
