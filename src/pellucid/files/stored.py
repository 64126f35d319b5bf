"""Stored: what a file holds, in its own units and layout, between the codecs and Image.

Metadata keys that every format shares, so that they survive a change of format:
    ``icc``         colour profile, bytes
    ``exif``        EXIF block, bytes that start with a TIFF header (no ``Exif`` prefix)
    ``xmp``         XMP packet, bytes
    ``dpi``         (across, down) in pixels per inch
    ``comment``     free text of a JPEG, bytes
Keys of one format start with its name (``png.chunks``, ``tiff.pages``, ``npy.order`` …). ``alpha.index`` is
the place of alpha among the samples (last when absent), ``byteorder`` is ``>`` where an array was big-endian,
and ``exact`` holds the stored values where float32 cannot give all of them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files.layout import to_slices
from pellucid.files.working_range import check_finite, from_working, need_exact, to_working, white
from pellucid.image import Image


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a file holds.

    Attributes:
        array: the stored values in the order of ``axes``, alpha included.
        axes: one letter per axis; ``S`` (samples) or else ``C`` is the channel axis.
        color: whether the channels are display colours.
        alpha: place of alpha on the ``S`` axis, or None.
        bits: significant bits where the file declares them.
        metadata: see above.
        notes: remarks for the user.
    """

    array: NDArray[Any]
    axes: str
    color: bool
    alpha: int | None = None
    bits: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def to_image(stored: Stored, *, format: str, name: str, data_range: float | None) -> Image:
    """The Image of what a file holds.

    Raises:
        TypeError: for bool, complex, object and text arrays.
        ValueError: for no pixels, non-finite pixels, or floats whose range is unknown.
    """
    array, axes, metadata = stored.array, stored.axes, dict(stored.metadata)
    if array.dtype.kind not in "uif" or array.dtype.itemsize > 8:
        raise TypeError(
            f"pixels must be integers or floats of at most 64 bits, got dtype {array.dtype}. "
            "Convert the array first, e.g. array.astype('float32')."
        )
    if array.size == 0:
        raise ValueError(f"the image holds no pixels (shape {array.shape}). Give at least one pixel.")
    if array.dtype.kind == "f":
        check_finite(array, axes)
    if array.dtype.byteorder == ">":
        metadata["byteorder"] = ">"
    values = array.astype(array.dtype.newbyteorder("="), copy=False)
    alpha = None
    if stored.alpha is not None:
        place = axes.index("S")
        alpha = to_slices(values.take([stored.alpha], axis=place), axes)[:, 0].copy()
        values = np.delete(values, stored.alpha, axis=place)
        metadata["alpha.index"] = stored.alpha
    scale, notes = white(values, bits=stored.bits, data_range=data_range)
    slices = to_slices(values, axes)
    pixels = to_working(slices, scale)
    if need_exact(slices, pixels, scale):
        metadata["exact"] = slices.copy()
        metadata["exact"].flags.writeable = False
        notes += (f"{values.dtype} is worked on in float32: pixels that change keep about 7 digits.",)
    return Image(
        pixels=pixels,
        axes=axes,
        shape=values.shape,
        color=stored.color,
        dtype=str(values.dtype),
        scale=scale,
        alpha=alpha,
        format=format,
        metadata=metadata,
        notes=stored.notes + notes,
        name=name,
    )


def stored_slices(image: Image) -> NDArray[Any]:
    """The pixels of an Image in its stored units and type: (N, C, H, W), rounded and clipped for integers.

    Raises:
        ValueError: when a pixel is not finite.
    """
    values = from_working(image.pixels, image.scale, np.dtype(image.dtype))
    exact = image.metadata.get("exact")
    if exact is not None:
        # What no method touched comes back bit for bit, also where float32 is too short for it.
        untouched = image.pixels == to_working(exact, image.scale)
        np.copyto(values, exact, where=untouched)
    return values
