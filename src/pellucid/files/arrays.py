"""Arrays in and out of Image, with scikit-image's `channel_axis`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files.stored import Stored, from_slices, stored_slices, to_image
from pellucid.image import Image


def from_array(
    array: NDArray[Any],
    *,
    channel_axis: int | None = None,
    data_range: float | None = None,
    nodata: float | str = "auto",
    name: str = "array",
) -> Image:
    """The Image of an array, which is neither changed nor kept.

    Args:
        array: (H, W), or with leading axes for a stack, or with a channel axis; integers or floats in any
            units.
        channel_axis: axis of the channels, None for gray. Three channels are taken as display colours, any
            other number is not.
        data_range: the value that white stands for; else found from the type and the values.
        nodata: the value that stands for no measurement, "auto" (what is obvious) or "none"; NaN always does.
        name: what messages call it.

    Raises:
        TypeError: when it is no array, or of bool, complex, object or text type.
        ValueError: for a shape that is no image, no pixels, no measurement among them, a data range that they
            exceed, or when ``channel_axis`` is missing although the last axis has 3 or 4 entries.

    >>> image = from_array(np.full((4, 5), 255, dtype="uint8"))
    >>> image.pixels.shape, image.axes, float(image.pixels.max())
    ((1, 1, 4, 5), 'YX', 1.0)
    """
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            "image must be a plain NumPy array, got a masked one. For masked pixels that stay as they are, "
            "pass array.astype(float).filled(numpy.nan)."
        )
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"image must be a plain NumPy array, got {type(array).__name__}. Convert it with numpy.asarray."
        )
    least = 2 if channel_axis is None else 3
    if array.ndim < least:
        raise ValueError(
            f"image must have at least {least} axes (channel_axis={channel_axis}), got shape {array.shape}. "
            "Pass (H, W), or (H, W, C) with channel_axis=-1."
        )
    if channel_axis is None and array.ndim > 2 and array.shape[-1] in (3, 4):
        raise ValueError(
            f"channel_axis must be given for shape {array.shape}, whose last axis may be colours. Pass "
            "channel_axis=-1 for (H, W, C); for a stack this narrow, array[..., None] and channel_axis=-1."
        )
    return to_image(
        _named_axes(array, channel_axis), format="array", name=name, data_range=data_range, nodata=nodata
    )


def _named_axes(array: NDArray[Any], channel_axis: int | None) -> Stored:
    if channel_axis is None:
        return Stored(array=array, axes="Q" * (array.ndim - 2) + "YX", color=False)
    if not -array.ndim <= channel_axis < array.ndim:
        raise ValueError(
            f"channel_axis must be in [{-array.ndim}, {array.ndim - 1}] for shape {array.shape}, got "
            f"{channel_axis}. Pass -1 for (H, W, C)."
        )
    place = channel_axis % array.ndim
    color = array.shape[place] == 3
    letters = list("Q" * (array.ndim - 3) + "YX")
    letters.insert(place, "S" if color else "C")
    return Stored(array=array, axes="".join(letters), color=color)


def to_array(image: Image) -> NDArray[Any]:
    """The array that an Image came from, with its present pixels: same axes, shape, type, byte order and
    alpha.

    Integers are rounded and clipped to their type, floats are not. Pixels that nothing changed come back bit
    for bit.

    Returns:
        an array with axes ``image.axes``; where the picture has alpha, it is one of the samples (axis ``S``).

    Raises:
        ValueError: when a pixel is not finite.

    >>> to_array(from_array(np.array([[0, 7], [9, 65535]], dtype="uint16"))).tolist()
    [[0, 7], [9, 65535]]
    """
    slices = stored_slices(image)
    shape = image.shape
    if image.alpha is not None:
        place = image.axes.index("S")
        index = image.metadata.get("alpha.index", slices.shape[1])
        slices = np.insert(slices, index, image.alpha, axis=1)
        shape = (*shape[:place], shape[place] + 1, *shape[place + 1 :])
    array = from_slices(slices, image.axes, shape)
    if image.metadata.get("byteorder") == ">":
        array = array.astype(array.dtype.newbyteorder(">"))
    return array
