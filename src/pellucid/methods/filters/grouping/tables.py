"""What the compiled loops are given: the transform of a block, and the covariances of its coefficients."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pellucid.methods.filters import blocks
from pellucid.methods.filters.blocks import AREA
from pellucid.methods.filters.compiled import Floats
from pellucid.methods.filters.grouping.shrinkage import Basis
from pellucid.methods.filters.grouping.variance import Noise
from pellucid.methods.filters.variance import Covariances

ALIKE = 1e-5
"""how far two profiles of unit mean may lie apart and be taken for one"""


@lru_cache
def basis(transform: str, beta: float) -> Basis:
    """The transform of squares of 8 x 8 pixels.

    Args:
        transform: name for `blocks.line`; beta: shape of the Kaiser window of the sums.
    """
    line = blocks.line(transform)
    fade = blocks.window(beta).numpy().reshape(-1)
    return Basis(line.astype(np.float32), np.linalg.inv(line).astype(np.float32), fade)


def noise(known: Covariances, channels: int) -> Noise:
    """Covariances of squares in one picture; channels whose noise differs in strength only share a profile.

    >>> import torch
    >>> from pellucid.methods.filters.variance import covariances
    >>> made = noise(covariances(torch.tensor([0.1, 0.4]).view(2, 1, 1), "dct", 10), 2)
    >>> made.table.shape, made.profile.tolist(), made.factor.round(3).tolist()
    ((1, 81, 64), [0, 0], [0.10000000149011612, 0.4000000059604645])
    """
    values = known.values.cpu().numpy().reshape(-1, channels, AREA).transpose(1, 0, 2)
    level = values[:, 0].mean(1)
    own = values / np.where(level > 0, level, 1)[:, None, None]
    profiles: list[Floats] = []
    profile = np.zeros(channels, np.int64)
    for c in range(channels):
        alike = [i for i, other in enumerate(profiles) if np.abs(other - own[c]).max() <= ALIKE]
        profile[c] = alike[0] if alike else len(profiles)
        if not alike:
            profiles.append(own[c])
    table = np.ascontiguousarray(np.stack(profiles), np.float32)
    lines = known.classes.cpu().numpy().astype(np.int64)
    side = round(table.shape[1] ** 0.5)
    return Noise(
        np.stack([np.zeros_like(lines), lines, lines]),
        np.array([1, side, side]),
        table,
        np.abs(table).max((0, 2)).astype(bool).astype(np.int64),
        profile,
        level.astype(np.float32),
        np.ones(1, np.float32),
    )


def of_film(known: Noise, levels: Floats) -> Noise:
    """The covariances of squares in a film, whose frames share no noise.

    Args:
        known: of one frame.
        levels: (T,) level of the noise of each frame over that.
    """
    bins = known.table.shape[1]
    classes = known.classes.copy()
    classes[0, 1:] = 1
    apart = np.zeros_like(known.table)
    return known._replace(
        classes=classes,
        sides=np.array([2, *known.sides[1:]]),
        table=np.concatenate([known.table, apart], 1),
        shared=np.append(known.shared, np.zeros(bins, np.int64)),
        level=np.ascontiguousarray(levels, np.float32),
    )
