"""Whether a picture is a page of text, and how uneven its paper is, which no denoiser changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

SIDE = 1024
"""pixels of a side that are looked at, in the middle"""
SMALLEST, LARGEST = 9, 65
"""bounds on the side of the closing that covers letters, a sixteenth of the picture"""
INK = 0.7
"""share of the paper below which a pixel is ink"""
LETTERS = 50
"""pieces of ink without which nothing is a page"""
TALL = 6
"""pixels of the typical letter; lower ones are as well noise"""
ALIKE = (0.6, 1.6)
"""heights of letters over the typical one"""
MOST = 0.7
"""of the pieces that are as high as letters, and of the ink that lies in pieces of up to 2.5 letters"""
EVEN = 0.85
"""the darkest paper over the lightest from which on the paper is even"""
LEAST = 0.02
"""of white: paper is no darker"""


def note(pixels: NDArray[np.float32]) -> str:
    """What to do about a page with uneven paper; "" for any other picture.

    Args:
        pixels: (C, H, W), black 0 and white 1.

    >>> page = np.ones((1, 120, 120), np.float32)
    >>> for row in range(6, 110, 14):
    ...     for column in range(4, 112, 9):
    ...         page[0, row : row + 9, column : column + 2] = 0.1
    >>> note(page)
    ''
    >>> page[..., 60:] *= 0.6
    >>> note(page)
    'this looks like a page on uneven paper: its darkest part has 60% of the brightness of its lightest. ...'
    """
    darkest = paper(pixels)
    if darkest is None or darkest >= EVEN:
        return ""
    return (
        f"this looks like a page on uneven paper: its darkest part has {darkest:.0%} of the brightness of "
        "its lightest. Denoising leaves stains and shadows as they are, and a program that reads text may "
        "stumble over them; pellucid restore --document (document=True) evens them out"
    )


def paper(pixels: NDArray[np.float32]) -> float | None:
    """The brightness of the darkest paper over that of the lightest; None where there is no page of text.

    A page is ink in many small pieces of nearly one height, on paper: what a gray closing leaves.
    """
    shade = pixels.mean(0)
    rows, columns = (slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in shade.shape)
    shade = shade[rows, columns]
    side = int(np.clip(min(shade.shape) // 16, SMALLEST, LARGEST)) | 1
    under = np.maximum(ndimage.grey_closing(shade, (side, side)), LEAST)
    labels, count = ndimage.label(shade < INK * under, np.ones((3, 3), bool))
    if count < LETTERS:
        return None
    high = np.array([down.stop - down.start for down, _ in ndimage.find_objects(labels)])
    ink = np.bincount(labels.ravel())[1:]
    letters = high[high >= TALL // 2]
    typical = float(np.median(letters)) if len(letters) else 0.0
    alike = (letters > ALIKE[0] * typical) & (letters < ALIKE[1] * typical)
    if len(letters) < LETTERS or typical < TALL or float(alike.mean()) < MOST:
        return None
    if ink[high < 2.5 * typical].sum() < MOST * ink.sum():
        return None
    dark, light = np.percentile(under, (1, 99))
    return float(dark / light)
