"""Groups of blocks (n, 64), one block per line: cut out, transformed both ways, added to a picture.

A block is depth x side x side pixels, 1 x 8 x 8 or 4 x 4 x 4, row-major in its line.
"""

from __future__ import annotations

import numpy as np

from pellucid.methods.filters.compiled import Floats, compiled
from pellucid.methods.filters.grouping.search import Found

AREA = 64
"""pixels of a block"""
ROOT = np.float32(0.5**0.5)


@compiled
def along_squares(m: Floats, given: Floats, length: int, made: Floats) -> None:
    """A matrix (8, 8) along the first axis of lines (8, length), each as long as all blocks are together."""
    n = length
    x0, x1, x2, x3 = given[:n], given[n : 2 * n], given[2 * n : 3 * n], given[3 * n : 4 * n]
    x4, x5, x6, x7 = given[4 * n : 5 * n], given[5 * n : 6 * n], given[6 * n : 7 * n], given[7 * n : 8 * n]
    for i in range(8):
        a0, a1, a2, a3, a4, a5, a6, a7 = (
            m[i, 0],
            m[i, 1],
            m[i, 2],
            m[i, 3],
            m[i, 4],
            m[i, 5],
            m[i, 6],
            m[i, 7],
        )
        out = made[i * n : (i + 1) * n]
        for q in range(n):
            one, two = a0 * x0[q] + a1 * x1[q], a2 * x2[q] + a3 * x3[q]
            out[q] = (one + two) + ((a4 * x4[q] + a5 * x5[q]) + (a6 * x6[q] + a7 * x7[q]))


@compiled
def turn_squares(given: Floats, size: int, made: Floats) -> None:
    """Lines by the second axis of each square instead of the first: (i, block, j) to (j, block, i)."""
    for i in range(8):
        for b in range(size):
            start, place = (i * size + b) * 8, b * 8 + i
            for j in range(8):
                made[place + j * size * 8] = given[start + j]


@compiled
def along_cubes(m: Floats, given: Floats, length: int, made: Floats) -> None:
    """A matrix (4, 4) along the first axis of lines (4, length), each as long as all blocks are together."""
    n = length
    x0, x1, x2, x3 = given[:n], given[n : 2 * n], given[2 * n : 3 * n], given[3 * n : 4 * n]
    for i in range(4):
        a0, a1, a2, a3 = m[i, 0], m[i, 1], m[i, 2], m[i, 3]
        out = made[i * n : (i + 1) * n]
        for q in range(n):
            out[q] = (a0 * x0[q] + a1 * x1[q]) + (a2 * x2[q] + a3 * x3[q])


@compiled
def turn_cubes(given: Floats, size: int, made: Floats) -> None:
    """Lines by the second axis of each cube instead of the first: (i, block, j, k) to (j, block, k, i)."""
    for i in range(4):
        for b in range(size):
            start, place = (i * size + b) * 16, b * 16 + i
            for j in range(4):
                for k in range(4):
                    made[place + j * size * 16 + 4 * k] = given[start + 4 * j + k]


@compiled
def separable(matrix: Floats, size: int, scratch: Floats) -> None:
    """A matrix along all axes of `size` blocks, which lie in scratch[0] as (i, block, j …)."""
    given, made = scratch[0], scratch[1]
    if len(matrix) == 8:
        for _ in range(2):
            along_squares(matrix, given, 8 * size, made)
            turn_squares(made, size, given)
    else:
        for _ in range(3):
            along_cubes(matrix, given, 16 * size, made)
            turn_cubes(made, size, given)


@compiled
def forward(
    picture: Floats, found: Found, size: int, matrix: Floats, scratch: Floats, blocks: Floats
) -> None:
    """The coefficients (n, 64) of the first `size` blocks of a picture (T, H, W).

    Args:
        picture: they are cut from it.
        found: their places.
        matrix: (side, side) of one axis, a coefficient per line.
        scratch: (2, 64 n).
        blocks: written.
    """
    side = len(matrix)
    rest = AREA // side
    given = scratch[0]
    for b in range(size):
        t, y, x = found.frames[b], found.downs[b], found.acrosses[b]
        if side == 8:
            for i in range(8):
                line, start = picture[t, y + i, x : x + 8], (i * size + b) * 8
                for j in range(8):
                    given[start + j] = line[j]
        else:
            for z in range(4):
                for i in range(4):
                    line, start = picture[t + z, y + i, x : x + 4], (z * size + b) * 16 + i * 4
                    for j in range(4):
                        given[start + j] = line[j]
    separable(matrix, size, scratch)
    for b in range(size):
        own = blocks[b]
        for i in range(side):
            start = (i * size + b) * rest
            for q in range(rest):
                own[i * rest + q] = given[start + q]


@compiled
def backward(
    blocks: Floats,
    found: Found,
    size: int,
    matrix: Floats,
    fade: Floats,
    corner: tuple[int, int],
    scratch: Floats,
    total: Floats,
) -> None:
    """Add blocks, of which there are coefficients (n, 64), to sums (t, h, W).

    Args:
        blocks: coefficients of the first `size` blocks.
        found: their places.
        matrix: (side, side) the inverse of one axis.
        fade: (64,) weight of each pixel of a block.
        corner: frame and row of the picture at which the sums begin.
        scratch: (2, 64 n).
        total: added to.
    """
    side = len(matrix)
    rest = AREA // side
    given = scratch[0]
    for b in range(size):
        own = blocks[b]
        for i in range(side):
            start = (i * size + b) * rest
            for q in range(rest):
                given[start + q] = own[i * rest + q]
    separable(matrix, size, scratch)
    for b in range(size):
        t, y, x = found.frames[b] - corner[0], found.downs[b] - corner[1], found.acrosses[b]
        if side == 8:
            for i in range(8):
                line, start = total[t, y + i, x : x + 8], (i * size + b) * 8
                for j in range(8):
                    line[j] += fade[8 * i + j] * given[start + j]
        else:
            for z in range(4):
                for i in range(4):
                    line, start = total[t + z, y + i, x : x + 4], (z * size + b) * 16 + i * 4
                    for j in range(4):
                        line[j] += fade[16 * z + 4 * i + j] * given[start + j]


@compiled
def haar(blocks: Floats, size: int) -> None:
    """Orthonormal Haar transform along the first `size` (a power of two) lines, in place.

    Line 0 becomes the mean, line 1 the difference of the first two.
    """
    step = 1
    while step < size:
        for i in range(0, size, 2 * step):
            first, second = blocks[i], blocks[i + step]
            for k in range(AREA):
                mean, difference = (first[k] + second[k]) * ROOT, (first[k] - second[k]) * ROOT
                first[k], second[k] = mean, difference
        step *= 2


@compiled
def unhaar(blocks: Floats, size: int) -> None:
    """The inverse of `haar`, by the same steps from the end."""
    step = size // 2
    while step > 0:
        for i in range(0, size, 2 * step):
            first, second = blocks[i], blocks[i + step]
            for k in range(AREA):
                one, other = (first[k] + second[k]) * ROOT, (first[k] - second[k]) * ROOT
                first[k], second[k] = one, other
        step //= 2
