"""Stored: what a file holds, in its own units and layout, between the codecs and Image.

Metadata keys that every format shares, so that they survive a change of format:
    ``icc``         colour profile, bytes
    ``exif``        EXIF block, bytes that start with a TIFF header (no ``Exif`` prefix)
    ``xmp``         XMP packet, bytes
    ``dpi``         (across, down) in pixels per inch
    ``comment``     free text of a JPEG, bytes
Keys of one format start with its name (``png.chunks``, ``tiff.pages``, ``npy.order`` …). ``alpha.index`` is
the place of alpha among the samples (last when absent), ``alpha.premultiplied`` is True where the colours are
multiplied by it and so never exceed it, ``byteorder`` is ``>`` where an array was big-endian,
and ``exact`` holds the stored values where the pixels cannot give all of them back; ``blank`` says which
planes (N, C, 1, 1) hold no measurement at all, and come back as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files import holes
from pellucid.files.working_range import Range, from_working, need_exact, to_working, working_range
from pellucid.image import Image


def channel_axis(axes: str) -> int | None:
    """Where the channels are: the samples ``S``, else ``C``, else nowhere.

    >>> channel_axis("TZCYX"), channel_axis("CYXS"), channel_axis("ZYX")
    (2, 3, None)
    """
    for letter in "SC":
        if letter in axes:
            return axes.index(letter)
    return None


def _order(axes: str) -> list[int]:
    """The axes in the order of slices: everything else, channels if any, Y, X."""
    channel = channel_axis(axes)
    last = [axes.index("Y"), axes.index("X")]
    if channel is not None:
        last.insert(0, channel)
    return [i for i in range(len(axes)) if i not in last] + last


def to_slices(array: NDArray[Any], axes: str) -> NDArray[Any]:
    """The array as (N, C, H, W); N runs over all axes but channels, Y and X, the last of them fastest.

    Raises:
        ValueError: when ``axes`` does not name the axes of the array, with one Y and one X.

    >>> to_slices(np.zeros((5, 6, 3)), "YXS").shape
    (1, 3, 5, 6)
    """
    if len(axes) != array.ndim or axes.count("Y") != 1 or axes.count("X") != 1:
        raise ValueError(
            f"axes must name the {array.ndim} axes of the image, with one Y and one X; got {axes!r} for "
            f"shape {array.shape}. Save the picture with its rows and columns as Y and X."
        )
    moved = array.transpose(_order(axes))
    channels = 1 if channel_axis(axes) is None else moved.shape[-3]
    return moved.reshape(-1, channels, *moved.shape[-2:])


def from_slices(slices: NDArray[Any], axes: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """The inverse of `to_slices`: an array of ``shape`` with its axes in the order of ``axes``, C-contiguous.

    >>> from_slices(np.zeros((1, 3, 5, 6)), "YXS", (5, 6, 3)).shape
    (5, 6, 3)
    """
    order = _order(axes)
    moved = slices.reshape([shape[i] for i in order])
    # A copy has plain strides, which imagecodecs wants of axes of length 1 too; ascontiguousarray has not.
    return moved.transpose(np.argsort(order)).copy(order="C")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What a file holds.

    Attributes:
        array: the stored values in the order of ``axes``, alpha included.
        axes: one letter per axis; ``S`` (samples) or else ``C`` is the channel axis.
        color: whether the channels are display colours.
        alpha: place of alpha on the ``S`` axis, or None.
        premultiplied: whether the colours are declared to be multiplied by alpha.
        bits: significant bits where the file declares them.
        nodata: the value that the file declares to be no measurement, or None.
        metadata: see above.
        notes: remarks for the user.
    """

    array: NDArray[Any]
    axes: str
    color: bool
    alpha: int | None = None
    premultiplied: bool = False
    bits: int | None = None
    nodata: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def to_image(
    stored: Stored,
    *,
    format: str,
    name: str,
    data_range: float | None,
    nodata: holes.Nodata = "auto",
    range: Range | None = None,
) -> Image:
    """The Image of what a file holds.

    Args:
        stored: what it holds.
        format: of the file.
        name: for messages.
        data_range: what white is, or None to find it.
        nodata: the value that is no measurement, "auto" or "none".
        range: the working range of something larger that these values are part of; else it is found.

    Raises:
        TypeError: for bool, complex, object and text arrays.
        ValueError: for no pixels, no measurement among them, or a data range that they exceed.
    """
    array, axes, metadata = stored.array, stored.axes, dict(stored.metadata)
    if array.dtype.kind not in "uif" or array.dtype.itemsize > 8:
        raise TypeError(
            f"pixels must be integers or floats of at most 64 bits, got dtype {array.dtype}. "
            "Convert the array first, e.g. array.astype('float32')."
        )
    if array.size == 0:
        raise ValueError(f"the image holds no pixels (shape {array.shape}). Give at least one pixel.")
    if array.dtype.byteorder == ">":
        metadata["byteorder"] = ">"
    values = array.astype(array.dtype.newbyteorder("="), copy=False)
    alpha = None
    if stored.alpha is not None:
        place = axes.index("S")
        alpha = to_slices(values.take([stored.alpha], axis=place), axes)[:, 0].copy()
        values = np.delete(values, stored.alpha, axis=place)
        metadata["alpha.index"] = stored.alpha
        if stored.premultiplied and bool((to_slices(values, axes) <= alpha[:, None]).all()):
            metadata["alpha.premultiplied"] = True
    slices = to_slices(values, axes)
    missing, notes = holes.missing(slices, nodata, stored.nodata, color=stored.color)
    valid = slices if missing is None else slices[~missing]
    if not valid.size:
        raise ValueError("every pixel is NaN, infinite or nodata. There is nothing to work on.")
    some = None
    if range is None:
        range = working_range(valid, bits=stored.bits, data_range=data_range)
    if missing is None:
        pixels = to_working(slices, range.scale, range.offset)
    else:
        plain = np.where(missing, valid[0], slices)
        pixels = holes.filled(to_working(plain, range.scale, range.offset), missing)
        some = holes.of_pixels(missing)
        blank = missing.all(axis=(-2, -1), keepdims=True)
        metadata |= {"blank": blank} if blank.any() else {}
    notes += range.notes
    if missing is not None or need_exact(slices, pixels, range.scale, range.offset):
        metadata["exact"] = slices.copy()
        metadata["exact"].flags.writeable = False
    if missing is None and "exact" in metadata:
        notes += (f"{values.dtype} is worked on in float32: pixels that change keep about 7 digits.",)
    return Image(
        pixels=pixels,
        axes=axes,
        shape=values.shape,
        color=stored.color,
        dtype=str(values.dtype),
        scale=range.scale,
        offset=range.offset,
        bits=range.bits,
        holes=some if some is not None and some.any() else None,
        alpha=alpha,
        format=format,
        metadata=metadata,
        notes=stored.notes + notes,
        name=name,
    )


def ranged_by(image: Image, where: NDArray[np.bool_]) -> Image:
    """The same picture in the working range that the pixels alone have that `where` (H, W) marks.

    What lies under a mask, and will be replaced, must have no say in the scale of the rest.

    >>> values = np.full((4, 5), 0.5, np.float32)
    >>> values[0] = 1e4
    >>> held = Stored(array=values, axes="YX", color=False)
    >>> plain = to_image(held, format="array", name="x", data_range=None)
    >>> plain.scale, ranged_by(plain, values < 1).scale
    (10000.0, 1.0)
    """
    seen = np.broadcast_to(where, image.pixels.shape[:1] + where.shape)
    seen = seen if image.holes is None else seen & ~image.holes
    values = stored_slices(image)
    if np.dtype(image.dtype).itemsize == 1 or not seen.any():
        return image
    range = working_range(np.moveaxis(values, 1, -1)[seen], bits=image.bits)
    if (range.scale, range.offset) == (image.scale, image.offset):
        return image
    pixels = image.pixels_in(range.scale, range.offset)
    metadata = dict(image.metadata) | {"exact": image.metadata.get("exact", values)}
    return replace(
        image, pixels=pixels, scale=range.scale, offset=range.offset, bits=range.bits, metadata=metadata
    )


def stored_slices(image: Image) -> NDArray[Any]:
    """The pixels of an Image in its stored units and type: (N, C, H, W), rounded and clipped for integers.

    Raises:
        ValueError: when a pixel is not finite.
    """
    scale, offset = image.scale, image.offset
    values = from_working(image.pixels, scale, np.dtype(image.dtype), offset, image.bits)
    if image.alpha is not None and image.metadata.get("alpha.premultiplied"):
        np.minimum(
            values, image.alpha[:, None], out=values
        )  # more colour than there is picture means nothing
    exact = image.metadata.get("exact")
    if exact is not None:
        # What no method touched comes back bit for bit, also where float32 is too short for it.
        untouched = image.pixels == to_working(exact, scale, offset, finite=False)
        if image.holes is not None:
            untouched |= image.holes[:, None]
        if "blank" in image.metadata:
            untouched |= image.metadata["blank"]
        np.copyto(values, exact, where=untouched)
    return values
