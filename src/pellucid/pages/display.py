"""From pixels in the working range to 8-bit pictures inside a page."""

from __future__ import annotations

import base64
import colorsys
import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from pellucid.image import Pixels

Bytes = NDArray[np.uint8]


def limits(pixels: Pixels, *, color: bool) -> tuple[float, float]:
    """The values shown as black and white: (0, 1) when the data fill it, else the 0.1 and 99.9 percentiles.

    A photograph is shown as it is; a 16-bit micrograph that uses 3 % of its range would otherwise be black.

    Args:
        pixels: any shape, working range.
        color: display colours are left alone for longer, since stretching changes their mood.

    >>> limits(np.linspace(0, 1, 100, dtype=np.float32), color=True)
    (0.0, 1.0)
    >>> limits(np.full((2, 2), 0.25, np.float32), color=False)
    (0.0, 1.0)
    """
    flat = pixels.reshape(-1)[:: max(1, pixels.size // 1_000_000)]
    low, high = (float(v) for v in np.percentile(flat, (0.1, 99.9)))
    fills = -0.1 <= low <= (0.6 if color else 0.05) and (0.4 if color else 0.85) <= high <= 1.1
    if fills or high - low < 1e-6:
        return (0.0, 1.0) if -0.1 <= low <= high <= 1.1 else (low - 0.5, low + 0.5)
    return low, high


def to_bytes(pixels: Pixels, low: float, high: float) -> Bytes:
    """Round (C, H, W) to 8 bits: (H, W) for one channel, (H, W, 3) for three.

    >>> to_bytes(np.array([[[0.0, 0.5, 2.0]]], np.float32), 0.0, 1.0)
    array([[  0, 128, 255]], dtype=uint8)
    """
    scaled = np.clip((pixels - low) * (255.0 / (high - low)) + 0.5, 0, 255).astype(np.uint8)
    return scaled[0] if len(scaled) == 1 else np.moveaxis(scaled, 0, -1)


def hues(channels: int) -> NDArray[np.float32]:
    """One display colour per channel, (channels, 3): green and magenta for two, even hues for more."""
    if channels == 2:
        return np.array([[0, 1, 0], [1, 0, 1]], np.float32)
    return np.array([colorsys.hsv_to_rgb(c / channels, 1, 1) for c in range(channels)], np.float32)


def composite(channels: Bytes) -> Bytes:
    """Add the channels (C, H, W), each in its own colour, to one (H, W, 3) picture."""
    mixed = np.tensordot(channels.astype(np.float32), hues(len(channels)), axes=(0, 0))
    picture: Bytes = np.clip(mixed, 0, 255).astype(np.uint8)
    return picture


def nice_factor(value: float) -> float:
    """The largest of 1, 2, 5, 10, 20, 50 … (or 0.5, 0.2 …) that is not above ``value``.

    >>> [nice_factor(v) for v in (0.3, 1.0, 7.9, 340.0)]
    [0.2, 1.0, 5.0, 200.0]
    """
    decade = 10.0 ** math.floor(math.log10(value))
    return next(m * decade for m in (5.0, 2.0, 1.0) if m * decade <= value * (1 + 1e-9))


def shrink(picture: Bytes, factor: int) -> Bytes:
    """Average blocks of ``factor`` x ``factor`` pixels."""
    return picture if factor == 1 else np.asarray(Pillow.fromarray(picture).reduce(factor))


def data_uri(picture: Bytes) -> str:
    """The picture as a lossless PNG inside a data: address."""
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(picture)).save(buffer, format="png", compress_level=6)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
