"""Image: float32 pixels in a working range, plus what is needed to write them back exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Image:
    """A picture or a stack in the working range, immutable, with the way back to what it came from.

    Attributes:
        pixels: (N, C, H, W) float32, read-only. N slices (Z, T or pages; 1 for a picture), C channels of any
            number. stored value = pixel * scale. Excursions outside [0, 1] are kept.
        axes: the axes of the stored array, one letter each, e.g. "YX", "YXS" (S = samples), "ZCYX", "TZCYX".
        shape: the shape of the stored array, without alpha, in the order of `axes`.
        color: True when the channels are display colours (gray is False; a fluorescence stack is False).
        dtype: NumPy name of the stored type, e.g. "uint8", "uint16", "float32".
        scale: what 1.0 stands for in stored units: 255, 4095, 65535, or the data range of floats.
        alpha: (N, H, W) opacity in the stored type, or None. It is written back untouched.
        format: "png", "jpeg", "bmp", "tiff", "npy" or "array".
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
        if self.alpha is not None:
            self.alpha.flags.writeable = False

    def with_pixels(self, pixels: Pixels) -> Image:
        """The same picture with other pixels of the same shape; everything else is kept.

        Raises:
            ValueError: when the shape differs.
        """
        if pixels.shape != self.pixels.shape:
            raise ValueError(f"pixels must have shape {self.pixels.shape}, got {pixels.shape}.")
        # A copy: an Image is read-only, and must neither freeze nor follow the array of the caller.
        return replace(self, pixels=np.array(pixels, dtype=np.float32, order="C"))

    def with_notes(self, *notes: str) -> Image:
        """The same picture with more remarks for the user."""
        return replace(self, notes=self.notes + notes)
