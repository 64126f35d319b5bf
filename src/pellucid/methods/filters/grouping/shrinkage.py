"""One group: its transform, the gain of every coefficient, and the way back into the picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pellucid.methods.filters.compiled import Floats, compiled
from pellucid.methods.filters.grouping.search import Found
from pellucid.methods.filters.grouping.transforms import AREA, backward, forward, haar, unhaar
from pellucid.methods.filters.grouping.variance import Noise, group_variance

TINY = np.float32(1e-12)


class Basis(NamedTuple):
    """The transform of a block.

    Attributes:
        forward, inverse: (side, side) of one axis, a coefficient per line.
        fade: (64,) weight of each pixel of a block in the sums.
    """

    forward: Floats
    inverse: Floats
    fade: Floats


class Scratch(NamedTuple):
    """Room for the work on one group, by `scratch`."""

    blocks: Floats
    model: Floats
    gain: Floats
    lines: Floats
    variance: Floats
    between: Floats


@compiled
def scratch(count: int, profiles: int) -> Scratch:
    """Room for groups of at most `count` blocks, and noise of so many profiles."""
    half = max(1, count // 2)
    pairs = half * (half + 1) // 2
    return Scratch(
        np.empty((count, AREA), np.float32),
        np.empty((count, AREA), np.float32),
        np.empty(AREA, np.float32),
        np.empty((2, count * AREA), np.float32),
        np.empty((profiles, count, AREA), np.float32),
        np.empty((pairs, AREA), np.float32),
    )


@compiled
def power_of_two(number: int) -> int:
    """The largest power of two that is not above a number."""
    power = 1
    while 2 * power <= number:
        power *= 2
    return power


@compiled
def threshold(part: Floats, variance: Floats, factor: float, limits: Floats, gain: Floats) -> None:
    """The share of the limits, in factor x variance, that the power of each coefficient is above."""
    share = np.float32(1 / len(limits))
    for k in range(AREA):
        gain[k] = 0
    for limit in limits:
        least = np.float32(limit * factor)
        for k in range(AREA):
            gain[k] += share if part[k] * part[k] > least * variance[k] else np.float32(0)


@compiled
def wiener(model: Floats, variance: Floats, factor: float, limits: Floats, gain: Floats) -> None:
    """Wiener's gain of coefficients whose pilot is `model`: the mean over limits, in factor x variance."""
    share = np.float32(1 / len(limits))
    for k in range(AREA):
        gain[k] = 0
    for limit in limits:
        least = np.float32(limit * factor)
        for k in range(AREA):
            power = model[k] * model[k]
            gain[k] += share * power / (power + least * variance[k] + TINY)


@compiled
def shrink(
    planes: Floats,
    pilot: Floats,
    found: Found,
    size: int,
    basis: Basis,
    noise: Noise,
    limits: Floats,
    corner: tuple[int, int],
    room: Scratch,
    total: Floats,
    weight: Floats,
) -> None:
    """Filter the first `size` blocks of a group, and add them to sums of pixels and of weights.

    Args:
        planes: (C, T, H, W) channels that share the group.
        pilot: (C, T, H, W) estimate for Wiener's gains, or (0, T, H, W) for the hard threshold.
        found: places; size: a power of two.
        basis: transform of the blocks.
        noise: its covariances.
        limits: (N,) the gain of a coefficient is the mean over these: thresholds in variances of the noise,
            or factors on the variance in Wiener's gain.
        corner: frame and row of the picture at which the sums begin.
        room: scratch.
        total: (C, t, h, W) sums of pixels times weight times `fade`, added to.
        weight: (C, t, h, W) sums of weights at the places of the blocks, added to.
    """
    blocks, model, gain, lines, variances, between = room
    for p in range(len(noise.table)):
        group_variance(found, size, noise, p, between, variances[p])
    for c in range(len(planes)):
        forward(planes[c], found, size, basis.forward, lines, blocks)
        haar(blocks, size)
        if len(pilot) > 0:
            forward(pilot[c], found, size, basis.forward, lines, model)
            haar(model, size)
        factor, own = noise.factor[c], variances[noise.profile[c]]
        cost, level = np.float32(0), np.float32(0)
        for k in range(AREA):
            level += noise.table[noise.profile[c], 0, k]
        for b in range(size):
            part, variance = blocks[b], own[b]
            if len(pilot) > 0:
                wiener(model[b], variance, factor, limits, gain)
            else:
                threshold(part, variance, factor, limits, gain)
            for k in range(AREA):
                part[k] *= gain[k]
                cost += variance[k] * gain[k] * gain[k]
        scale = max(level * factor / AREA, TINY)
        share = scale / max(cost * factor, TINY)
        for b in range(size):
            part = blocks[b]
            for k in range(AREA):
                part[k] *= share
        unhaar(blocks, size)
        backward(blocks, found, size, basis.inverse, basis.fade, corner, lines, total[c])
        for b in range(size):
            weight[c, found.frames[b] - corner[0], found.downs[b] - corner[1], found.acrosses[b]] += share
