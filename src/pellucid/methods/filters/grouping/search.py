"""Places of blocks that look alike: an exhaustive search of a window, frame by frame.

A block is depth x side x side pixels of (T, H, W); its place is the frame, row and column of its first pixel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pellucid.methods.filters.compiled import Floats, Places, compiled

SPARE = 8
"""columns beyond the picture, so that whole registers of distances are added up"""


class Found(NamedTuple):
    """The places of a group, nearest first: its K best candidates.

    Attributes:
        frames, downs, acrosses: (K,) places.
        distances: (K,) squared distances to the block that they were compared with.
    """

    frames: Places
    downs: Places
    acrosses: Places
    distances: Floats


class Window(NamedTuple):
    """Where candidates are looked for.

    Attributes:
        depth, side: of a block; side is 4 or 8.
        reach: frames before and after; radius: pixels up, down, left and right.
        stride: pixels between candidates.
    """

    depth: int
    side: int
    reach: int
    radius: int
    stride: int


@compiled
def empty(count: int) -> Found:
    """Room for the places of a group of `count` blocks."""
    return Found(
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.float32),
    )


@compiled
def insert(found: Found, number: int, distance: float, frame: int, down: int, across: int) -> int:
    """Take a place into the `number` that are found already, in order; how many there are then.

    The first is the block itself and stays the first. Where there is no more room, the farthest goes.
    """
    frames, downs, acrosses, distances = found
    count = len(distances)
    place = number if number < count else count - 1
    while place > 1 and distances[place - 1] > distance:
        distances[place] = distances[place - 1]
        frames[place], downs[place], acrosses[place] = (
            frames[place - 1],
            downs[place - 1],
            acrosses[place - 1],
        )
        place -= 1
    distances[place] = distance
    frames[place], downs[place], acrosses[place] = frame, down, across
    return min(number + 1, count)


@compiled
def scan(
    guide: Floats,
    block: tuple[int, int, int],
    frame: int,
    rows: tuple[int, int],
    columns: tuple[int, int],
    window: Window,
    limit: float,
    found: Found,
    number: int,
    line: Floats,
) -> int:
    """Take the candidates of one frame into a group: how many places are found then.

    Args:
        guide: (T, H, W + SPARE) picture in which blocks are compared; the last columns are never part of one.
        block: (frame, row, column) of the block that is compared with them; it is no candidate.
        frame: of the candidates.
        rows, columns: first and last place of a candidate.
        window: depth, side and stride.
        limit: largest squared distance of a place that is taken.
        found: the group; `number` of its places are in use.
        line: (columns + 2 SPARE,) scratch.
    """
    t, y, x = block
    left, across = columns[0], columns[1] - columns[0] + 1
    wide = (across + SPARE - 1) // SPARE * SPARE
    count = len(found.distances)
    if count < 2:
        return number
    for row in range(rows[0], rows[1] + 1, window.stride):
        for k in range(wide):
            line[k] = 0
        for z in range(window.depth):
            for i in range(window.side):
                own = guide[t + z, y + i, x : x + window.side]
                for j in range(0, window.side, 4):
                    a, b, c, d = own[j], own[j + 1], own[j + 2], own[j + 3]
                    part = guide[frame + z, row + i, left + j : left + j + wide + 3]
                    for k in range(wide):
                        e, f, g, h = part[k] - a, part[k + 1] - b, part[k + 2] - c, part[k + 3] - d
                        line[k] += (e * e + f * f) + (g * g + h * h)
        most = found.distances[count - 1] if number == count else np.float32(limit)
        for k in range(0, across, window.stride):
            distance = line[k]
            if distance > most or (number == count and distance == most):
                continue
            if frame == t and row == y and left + k == x:
                continue
            number = insert(found, number, distance, frame, row, left + k)
            if number == count:
                most = found.distances[count - 1]
    return number


@compiled
def find(
    guide: Floats, block: tuple[int, int, int], window: Window, limit: float, found: Found, line: Floats
) -> int:
    """The blocks of a window that are most like one, itself first: how many are found.

    Args:
        guide: (T, H, W + SPARE).
        block: frame, row and column of the block.
        window: around it; it ends where the picture does.
        limit: largest squared distance.
        found: the group, written.
        line: (2 radius + 1 + 2 SPARE,) scratch.
    """
    t, y, x = block
    radius, stride = window.radius, window.stride
    last = (
        guide.shape[0] - window.depth,
        guide.shape[1] - window.side,
        guide.shape[2] - SPARE - window.side,
    )
    rows = (y - min(y, radius) // stride * stride, min(last[1], y + radius))
    columns = (x - min(x, radius) // stride * stride, min(last[2], x + radius))
    found.frames[0], found.downs[0], found.acrosses[0], found.distances[0] = t, y, x, 0
    number = 1
    for frame in range(max(0, t - window.reach), min(last[0], t + window.reach) + 1):
        number = scan(guide, block, frame, rows, columns, window, limit, found, number, line)
    return number
