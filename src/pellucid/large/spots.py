"""Hot and dead pixels of a store: those that stay at their place are found once, others in their region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files.stored import channel_axis
from pellucid.large.sample import sliced
from pellucid.noise import hot
from pellucid.stores import Form, Region, Store

FRAMES = 7
"""slices that are compared"""
SIDE = 1024
"""pixels a side of what is looked at at once"""
MARGIN = 3
"""pixels around it"""
Place = tuple[int, int, int]
"""channel, row and column"""


def staying(store: Store) -> tuple[Place, ...]:
    """Pixels that stand out at the same place of several slices of a stack, as those of a sensor do.

    Slices are taken from all over the stack, or from one layer of chunks where a chunk holds several, so that
    little is read.

    Raises:
        ValueError: when the store is damaged.
    """
    form = store.form
    axis = next(
        (form.axes.index(a) for a in "TZQI" if a in form.axes and _length(form, a) >= hot.FRAMES), None
    )
    if axis is None or min(_length(form, "Y"), _length(form, "X")) < 2 * MARGIN:
        return ()
    first, last = 0, form.shape[axis]
    if form.chunks[axis] > 1:
        layer = last // form.chunks[axis] // 2 * form.chunks[axis]
        first, last = layer, min(last, layer + form.chunks[axis])
    numbers = np.unique(np.linspace(first, last - 1, FRAMES).round().astype(int))
    if len(numbers) < hot.FRAMES:
        return ()
    found: list[Place] = []
    for top in range(0, _length(form, "Y"), SIDE):
        for left in range(0, _length(form, "X"), SIDE):
            found += _of_part(store, axis, numbers.tolist(), top, left)
    return tuple(found)


def mended(
    planes: NDArray[Any], places: Sequence[Place], corner: tuple[int, int], limits: tuple[float, float]
) -> NDArray[Any]:
    """Slices (D, C, h, w) without hot and dead pixels, the very array where there are none.

    Args:
        planes: stored values.
        places: of pixels that are so in every slice, in the whole store.
        corner: row and column of the store at which the slices begin.
        limits: the least and the greatest value of their type.
    """
    result = planes
    height, width = planes.shape[-2:]
    for c in range(planes.shape[1]):
        inside = [(y - corner[0], x - corner[1]) for channel, y, x in places if channel == c]
        here = [(y, x) for y, x in inside if 0 <= y < height and 0 <= x < width]
        fixed = np.array(here, np.intp).reshape(-1, 2)
        known = hot.Spots(hot=fixed, dead=fixed[:0])
        for d in range(len(planes)):
            plane = hot.mended(planes[d, c], known) if len(fixed) else planes[d, c]
            told = hot.find(plane, limits=limits)
            if len(told.places) or len(fixed):
                result = planes.copy() if result is planes else result
                result[d, c] = hot.mended(plane, told) if len(told.places) else plane
    return result


def limits_of(form: Form) -> tuple[float, float]:
    """The least and the greatest value that a store can hold."""
    if form.dtype.kind == "f":
        return -np.inf, np.inf
    info = np.iinfo(form.dtype)
    return float(info.min), float(info.max if form.bits is None else min(info.max, 2**form.bits - 1))


def _length(form: Form, letter: str) -> int:
    return form.shape[form.axes.index(letter)]


def _of_part(store: Store, axis: int, numbers: Sequence[int], top: int, left: int) -> list[Place]:
    """Those of one part of the rows and columns."""
    form, channel = store.form, channel_axis(store.form.axes)
    spans = {"Y": top, "X": left}
    region: list[slice] = []
    for i, (letter, length) in enumerate(zip(form.axes, form.shape, strict=True)):
        if letter in spans:
            start = spans[letter]
            region.append(slice(max(0, start - MARGIN), min(length, start + SIDE + MARGIN)))
        else:
            region.append(slice(0, length) if i == channel else slice(length // 2, length // 2 + 1))

    def at(number: int) -> Region:
        return tuple(slice(number, number + 1) if i == axis else span for i, span in enumerate(region))

    frames = np.concatenate([sliced(store.read(at(number)), form) for number in numbers])  # (F, C, h, w)
    y, x = (region[form.axes.index(letter)].start for letter in "YX")
    found = []
    for c in range(frames.shape[1]):
        for row, column in hot.staying(np.ascontiguousarray(frames[:, c])).places.tolist():
            if top <= row + y < top + SIDE and left <= column + x < left + SIDE:
                found.append((c, row + y, column + x))
    return found
