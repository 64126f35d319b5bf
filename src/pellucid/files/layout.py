"""Layout: from an array with named axes to slices (N, C, H, W), and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
