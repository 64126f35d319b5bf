"""A stage of BM3D, compiled: parts of the reference blocks, whose sums meet before the division."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import maximum_filter

from pellucid import devices
from pellucid.methods.filters.compiled import Flags, Floats, Places, compiled
from pellucid.methods.filters.grouping.search import SPARE, Window, empty, find
from pellucid.methods.filters.grouping.shrinkage import Basis, power_of_two, scratch, shrink
from pellucid.methods.filters.grouping.variance import Noise


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Which blocks are stacked.

    Attributes:
        window: in which they are looked for; it also has their size.
        step: pixels between reference blocks.
        count: blocks in a group, a power of two.
        limit: largest squared distance of a block to its reference.
        shift: rows and columns by which the reference blocks between the first and the last are moved.
    """

    window: Window
    step: int
    count: int
    limit: float
    shift: tuple[int, int] = (0, 0)


@compiled
def filtered(
    planes: Floats,
    pilot: Floats,
    guide: Floats,
    frames: Places,
    rows: Places,
    columns: Places,
    wanted: Flags,
    window: Window,
    count: int,
    limit: float,
    basis: Basis,
    noise: Noise,
    limits: Floats,
    corner: tuple[int, int],
    total: Floats,
    weight: Floats,
) -> None:
    """Group and shrink for the wanted reference blocks at frames x rows x columns: see `shrinkage.shrink`."""
    found, room = empty(count), scratch(count, len(noise.table))
    line = np.empty(2 * window.radius + 1 + 2 * SPARE, np.float32)
    for t in frames:
        for y in rows:
            for x in columns:
                if not wanted[t, y, x]:
                    continue
                size = power_of_two(find(guide, (t, y, x), window, limit, found, line))
                shrink(planes, pilot, found, size, basis, noise, limits, corner, room, total, weight)


@compiled
def faded(weight: Floats, fade: Floats, shape: tuple[int, int, int]) -> Floats:
    """Weights (C, T, H, W) at the places of blocks of a shape, spread over their pixels by `fade` (64,)."""
    depth, side, _ = shape
    channels, frames, height, width = weight.shape
    spread = np.zeros_like(weight)
    for c in range(channels):
        for t in range(frames - depth + 1):
            for y in range(height - side + 1):
                own = weight[c, t, y]
                for z in range(depth):
                    for i in range(side):
                        line = spread[c, t + z, y + i]
                        for j in range(side):
                            share = fade[(z * side + i) * side + j]
                            for x in range(width - side + 1):
                                line[x + j] += share * own[x]
    return spread


def stage(
    planes: Floats,
    pilot: Floats | None,
    groups: Groups,
    basis: Basis,
    noise: Noise,
    limits: Floats,
    *,
    where: Flags | None = None,
) -> Floats:
    """Every pixel of (C, T, H, W) as the weighted mean of what its groups make of it.

    Args:
        planes: channels that share their groups; the first of the pilot, or of these, is compared.
        pilot: first estimate, for Wiener's gains; None for the hard threshold.
        groups: which blocks.
        basis: transform of the blocks.
        noise: covariances of their coefficients.
        limits: see `shrinkage.shrink`.
        where: (T, H, W) pixels that are asked for, or None for all: only reference blocks that hold one are
            looked at, and a pixel that no group reaches comes back as it is.
    """
    given = np.ascontiguousarray(planes, np.float32)
    model = given[:0] if pilot is None else np.ascontiguousarray(pilot, np.float32)
    wide = np.pad((given if pilot is None else model)[0], ((0, 0), (0, 0), (0, SPARE)))
    window = groups.window
    wanted = np.ones(given.shape[1:], bool) if where is None else _holding(where, window.side)

    def work(
        frames: Places, rows: Places, columns: Places, corner: tuple[int, int], total: Floats, weight: Floats
    ) -> None:
        filtered(
            given, model, wide, frames, rows, columns, wanted, window, groups.count, groups.limit,
            basis, noise, limits, corner, total, weight,
        )  # fmt: skip

    return together(given.shape, groups, basis, work, rest=None if where is None else given)


def _holding(where: Flags, side: int) -> Flags:
    """(T, H, W) True at the place of every square that holds one of the pixels."""
    back = -(side // 2)  # the place is the first pixel of the square, not its middle
    return np.asarray(maximum_filter(where, (1, side, side), origin=(0, back, back), mode="constant"))


Work = Callable[[Places, Places, Places, tuple[int, int], Floats, Floats], None]
"""adds what reference blocks at frames x rows x columns make to sums and weights that begin at a corner"""


def together(
    shape: tuple[int, ...], groups: Groups, basis: Basis, work: Work, *, rest: Floats | None = None
) -> Floats:
    """All parts of a picture (C, T, H, W), on as many threads as torch may use, and the division.

    The sums of the parts are added in order, so that the number of threads changes no bit. Where no group
    reaches a pixel it is that of `rest`, which must be given where that may be.
    """
    channels, depth, height, width = shape
    window = groups.window
    frames = references(depth - window.depth + 1, groups.step if window.depth > 1 else 1)
    rows = references(height - window.side + 1, groups.step, groups.shift[0])
    columns = references(width - window.side + 1, groups.step, groups.shift[1])
    lines, slices = max(1, 2 * window.radius // groups.step), max(1, 2 * window.reach // groups.step)

    def part(which: tuple[Places, Places]) -> tuple[tuple[slice, slice], Floats, Floats]:
        some, own = which
        spans = (
            _span(some, window.reach, window.depth, depth),
            _span(own, window.radius, window.side, height),
        )
        size = (channels, spans[0].stop - spans[0].start, spans[1].stop - spans[1].start, width)
        total, weight = np.zeros(size, np.float32), np.zeros(size, np.float32)
        work(some, own, columns, (spans[0].start, spans[1].start), total, weight)
        return spans, total, weight

    total, weight = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    parts = [
        (frames[t : t + slices], rows[y : y + lines])
        for t in range(0, len(frames), slices)
        for y in range(0, len(rows), lines)
    ]
    for spans, sums, shares in devices.spread(part, parts, torch.device("cpu")):
        total[:, *spans] += sums
        weight[:, *spans] += shares
    result = total if rest is None else rest.copy()
    for c in range(channels):  # one by one, which takes less room
        (spread,) = faded(weight[c : c + 1], basis.fade, (window.depth, window.side, window.side))
        np.divide(total[c], spread, out=result[c], where=True if rest is None else spread > 0)
    return result


def _span(places: Places, reach: int, side: int, end: int) -> slice:
    """The pixels along an axis that the groups of references can touch."""
    return slice(max(0, int(places[0]) - reach), min(end, int(places[-1]) + reach + side))


def references(count: int, step: int, shift: int = 0) -> Places:
    """Positions 0, step, 2 step …, and always the last one; those between may be shifted by less than a step.

    >>> references(6, 3).tolist(), references(7, 3).tolist(), references(7, 3, 1).tolist()
    ([0, 3, 5], [0, 3, 6], [0, 1, 4, 6])
    """
    return np.unique(np.concatenate([[0], np.arange(shift, count, step), [count - 1]]))
