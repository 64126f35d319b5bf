"""The noise variance of the coefficients of a group, overlap and correlation between its blocks included.

See `pellucid.methods.filters.variance` for the formula. Here both sides of the covariance of the blocks of a
group go through one level of the Haar transform after the other, so that each pair of blocks is looked up
once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pellucid.methods.filters.compiled import Floats, Places, compiled
from pellucid.methods.filters.grouping.search import Found
from pellucid.methods.filters.grouping.transforms import AREA

ZERO, HALF = np.float32(0), np.float32(0.5)


class Noise(NamedTuple):
    """Covariance of the coefficients of two blocks, by displacement.

    Attributes:
        classes: (3, n) class of a displacement of 0, 1, 2 … along frames, rows and columns; farther ones are
            of the last class.
        sides: (3,) how many classes each axis has.
        table: (P, classes, 64) covariances, the classes of the three axes row-major; P profiles.
        shared: (classes,) 0 where all of them are 0.
        profile: (C,) which of them is that of a channel.
        factor: (C,) what it is multiplied by.
        level: (T,) by how much the noise of a frame is stronger than that, as a standard deviation; the last
            one is that of all further frames.
    """

    classes: Places
    sides: Places
    table: Floats
    shared: Places
    profile: Places
    factor: Floats
    level: Floats


@compiled
def level_of(found: Found, one: int, noise: Noise) -> np.float32:
    """The level of the noise of a block."""
    level: np.float32 = noise.level[min(found.frames[one], len(noise.level) - 1)]
    return level


@compiled
def pair(found: Found, one: int, other: int, noise: Noise) -> int:
    """The class of the displacement between two blocks of a group."""
    last = noise.classes.shape[1] - 1
    t = noise.classes[0, min(abs(found.frames[one] - found.frames[other]), last)]
    y = noise.classes[1, min(abs(found.downs[one] - found.downs[other]), last)]
    x = noise.classes[2, min(abs(found.acrosses[one] - found.acrosses[other]), last)]
    return int((t * noise.sides[1] + y) * noise.sides[2] + x)


@compiled
def group_variance(
    found: Found, size: int, noise: Noise, profile: int, between: Floats, variance: Floats
) -> None:
    """Variance of the noise in each Haar coefficient of a group, in the order of `transforms.haar`.

    Args:
        found: places of the blocks, of which the first `size`, a power of two, count.
        noise: its covariances; profile: which of them.
        between: (m (m + 1) / 2, 64) scratch, m half of all blocks: pairs a >= b of them, row-major.
        variance: (n, 64) written.
    """
    table = noise.table[profile]
    own = table[0]
    if size == 1:
        square = level_of(found, 0, noise) ** 2
        for k in range(AREA):
            variance[0, k] = own[k] * square
        return
    length, step = size // 2, 2
    for a in range(length):
        p, q = level_of(found, 2 * a, noise), level_of(found, 2 * a + 1, noise)
        for b in range(a + 1):
            mine = between[a * (a + 1) // 2 + b]
            if a == b:
                c, other = table[pair(found, 2 * a, 2 * a + 1, noise)], variance[2 * a + 1]
                mean, cross = (p * p + q * q) * HALF, p * q
                for k in range(AREA):
                    mine[k], other[k] = mean * own[k] + cross * c[k], max(mean * own[k] - cross * c[k], ZERO)
                continue
            r, s = level_of(found, 2 * b, noise), level_of(found, 2 * b + 1, noise)
            one, two = pair(found, 2 * a, 2 * b, noise), pair(found, 2 * a, 2 * b + 1, noise)
            three, four = pair(found, 2 * a + 1, 2 * b, noise), pair(found, 2 * a + 1, 2 * b + 1, noise)
            if noise.shared[one] | noise.shared[two] | noise.shared[three] | noise.shared[four]:
                c, d, e, f = table[one], table[two], table[three], table[four]
                pr, ps, qr, qs = HALF * p * r, HALF * p * s, HALF * q * r, HALF * q * s
                for k in range(AREA):
                    mine[k] = (pr * c[k] + ps * d[k]) + (qr * e[k] + qs * f[k])
            else:
                for k in range(AREA):
                    mine[k] = ZERO
    while length > 1:
        length //= 2
        for a in range(length):
            for b in range(a + 1):
                upper, lower = a * (2 * a + 1) + 2 * b, (2 * a + 1) * (a + 1) + 2 * b
                mine = between[a * (a + 1) // 2 + b]
                first, third, fourth = between[upper], between[lower], between[lower + 1]
                if a == b:
                    other = variance[(2 * a + 1) * step]
                    for k in range(AREA):
                        mean, cross = (first[k] + fourth[k]) * HALF, third[k]
                        mine[k], other[k] = mean + cross, max(mean - cross, ZERO)
                    continue
                second = between[upper + 1]
                for k in range(AREA):
                    mine[k] = ((first[k] + second[k]) + (third[k] + fourth[k])) * HALF
        step *= 2
    for k in range(AREA):
        variance[0, k] = max(between[0, k], ZERO)
