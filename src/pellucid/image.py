"""Image: float32 pixels in a working range, plus what is needed to write them back exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


def stored_limits(dtype: str, bits: int | None = None) -> tuple[float, float]:
    """The least and the greatest value of a stored type that keeps to so many bits; floats have none.

    >>> stored_limits("uint16", 12), stored_limits("int16", 12), stored_limits("float32")
    ((0, 4095), (-2048, 2047), (-inf, inf))
    """
    if np.dtype(dtype).kind == "f":
        return -math.inf, math.inf
    info = np.iinfo(dtype)
    if bits is None:
        return int(info.min), int(info.max)
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if info.min < 0 else (0, 2**bits - 1)


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture or a stack in the working range, immutable, with the way back to what it came from.

    Attributes:
        pixels: (N, C, H, W) float32, read-only. N slices (Z, T or pages; 1 for a picture), C channels of any
            number. stored value = pixel * scale + offset. Excursions outside [0, 1] are kept.
        axes: the axes of the stored array, one letter each, e.g. "YX", "YXS" (S = samples), "ZCYX", "TZCYX".
        shape: the shape of the stored array, without alpha, in the order of `axes`.
        color: True when the channels are display colours (gray is False; a fluorescence stack is False).
        dtype: NumPy name of the stored type, e.g. "uint8", "uint16", "float32".
        scale: what 1.0 stands for in stored units, above the offset: 255, 4095, 65535, or what floats reach.
        offset: the stored value of 0.0; not 0 only for deep integers and floats that lie far from zero for
            their contrast, of which float32 would lose the last digits.
        bits: significant bits that the stored values keep to, or None for all of their type.
        holes: (N, H, W) True where a pixel holds no measurement (NaN, infinity, nodata), or None. Such pixels
            are written back as they came; `pixels` continues what lies around them.
        alpha: (N, H, W) opacity in the stored type, or None. It is written back untouched.
        format: the name of a row in `pellucid.files.TABLE`, or "array".
        metadata: what the file carried beside pixels (ICC profile, EXIF, resolution, TIFF / ImageJ / OME
            tags); the keys belong to pellucid.files (see pellucid.files.stored).
        notes: remarks for the user, e.g. that a palette was expanded.
        name: where it came from, for messages.
    """

    pixels: Pixels
    axes: str
    shape: tuple[int, ...]
    color: bool
    dtype: str
    scale: float
    offset: float = 0.0
    bits: int | None = None
    holes: NDArray[np.bool_] | None = None
    alpha: NDArray[Any] | None = None
    format: str = "array"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = "image"

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.dtype != np.float32:
            raise TypeError(
                f"pixels must be float32 of shape (N, C, H, W), got {self.pixels.dtype} {self.pixels.shape}."
            )
        self.pixels.flags.writeable = False
        for array in (self.alpha, self.holes):
            if array is not None:
                array.flags.writeable = False

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest pixel that the stored type and its declared bits hold, working units.

        Floats hold everything: (-inf, inf).

        >>> Image(pixels=np.zeros((1, 1, 2, 2), np.float32), axes="YX", shape=(2, 2), color=False,
        ...       dtype="int8", scale=127.0).limits
        (-1.0078740157480315, 1.0)
        """
        low, high = stored_limits(self.dtype, self.bits)
        return (low - self.offset) / self.scale, (high - self.offset) / self.scale

    def with_pixels(self, pixels: Pixels) -> Image:
        """The same picture with other pixels of the same shape; everything else is kept.

        Raises:
            ValueError: when the shape differs.
        """
        if pixels.shape != self.pixels.shape:
            raise ValueError(f"pixels must have shape {self.pixels.shape}, got {pixels.shape}.")
        # A copy: an Image is read-only, and must neither freeze nor follow the array of the caller.
        return replace(self, pixels=np.array(pixels, dtype=np.float32, order="C"))

    def pixels_in(self, scale: float, offset: float = 0.0) -> Pixels:
        """The pixels in another working range, that of a picture to compare with: the stored values stay.

        >>> gray = Image(pixels=np.ones((1, 1, 1, 2), np.float32), axes="YX", shape=(1, 2), color=False,
        ...              dtype="uint16", scale=1023.0)
        >>> gray.pixels_in(2046.0).tolist()
        [[[[0.5, 0.5]]]]
        """
        if (scale, offset) == (self.scale, self.offset):
            return self.pixels
        stored = self.pixels.astype(np.float64) * self.scale + (self.offset - offset)
        return (stored / scale).astype(np.float32)

    def with_holes(self, holes: NDArray[np.bool_] | None) -> Image:
        """The same picture with other pixels (N, H, W) that hold no measurement; None for no such pixels.

        Raises:
            ValueError: when the shape is not that of the slices.
        """
        slices, _, height, width = self.pixels.shape
        if holes is not None and holes.shape != (slices, height, width):
            raise ValueError(f"holes must have shape {(slices, height, width)}, got {holes.shape}.")
        return replace(self, holes=None if holes is None or not holes.any() else holes.copy())

    def with_notes(self, *notes: str) -> Image:
        """The same picture with more remarks for the user."""
        return replace(self, notes=self.notes + notes)
