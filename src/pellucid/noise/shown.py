"""Where a picture shows something: not in a border, nor where it has one value, as saturated parts have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

SIDE = 5  # of a square of one value that counts as empty; noise hardly ever makes one


def shown(plane: NDArray[Any], holes: Flags | None = None) -> Flags:
    """Where (H, W) shows something.

    Args:
        plane: (H, W).
        holes: (H, W) where it is known not to, or None.

    >>> picture = np.random.default_rng(0).random((4, 4))
    >>> int(shown(np.pad(picture, 6)).sum()), int(shown(np.pad(picture, 1)).sum())
    (16, 16)
    """
    found = ~empty(plane)
    rows, columns = _inside(plane), _inside(plane.T)
    found[: rows[0]] = found[rows[1] :] = False
    found[:, : columns[0]] = found[:, columns[1] :] = False
    return found if holes is None else found & ~holes


def empty(plane: NDArray[Any]) -> Flags:
    """Where (H, W) lies in a square of one value, 5 pixels a side.

    >>> int(empty(np.pad(np.random.default_rng(0).random((4, 4)), 6)).sum())
    240
    """
    found = np.zeros(plane.shape, dtype=bool)
    if min(plane.shape) < SIDE:
        return found
    across = _all(plane[:, 1:] == plane[:, :-1], 1, SIDE - 1)
    if not across.any():
        return found
    down = _all(plane[1:] == plane[:-1], 0, SIDE - 1)[:, : across.shape[1]]
    square = _all(across, 0, SIDE) & down
    height, width = square.shape
    for y in range(SIDE if square.any() else 0):
        for x in range(SIDE):
            found[y : y + height, x : x + width] |= square
    return found


def _all(flags: Flags, axis: int, count: int) -> Flags:
    """Whether so many in a row, from each place on, are true."""
    length = flags.shape[axis] - count + 1
    starts = [flags[k : k + length] if axis == 0 else flags[:, k : k + length] for k in range(count)]
    return np.asarray(np.logical_and.reduce(starts))


def _inside(plane: NDArray[Any]) -> tuple[int, int]:
    """The first row that is not of one value, and the one behind the last; a border may have any width."""
    first, behind = 0, len(plane)
    while first < behind and (plane[first] == plane[first, 0]).all():
        first += 1
    while behind > first and (plane[behind - 1] == plane[behind - 1, 0]).all():
        behind -= 1
    return first, behind
