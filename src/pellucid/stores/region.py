"""Regions: boxes of an array, as slices with a start and a stop along every axis."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

Region = tuple[slice, ...]
"""one slice with a start and a stop, and no step, per axis"""


def whole(shape: Sequence[int]) -> Region:
    """All of an array.

    >>> whole((2, 3))
    (slice(0, 2, None), slice(0, 3, None))
    """
    return tuple(slice(0, length) for length in shape)


def size(region: Region) -> tuple[int, ...]:
    """The shape of what a region holds.

    >>> size((slice(1, 4), slice(0, 2)))
    (3, 2)
    """
    return tuple(span.stop - span.start for span in region)


def count(region: Region) -> int:
    """How many values a region holds."""
    return math.prod(size(region))


def cells(shape: Sequence[int], block: Sequence[int]) -> Iterator[Region]:
    """The regions of a grid, the last axis fastest; those at the far ends may be smaller.

    >>> [size(cell) for cell in cells((3, 4), (2, 4))]
    [(2, 4), (1, 4)]
    """
    edges = [
        [slice(start, min(start + step, length)) for start in range(0, length, step)]
        for length, step in zip(shape, block, strict=True)
    ]
    return itertools.product(*edges)


def grown(region: Region, margins: Sequence[int], shape: Sequence[int], grid: Sequence[int]) -> Region:
    """A region with a margin around it, less where the array ends, that begins on a grid.

    >>> grown((slice(2, 4), slice(5, 7)), (1, 1), (4, 9), (1, 3))
    (slice(1, 4, None), slice(3, 8, None))
    """
    return tuple(
        slice(max(0, (span.start - margin) // step * step), min(length, span.stop + margin))
        for span, margin, length, step in zip(region, margins, shape, grid, strict=True)
    )


def within(inner: Region, outer: Region) -> Region:
    """Where one region lies in what another holds.

    >>> within((slice(2, 4),), (slice(1, 9),))
    (slice(1, 3, None),)
    """
    return tuple(
        slice(own.start - around.start, own.stop - around.start)
        for own, around in zip(inner, outer, strict=True)
    )


def common(one: Region, other: Region) -> Region | None:
    """What two regions share, or None.

    >>> common((slice(0, 4),), (slice(2, 9),)), common((slice(0, 4),), (slice(4, 9),))
    ((slice(2, 4, None),), None)
    """
    shared = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    return shared if all(span.start < span.stop for span in shared) else None


def text(region: Region) -> str:
    """A region in words, by which a manifest knows it; `parsed` is the way back.

    >>> text((slice(0, 2), slice(16, 32)))
    '0:2,16:32'
    """
    return ",".join(f"{span.start}:{span.stop}" for span in region)


def parsed(words: str) -> Region:
    """The region that `text` wrote.

    >>> parsed("0:2,16:32")
    (slice(0, 2, None), slice(16, 32, None))
    """
    return tuple(slice(*map(int, span.split(":"))) for span in words.split(","))
