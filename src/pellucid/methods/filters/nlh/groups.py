"""Groups of NLH, compiled: the search for blocks and for rows, transforms along the blocks, and the way back.

A group is n blocks of m pixels that look alike, one block per line (n, m). A *row* of the paper, one pixel of
all blocks, is a line of its transpose (m, n).
"""

from __future__ import annotations

import numpy as np

from pellucid.methods.filters.compiled import Floats, Places, compiled

SPARE = 8
"""columns beyond the picture, so that whole registers of distances are added up"""
WIDEST = 64
"""most blocks in a group"""
ROOT = np.float32(0.5**0.5)
TINY = np.float32(1e-30)


@compiled
def search(
    guide: Floats, y: int, x: int, side: int, radius: int, downs: Places, acrosses: Places, line: Floats
) -> int:
    """The blocks most like that at (y, x), itself first: how many were found; places in downs, acrosses.

    Args:
        guide: (H, W + SPARE) picture in which blocks are compared; the last columns are never part of one.
        y, x: upper left corner.
        side: of the blocks, even; radius: of the search, pixels.
        downs, acrosses: (n,) places, written.
        line: (2 radius + 1 + SPARE,) scratch.
    """
    count = len(downs)
    best = np.empty(count, np.float32)
    top, bottom = max(0, y - radius), min(guide.shape[0] - side, y + radius)
    left, right = max(0, x - radius), min(guide.shape[1] - SPARE - side, x + radius)
    across = right - left + 1
    wide = (across + SPARE - 1) // SPARE * SPARE
    downs[0], acrosses[0], best[0] = y, x, -1.0
    found = 1
    for row in range(top, bottom + 1):
        for k in range(wide):
            line[k] = 0
        for i in range(side):
            for j in range(0, side, 2):
                here, there = guide[y + i, x + j], guide[y + i, x + j + 1]
                part = guide[row + i, left + j : left + j + wide + 1]
                for k in range(wide):
                    one, other = part[k] - here, part[k + 1] - there
                    line[k] += one * one + other * other  # the compiler does not make products of powers
        for k in range(across):
            distance = line[k]
            if (found == count and distance >= best[count - 1]) or (row == y and left + k == x):
                continue
            place = found if found < count else count - 1
            while best[place - 1] > distance:
                best[place] = best[place - 1]
                downs[place], acrosses[place] = downs[place - 1], acrosses[place - 1]
                place -= 1
            best[place], downs[place], acrosses[place] = distance, row, left + k
            found = min(found + 1, count)
    return found


@compiled
def nearest(group: Floats, size: int, pixel: int, rows: Places, distances: Floats) -> None:
    """The pixels whose rows are nearest to that of `pixel`, itself first.

    Args:
        group: (n, m) blocks, of which the first `size` count.
        pixel: index.
        rows: (k,) indices, written.
        distances: (m,) scratch.
    """
    pixels, count = group.shape[1], len(rows)
    for p in range(pixels):
        distances[p] = 0
    for j in range(0, size - 1, 2):
        here, there = group[j, pixel], group[j + 1, pixel]
        for p in range(pixels):
            one, other = group[j, p] - here, group[j + 1, p] - there
            distances[p] += one * one + other * other
    if size == 1:
        for p in range(pixels):
            distances[p] = (group[0, p] - group[0, pixel]) ** 2
    distances[pixel] = -1.0
    rows[0] = pixel
    found = 1
    for p in range(pixels):
        if p == pixel or (found == count and distances[p] >= distances[rows[count - 1]]):
            continue
        place = found if found < count else count - 1
        while distances[rows[place - 1]] > distances[p]:
            rows[place] = rows[place - 1]
            place -= 1
        rows[place] = p
        found = min(found + 1, count)


@compiled
def forward(blocks: Floats, size: int) -> None:
    """Orthonormal Haar transform along the first `size` (a power of two) lines, in place.

    Line 0 becomes the mean, line 1 the difference of the first two.
    """
    step = 1
    while step < size:
        for i in range(0, size, 2 * step):
            first, second = blocks[i], blocks[i + step]
            for k in range(blocks.shape[1]):
                mean, difference = (first[k] + second[k]) * ROOT, (first[k] - second[k]) * ROOT
                first[k], second[k] = mean, difference
        step *= 2


@compiled
def backward(blocks: Floats, size: int) -> None:
    """The inverse of `forward`."""
    step = size // 2
    while step > 0:
        for i in range(0, size, 2 * step):
            first, second = blocks[i], blocks[i + step]
            for k in range(blocks.shape[1]):
                one, other = (first[k] + second[k]) * ROOT, (first[k] - second[k]) * ROOT
                first[k], second[k] = one, other
        step //= 2


@compiled
def cut(plane: Floats, downs: Places, acrosses: Places, size: int, side: int, blocks: Floats) -> None:
    """The first `size` blocks of a plane (H, W), one per line of blocks (n, side²)."""
    for b in range(size):
        for i in range(side):
            line = plane[downs[b] + i]
            for j in range(side):
                blocks[b, i * side + j] = line[acrosses[b] + j]


@compiled
def add(
    blocks: Floats, downs: Places, acrosses: Places, size: int, side: int, top: int, total: Floats
) -> None:
    """Add blocks to a plane whose first line is line `top` of the picture."""
    for b in range(size):
        for i in range(side):
            line = total[downs[b] + i - top]
            for j in range(side):
                line[acrosses[b] + j] += blocks[b, i * side + j]


@compiled
def turned(blocks: Floats, size: int, factor: float, lines: Floats) -> None:
    """The first `size` blocks (n, m) as lines (m, n), times a factor; 0 where there are no blocks."""
    scale = np.float32(factor)
    for p in range(lines.shape[0]):
        for j in range(size):
            lines[p, j] = scale * blocks[j, p]
        for j in range(size, lines.shape[1]):
            lines[p, j] = 0


@compiled
def returned(
    lines: Floats,
    downs: Places,
    acrosses: Places,
    size: int,
    side: int,
    top: int,
    blocks: Floats,
    total: Floats,
) -> None:
    """Transform the lines (m, n) of a group back and add its blocks to a plane (see `add`)."""
    for j in range(size):
        for p in range(lines.shape[0]):
            blocks[j, p] = lines[p, j]
    backward(blocks, size)
    add(blocks, downs, acrosses, size, side, top, total)


@compiled
def power_of_two(number: int) -> int:
    """The largest power of two that is not above a number."""
    power = 1
    while 2 * power <= number:
        power *= 2
    return power


@compiled
def row_distances(
    guide: Floats, rows: Places, columns: Places, side: int, radius: int, count: int, found: Floats
) -> None:
    """Squared distance of each row of the blocks at rows × columns to its nearest other row.

    Args:
        guide: (H, W + SPARE).
        rows, columns: of the reference blocks.
        side, radius, count: side of a block, search radius, blocks in a group.
        found: (rows × columns, side²) mean over the blocks of a group, written.
    """
    area = side * side
    downs, acrosses = np.empty(count, np.int64), np.empty(count, np.int64)
    line, distances = np.empty(2 * radius + 1 + SPARE, np.float32), np.empty(area, np.float32)
    blocks, pair = np.empty((count, area), np.float32), np.empty(2, np.int64)
    place = 0
    for y in rows:
        for x in columns:
            size = power_of_two(search(guide, y, x, side, radius, downs, acrosses, line))
            cut(guide, downs, acrosses, size, side, blocks)
            for pixel in range(area):
                nearest(blocks, size, pixel, pair, distances)
                found[place, pixel] = distances[pair[1]] / size
            place += 1
