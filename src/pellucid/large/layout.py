"""How a store is cut into regions: whole chunks of what is written, as large as the memory allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pellucid.files.stored import channel_axis
from pellucid.large import memory
from pellucid.steps import Method
from pellucid.stores import Form, space

SIDES = (2048, 1536, 1280, 1024, 768, 512, 384, 256, 128)
"""lengths that are tried for the rows and columns of a region, the largest first"""
DEPTHS = (64, 32, 16)
"""the same for the axis along which slices are taken together"""
TASK = 2**20
"""values of a region below which it takes several slices, so that the bookkeeping costs nothing"""
AT_ONCE = 10
"""chunks that zarr decodes side by side"""


@dataclass(frozen=True)
class Layout:
    """How a store is cut.

    Attributes:
        block: the shape of a region, less at the far ends.
        margins: by how much more is read, along every axis.
        grid: reading begins at multiples of these, along every axis, so that the blocks of a filter are
            those of the whole.
        memory: bytes that one of them takes, with all that the process holds.
    """

    block: tuple[int, ...]
    margins: tuple[int, ...]
    grid: tuple[int, ...]
    memory: int


def laid_out(form: Form, unit: Sequence[int], method: Method | None, axis: str, limit: int) -> Layout:
    """The largest regions that fit into memory.

    Args:
        form: of the input.
        unit: what is written at once, as `Form.chunks` of the output; 1 where any region can be.
        method: what works on them, or None.
        axis: the letter of the axis along which it takes slices together.
        limit: bytes.

    Raises:
        ValueError: when not even the smallest fit.
    """
    channel = channel_axis(form.axes)
    grid = tuple(
        method.tiling.stride if method is not None and letter in ("Y", "X", axis) else 1
        for letter in form.axes
    )
    margins = _margins(form, method, axis)
    smallest: Layout | None = None
    for depth in DEPTHS if axis else (1,):
        for side in SIDES:
            block = []
            for i, (letter, length) in enumerate(zip(form.axes, form.shape, strict=True)):
                wanted = side if letter in "YX" else depth if letter == axis else 1
                wanted = length if i == channel else wanted
                block.append(min(length, max(1, wanted // unit[i]) * unit[i]))
            smallest = Layout(tuple(block), margins, grid, _bytes(form, block, margins, method, axis))
            if smallest.memory <= limit:
                return replace(smallest, block=_more(form, smallest.block, axis, channel))
    needed = 0 if smallest is None else smallest.memory
    raise ValueError(
        f"memory must be at least {space.in_words(math.ceil(needed / 1e8) * 1e8)} here, got "
        f"{space.in_words(limit)}: what is stored and worked on at once is as large "
        f"({' x '.join(map(str, form.chunks))} values). Allow more (--memory)."
    )


def _margins(form: Form, method: Method | None, axis: str) -> tuple[int, ...]:
    """What is read around a region, a multiple of the method's grid."""
    if method is None:
        return (0,) * len(form.shape)
    tiling = method.tiling
    around = tiling.halo if tiling.kind != "whole" else tiling.reach
    along = tiling.depth if axis else 0
    return tuple(around if letter in "YX" else along if letter == axis else 0 for letter in form.axes)


def _bytes(form: Form, block: Sequence[int], margins: Sequence[int], method: Method | None, axis: str) -> int:
    """What a region takes: as it is stored, twice and while it is decoded, and what is worked on at once."""
    read = [min(n, own + 2 * more) for n, own, more in zip(form.shape, block, margins, strict=True)]
    channel = channel_axis(form.axes)
    once = [
        n
        for i, (n, letter) in enumerate(zip(read, form.axes, strict=True))
        if letter in "YX" or letter == axis or i == channel
    ]
    stored = (3 * math.prod(read) + math.prod(block)) * form.dtype.itemsize
    decoded = 0 if form.plain else AT_ONCE * math.prod(form.chunks) * form.dtype.itemsize
    channels = 1 if channel is None else form.shape[channel] - (form.alpha is not None)
    each = memory.per_value("none" if method is None else method.name, channels)
    return memory.BASE + stored + decoded + int(each * math.prod(once))


def _more(form: Form, block: tuple[int, ...], axis: str, channel: int | None) -> tuple[int, ...]:
    """A small region with as many slices as make it worth a task; each is worked on by itself."""
    found = list(block)
    for i in reversed(range(len(block))):
        if form.axes[i] in "YX" or form.axes[i] == axis or i == channel:
            continue
        times = TASK // max(1, math.prod(found))
        found[i] = min(form.shape[i], max(1, times) * found[i])
    return tuple(found)
