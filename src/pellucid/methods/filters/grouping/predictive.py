"""Places of blocks that look alike in a film: a search that predicts where a block is in the next frame.

In its own frame a block is looked for around itself, and in each next one around the best places of the frame
before (predictive search, Dabov, Foi, Egiazarian, EUSIPCO 2007, section 3.2). So it follows what moves by a
few pixels from frame to frame. Where the whole picture moves by more, the centres move with it (`pans`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pellucid.methods.filters.compiled import Floats, Places, compiled
from pellucid.methods.filters.grouping.search import SPARE, Found, insert

SIDE = 8


class Prediction(NamedTuple):
    """Where candidates are looked for.

    Attributes:
        reach: frames before and after.
        radius: pixels around a block in its own frame.
        near: pixels around each place of the frame before.
        best: places that are kept of every frame.
        bonus: what is taken off the squared distance of the block that has not moved.
    """

    reach: int
    radius: int
    near: int
    best: int
    bonus: float


@compiled
def distance(guide: Floats, t: int, y: int, x: int, frame: int, row: int, column: int, most: Any) -> Any:
    """Squared distance of two blocks, or any number above `most` where it is above."""
    total = np.float32(0)
    for i in range(SIDE):
        one, other = guide[t, y + i, x : x + SIDE], guide[frame, row + i, column : column + SIDE]
        line = np.float32(0)
        for j in range(SIDE):
            difference = one[j] - other[j]
            line += difference * difference
        total += line
        if total > most:
            return total
    return total


@compiled
def nearest(
    guide: Floats,
    block: tuple[int, int, int],
    frame: int,
    centres: Places,
    radius: int,
    still: tuple[int, int],
    bonus: float,
    best: Found,
) -> int:
    """The blocks of one frame that are most like one, around some places: how many are found.

    Args:
        guide: (T, H, W + SPARE) film in which blocks are compared.
        block: frame, row and column of the block; it is no candidate.
        frame: of the candidates.
        centres: (2, n) rows and columns of the places.
        radius: pixels around each.
        still: row and column of the candidate that has not moved; bonus: taken off its squared distance.
        best: (k + 1,) written from 1 on, nearest first; 0 is not used.
    """  # fmt: skip
    t, y, x = block
    bottom, right = guide.shape[1] - SIDE, guide.shape[2] - SPARE - SIDE
    count, number = len(best.distances), 1
    for c in range(centres.shape[1]):
        down, across = centres[0, c], centres[1, c]
        for row in range(max(0, down - radius), min(bottom, down + radius) + 1):
            for column in range(max(0, across - radius), min(right, across + radius) + 1):
                seen = frame == t and row == y and column == x
                for d in range(c):
                    seen = seen or (
                        abs(row - centres[0, d]) <= radius and abs(column - centres[1, d]) <= radius
                    )
                if seen:
                    continue
                less = bonus if row == still[0] and column == still[1] else 0.0
                most = best.distances[count - 1] if number == count else np.float32(np.inf)
                far = distance(guide, t, y, x, frame, row, column, most + less) - less
                if number < count or far < most:
                    number = insert(best, number, far, frame, row, column)
    return number - 1


@compiled
def predict(
    guide: Floats, pans: Places, block: tuple[int, int, int], where: Prediction, limit: float,
    found: Found, best: Found, own: Found,
) -> int:  # fmt: skip
    """The blocks of a film that are most like one, itself first: how many are found.

    Args:
        guide: (T, H, W + SPARE).
        pans: (T, 2) pixels by which the picture of each frame lies lower and farther right than that of the
            first.
        block: frame, row and column of the block.
        where: what is searched.
        limit: largest squared distance.
        found: the group, written.
        best, own: (where.best + 1,) scratch.
    """
    t, y, x = block
    bottom, right = guide.shape[1] - SIDE, guide.shape[2] - SPARE - SIDE
    found.frames[0], found.downs[0], found.acrosses[0], found.distances[0] = t, y, x, 0
    number, count = 1, len(found.distances)
    centres = np.empty((2, where.best), np.int64)
    centres[0, 0], centres[1, 0] = y, x
    starts = 1
    if where.best > 1:
        starts += nearest(guide, block, t, centres[:, :1], where.radius, (-1, -1), 0.0, own)
        starts = min(starts, where.best)
        for k in range(1, starts):
            if own.distances[k] <= limit and count > 1:
                number = insert(found, number, own.distances[k], t, own.downs[k], own.acrosses[k])
    for step in (-1, 1):
        centres[0, 0], centres[1, 0] = y, x
        for k in range(1, starts):
            centres[0, k], centres[1, k] = own.downs[k], own.acrosses[k]
        frames = min(where.reach, t if step < 0 else len(guide) - 1 - t)
        places = starts
        for away in range(1, frames + 1):
            frame, before = t + step * away, t + step * (away - 1)
            for k in range(places):
                centres[0, k] = min(max(centres[0, k] + pans[frame, 0] - pans[before, 0], 0), bottom)
                centres[1, k] = min(max(centres[1, k] + pans[frame, 1] - pans[before, 1], 0), right)
            still = (y + pans[frame, 0] - pans[t, 0], x + pans[frame, 1] - pans[t, 1])
            places = nearest(guide, block, frame, centres[:, :places], where.near, still, where.bonus, best)
            for k in range(1, places + 1):
                down, across, far = best.downs[k], best.acrosses[k], best.distances[k]
                centres[0, k - 1], centres[1, k - 1] = down, across
                full = number == count
                if count > 1 and far <= limit and not (full and far >= found.distances[count - 1]):
                    number = insert(found, number, far, frame, down, across)
    return number
