"""Pyramids: each level is made of the one below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.stores.region import Region


def edges(length: int, smaller: int) -> NDArray[np.int64]:
    """Where along one axis the values begin that each value of the smaller level is the mean of; and the end.

    Levels are made by a whole factor wherever one fits, whichever way it was rounded.

    >>> edges(5, 3).tolist(), edges(5, 2).tolist(), edges(7, 5).tolist()
    ([0, 2, 4, 5], [0, 2, 5], [0, 1, 2, 4, 5, 7])
    """
    factor = max(1, round(length / smaller))
    if smaller in (length // factor, -(-length // factor)):
        found = np.arange(smaller + 1) * factor
    else:
        found = np.arange(smaller + 1) * length // smaller
    found[-1] = length
    return found.astype(np.int64)


def below(region: Region, shape: Sequence[int], smaller: Sequence[int]) -> Region:
    """The region of the lower level, of ``shape``, that a region of a level of shape ``smaller`` is made of.

    >>> below((slice(1, 3),), (5,), (3,))
    (slice(2, 5, None),)
    """
    found = []
    for span, length, less in zip(region, shape, smaller, strict=True):
        own = edges(length, less)
        found.append(slice(int(own[span.start]), int(own[span.stop])))
    return tuple(found)


def reduced(
    values: NDArray[Any], region: Region, shape: Sequence[int], smaller: Sequence[int]
) -> NDArray[Any]:
    """The means that make a region of a level; whole numbers are rounded.

    Args:
        values: of the lower level, in the region `below` this one.
        region: of the level.
        shape: of all of the lower level.
        smaller: of all of the level.

    >>> reduced(np.array([1, 2, 5, 5, 9], "uint8"), (slice(0, 3),), (5,), (3,)).tolist()
    [2, 5, 9]
    """
    means = values.astype(np.float64)
    for axis, (span, length, less) in enumerate(zip(region, shape, smaller, strict=True)):
        if length == less:
            continue
        own = edges(length, less)[span.start : span.stop + 1]
        counts = np.diff(own).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
        means = np.add.reduceat(means, own[:-1] - own[0], axis=axis) / counts
    return np.rint(means).astype(values.dtype) if values.dtype.kind in "ui" else means.astype(values.dtype)
