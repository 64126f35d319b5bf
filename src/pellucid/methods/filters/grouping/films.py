"""A stage of V-BM3D, compiled: groups that reach over the frames of a film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.methods.filters.compiled import Floats, Places, compiled
from pellucid.methods.filters.grouping import passes
from pellucid.methods.filters.grouping.predictive import Prediction, predict
from pellucid.methods.filters.grouping.search import SPARE, Window, empty
from pellucid.methods.filters.grouping.shrinkage import Basis, power_of_two, scratch, shrink
from pellucid.methods.filters.grouping.variance import Noise

SIDE = 8


@dataclass(frozen=True, kw_only=True)
class Follow:
    """Which blocks of a film are stacked.

    Attributes:
        where: they are looked for.
        pans: (T, 2) movement of the whole picture since the first frame, pixels down and to the right.
        step: pixels between reference blocks.
        count: blocks in a group, a power of two.
        limit: largest squared distance of a block to its reference.
    """

    where: Prediction
    pans: Places
    step: int
    count: int
    limit: float

    @property
    def farthest(self) -> int:
        """Pixels down or to the right, at most, between a block and another of its group."""
        reach, pans = self.where.reach, self.pans
        moved = max(
            (
                int(np.abs(pans[k:] - pans[:-k]).max(initial=0))
                for k in range(1, min(reach, len(pans) - 1) + 1)
            ),
            default=0,
        )
        return self.where.radius + reach * self.where.near + moved


@compiled
def filtered(
    planes: Floats,
    pilot: Floats,
    guide: Floats,
    frames: Places,
    rows: Places,
    columns: Places,
    where: Prediction,
    pans: Places,
    count: int,
    limit: float,
    basis: Basis,
    noise: Noise,
    limits: Floats,
    corner: tuple[int, int],
    total: Floats,
    weight: Floats,
) -> None:
    """Group and shrink for the reference blocks at frames x rows x columns: see `shrinkage.shrink`."""
    found, room = empty(count), scratch(count, len(noise.table))
    best, own = empty(where.best + 1), empty(where.best + 1)
    for t in frames:
        for y in rows:
            for x in columns:
                size = power_of_two(predict(guide, pans, (t, y, x), where, limit, found, best, own))
                shrink(planes, pilot, found, size, basis, noise, limits, corner, room, total, weight)


def stage(
    planes: Floats,
    pilot: Floats | None,
    guide: Floats | None,
    follow: Follow,
    basis: Basis,
    noise: Noise,
    limits: Floats,
) -> Floats:
    """Every pixel of a film (C, T, H, W) as the weighted mean of what its groups make of it.

    Args:
        planes: channels that share their groups.
        pilot: first estimate, for Wiener's gains; None for the hard threshold.
        guide: (T, H, W) in which blocks are compared; None for the first channel of the pilot or film.
        follow: which blocks.
        basis: transform of the blocks.
        noise: covariances of their coefficients.
        limits: see `shrinkage.shrink`.
    """
    given = np.ascontiguousarray(planes, np.float32)
    model = given[:0] if pilot is None else np.ascontiguousarray(pilot, np.float32)
    compared = (given if pilot is None else model)[0] if guide is None else guide
    wide = np.pad(compared, ((0, 0), (0, 0), (0, SPARE)))
    groups = passes.Groups(
        window=Window(1, SIDE, follow.where.reach, follow.farthest, 1),
        step=follow.step,
        count=follow.count,
        limit=follow.limit,
    )

    def work(
        frames: Places, rows: Places, columns: Places, corner: tuple[int, int], total: Floats, weight: Floats
    ) -> None:
        filtered(
            given, model, wide, frames, rows, columns, follow.where, follow.pans, follow.count, follow.limit,
            basis, noise, limits, corner, total, weight,
        )  # fmt: skip

    return passes.together(given.shape, groups, basis, work)
