"""The two shrinkages of NLH, compiled: sets of like rows, by a threshold or by Wiener's gains.

The transform along the blocks is the same for every pixel, so it is made once for all of a group; whatever is
done to a set of rows is linear after the shrinkage, so that one transform back serves all sets.
"""

from __future__ import annotations

import numpy as np

from pellucid.methods.filters.compiled import Floats, Places, compiled
from pellucid.methods.filters.nlh.groups import (
    ROOT,
    SPARE,
    TINY,
    WIDEST,
    add,
    cut,
    forward,
    nearest,
    power_of_two,
    returned,
    search,
    turned,
)

W = WIDEST
NONE = np.float32(0)


@compiled
def covered(noise: Floats, rows: Places, side: int, shared: Floats, variances: Floats) -> None:
    """Variance of the noise in each Haar coefficient of a set of rows.

    Args:
        noise: (2L + 1, 2L + 1) autocovariance, lag zero in the centre; 0 beyond.
        rows: (k,) pixels of a block, k a power of two.
        side: of the block.
        shared: (k, k) scratch.
        variances: (k,) written; mean first, then the differences of halves, quarters, …
    """
    count, lags = len(rows), noise.shape[0] // 2
    for i in range(count):
        for j in range(i + 1):
            down, across = rows[i] // side - rows[j] // side, rows[i] % side - rows[j] % side
            near = abs(down) <= lags and abs(across) <= lags
            shared[i, j] = shared[j, i] = noise[lags + down, lags + across] if near else 0
    length = count
    while length > 1:  # both sides of the covariance through a level of the Haar transform
        half = length // 2
        for i in range(half):
            a, b = shared[2 * i, 2 * i], shared[2 * i + 1, 2 * i + 1]
            variances[half + i] = max((a + b) / 2 - shared[2 * i, 2 * i + 1], NONE)
        for i in range(half):
            for j in range(half):
                both = shared[2 * i, 2 * j] + shared[2 * i + 1, 2 * j + 1]
                shared[i, j] = (both + shared[2 * i, 2 * j + 1] + shared[2 * i + 1, 2 * j]) / 2
        length = half
    variances[0] = max(shared[0, 0], NONE)


@compiled
def threshold(lines: Floats, rows: Places, variances: Floats, strength: float, part: Floats) -> None:
    """Four rows through a Haar transform of the rows, the threshold, and back: two pairs of equal rows.

    The first coefficient of each row, its mean, stays as it is; so part is not written for it. The second,
    the block less its best match, is emptied, and so are the differences within the pairs.

    Args:
        lines: (m, n) rows, transformed along the blocks.
        rows: (4,) of them.
        variances: (4,) of the noise, see `covered`.
        strength: standard deviations that the least coefficient that is kept has.
        part: (2 WIDEST,) what becomes of the first pair and of the second.
    """
    first, second, third, fourth = lines[rows[0]], lines[rows[1]], lines[rows[2]], lines[rows[3]]
    half = np.float32(0.5)
    least, other_least = (
        np.float32(strength * variances[0] ** 0.5),
        np.float32(strength * variances[1] ** 0.5),
    )
    for k in range(len(first)):
        one, other = half * (first[k] + second[k]), half * (third[k] + fourth[k])
        mean, difference = one + other, one - other
        mean = mean if abs(mean) > least else NONE
        difference = difference if abs(difference) > other_least else NONE
        part[k], part[WIDEST + k] = half * (mean + difference), half * (mean - difference)
    part[1] = part[WIDEST + 1] = 0


@compiled
def wiener(part: Floats, guess: Floats, width: int, variances: Floats) -> float:
    """Eight rows through a Haar transform of the rows, Wiener's gains W = p² / (p² + v), and back: 1 / ΣW².

    Args:
        part: (8 WIDEST,) rows, transformed along the blocks; written.
        guess: the same of the pilot.
        width: how many values of each row count.
        variances: (8,) of the noise, v, see `covered`.
    """
    half, eighth = np.float32(0.5), np.float32(0.125**0.5)
    v0, v1, v2, v3 = variances[0] + TINY, variances[1] + TINY, variances[2] + TINY, variances[3] + TINY
    v4, v5, v6, v7 = variances[4] + TINY, variances[5] + TINY, variances[6] + TINY, variances[7] + TINY
    power = np.float32(0)
    for k in range(width):
        a, b, c, d = guess[k], guess[W + k], guess[2 * W + k], guess[3 * W + k]
        e, f, g, h = guess[4 * W + k], guess[5 * W + k], guess[6 * W + k], guess[7 * W + k]
        ab, cd, ef, gh = a + b, c + d, e + f, g + h
        p0, p1 = ((ab + cd + ef + gh) * eighth) ** 2, ((ab + cd - ef - gh) * eighth) ** 2
        p2, p3 = ((ab - cd) * half) ** 2, ((ef - gh) * half) ** 2
        p4, p5 = ((a - b) * ROOT) ** 2, ((c - d) * ROOT) ** 2
        p6, p7 = ((e - f) * ROOT) ** 2, ((g - h) * ROOT) ** 2
        p0, p1, p2, p3 = p0 / (p0 + v0), p1 / (p1 + v1), p2 / (p2 + v2), p3 / (p3 + v3)
        p4, p5, p6, p7 = p4 / (p4 + v4), p5 / (p5 + v5), p6 / (p6 + v6), p7 / (p7 + v7)
        power += p0**2 + p1**2 + p2**2 + p3**2 + p4**2 + p5**2 + p6**2 + p7**2
        a, b, c, d = part[k], part[W + k], part[2 * W + k], part[3 * W + k]
        e, f, g, h = part[4 * W + k], part[5 * W + k], part[6 * W + k], part[7 * W + k]
        ab, cd, ef, gh = a + b, c + d, e + f, g + h
        p0, p1 = p0 * (ab + cd + ef + gh) * eighth**2, p1 * (ab + cd - ef - gh) * eighth**2
        p2, p3 = p2 * (ab - cd) * half**2, p3 * (ef - gh) * half**2
        p4, p5, p6, p7 = p4 * (a - b) * half, p5 * (c - d) * half, p6 * (e - f) * half, p7 * (g - h) * half
        ab, cd, ef, gh = p0 + p1 + p2, p0 + p1 - p2, p0 - p1 + p3, p0 - p1 - p3
        part[k], part[W + k], part[2 * W + k], part[3 * W + k] = ab + p4, ab - p4, cd + p5, cd - p5
        part[4 * W + k], part[5 * W + k] = ef + p6, ef - p6
        part[6 * W + k], part[7 * W + k] = gh + p7, gh - p7
    return float(1 / max(power, TINY))


@compiled
def thresholded(
    planes: Floats,
    guide: Floats,
    rows: Places,
    columns: Places,
    side: int,
    radius: int,
    count: int,
    noise: Floats,
    strength: float,
    top: int,
    total: Floats,
    weight: Floats,
) -> None:
    """First stage for the reference blocks at rows × columns: sums of pixels and how many they are of.

    Args:
        planes: (P, H, W); rows are compared in the first plane.
        guide: (H, W + SPARE) in which blocks are compared.
        rows, columns: of the reference blocks.
        side, radius, count: side of a block, search radius, blocks in a group (at most WIDEST).
        noise: (P, 2L + 1, 2L + 1) autocovariance of each plane.
        strength: threshold in standard deviations.
        top: line of the picture on which the sums begin.
        total, weight: (P, h, W), added to.
    """
    depth, area = len(planes), side * side
    downs, acrosses = np.empty(count, np.int64), np.empty(count, np.int64)
    line, distances = np.empty(2 * radius + 1 + SPARE, np.float32), np.empty(area, np.float32)
    luma, blocks = np.empty((count, area), np.float32), np.empty((count, area), np.float32)
    lines, sums = np.empty((depth, area, count), np.float32), np.empty((depth, area, count), np.float32)
    part, chosen = np.empty(2 * WIDEST, np.float32), np.empty(4, np.int64)
    hits, variances, shared = (
        np.empty(area, np.float32),
        np.empty(4, np.float32),
        np.empty((4, 4), np.float32),
    )
    for y in rows:
        for x in columns:
            size = power_of_two(search(guide, y, x, side, radius, downs, acrosses, line))
            cut(planes[0], downs, acrosses, size, side, luma)
            for c in range(depth):
                cut(planes[c], downs, acrosses, size, side, blocks)
                forward(blocks, size)
                turned(blocks, size, 1.0, lines[c])
            sums[:] = 0
            hits[:] = 0
            for pixel in range(area):
                if hits[pixel] > 0:
                    continue
                nearest(luma, size, pixel, chosen, distances)
                for r in range(4):
                    hits[chosen[r]] += 1
                for c in range(depth):
                    covered(noise[c], chosen, side, shared, variances)
                    threshold(lines[c], chosen, variances, strength, part)
                    for r in range(4):
                        own, start = sums[c, chosen[r]], r // 2 * WIDEST
                        for j in range(count):
                            own[j] += part[start + j]
            for c in range(depth):
                for p in range(area):
                    sums[c, p, 0] = hits[p] * lines[c, p, 0]
                returned(sums[c], downs, acrosses, size, side, top, blocks, total[c])
            for j in range(size):
                blocks[j] = hits
            for c in range(depth):
                add(blocks, downs, acrosses, size, side, top, weight[c])


@compiled
def weighed(
    planes: Floats,
    pilot: Floats,
    guide: Floats,
    rows: Places,
    columns: Places,
    side: int,
    radius: int,
    count: int,
    noise: Floats,
    gain: float,
    top: int,
    total: Floats,
    weight: Floats,
) -> None:
    """Second stage for the reference blocks at rows × columns: weighted sums of pixels, and the weights.

    Args:
        planes: (P, H, W).
        pilot: (P, H, W) earlier estimate; rows are compared in its first plane.
        guide, rows, columns, side, radius, count, top: as for `thresholded`.
        noise: (P, 2L + 1, 2L + 1) autocovariance of each plane.
        gain: factor on the pilot.
        total, weight: (P, h, W), added to.
    """
    depth, area = len(planes), side * side
    downs, acrosses = np.empty(count, np.int64), np.empty(count, np.int64)
    line, distances = np.empty(2 * radius + 1 + SPARE, np.float32), np.empty(area, np.float32)
    luma, blocks = np.empty((count, area), np.float32), np.empty((count, area), np.float32)
    lines, known = np.empty((depth, area, count), np.float32), np.empty((depth, area, count), np.float32)
    sums, shares = np.empty((depth, area, count), np.float32), np.empty((depth, area), np.float32)
    part, guess = np.empty(8 * WIDEST, np.float32), np.empty(8 * WIDEST, np.float32)
    chosen, taken = np.empty(8, np.int64), np.empty(area, np.bool_)
    variances, shared = np.empty(8, np.float32), np.empty((8, 8), np.float32)
    for y in rows:
        for x in columns:
            size = power_of_two(search(guide, y, x, side, radius, downs, acrosses, line))
            cut(pilot[0], downs, acrosses, size, side, luma)
            for c in range(depth):
                cut(pilot[c], downs, acrosses, size, side, blocks)
                forward(blocks, size)
                turned(blocks, size, gain, known[c])
                cut(planes[c], downs, acrosses, size, side, blocks)
                forward(blocks, size)
                turned(blocks, size, 1.0, lines[c])
            sums[:] = 0
            shares[:] = 0
            taken[:] = False
            for pixel in range(area):
                if taken[pixel]:
                    continue
                nearest(luma, size, pixel, chosen, distances)
                for r in range(8):
                    taken[chosen[r]] = True
                for c in range(depth):
                    for r in range(8):
                        row, other = lines[c, chosen[r]], known[c, chosen[r]]
                        for j in range(size):
                            part[r * W + j], guess[r * W + j] = row[j], other[j]
                    covered(noise[c], chosen, side, shared, variances)
                    share = np.float32(wiener(part, guess, size, variances))
                    for r in range(8):
                        own = sums[c, chosen[r]]
                        shares[c, chosen[r]] += share
                        for j in range(size):
                            own[j] += share * part[r * W + j]
            for c in range(depth):
                returned(sums[c], downs, acrosses, size, side, top, blocks, total[c])
                for j in range(size):
                    blocks[j] = shares[c]
                add(blocks, downs, acrosses, size, side, top, weight[c])
