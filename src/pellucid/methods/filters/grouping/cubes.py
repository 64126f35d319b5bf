"""What the compiled loops are given for cubes of 4 x 4 x 4 voxels: their transform, and its covariances."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.fft import dct

from pellucid.methods.filters.compiled import Floats
from pellucid.methods.filters.grouping.shrinkage import Basis
from pellucid.methods.filters.grouping.variance import Noise

SIDE = 4
EDGES = (0, 1, 2, 3, 4, 5, 6, 8, 10)
"""displacements in pixels from which on a class of its own holds, where pixels share noise"""


@lru_cache
def basis(beta: float) -> Basis:
    """Cosines along all three axes; beta: shape of the Kaiser window of the sums."""
    line = dct(np.eye(SIDE), axis=0, norm="ortho")
    window = np.kaiser(SIDE, beta)
    fade = window[:, None, None] * window[:, None] * window
    return Basis(line.astype(np.float32), line.T.astype(np.float32), fade.reshape(-1).astype(np.float32))


def noise(kernel: Floats) -> Noise:
    """Covariances of the coefficients of cubes, for noise that pixels of a slice share, and slices do not.

    Args:
        kernel: (2L+1, 2L+1) autocovariance in a slice, lag zero in the centre; taken as symmetric.

    >>> made = noise(np.full((1, 1), 0.25, np.float32))
    >>> round(float(made.factor[0]), 6), made.table.shape, round(float(made.table[0, 0].mean()), 6)
    (0.25, (1, 125, 64), 1.0)
    """
    lags = len(kernel) // 2
    edges = (0, 1, 2, 3, 4) if lags == 0 else EDGES
    farthest = edges[-1] + SIDE + lags + 1
    shape = (2 * SIDE, 2 * farthest, 2 * farthest)
    line = basis(2.0).forward.astype(np.float64)
    atoms = np.einsum("az,by,cx->abczyx", line, line, line).reshape(SIDE**3, SIDE, SIDE, SIDE)
    power = np.abs(np.fft.fftn(atoms, shape, axes=(1, 2, 3))) ** 2
    even = (kernel + kernel[::-1] + kernel[:, ::-1] + kernel[::-1, ::-1]).astype(np.float64) / 4
    field = np.zeros(shape[1:])
    lag = np.arange(-lags, lags + 1)
    field[np.ix_(lag, lag)] = even
    spectrum = np.fft.fft2(field).real.clip(0)
    covariance = np.fft.ifftn(spectrum * power, axes=(1, 2, 3)).real
    for axis in (1, 2, 3):  # a displacement counts by its size
        covariance = (covariance + np.roll(np.flip(covariance, axis), 1, axis)) / 2
    places = np.array(edges)
    values = covariance[:, : SIDE + 1][:, :, places][..., places]
    if lags == 0:
        values[:, :, -1], values[..., -1] = 0.0, 0.0
    values[:, -1] = 0.0
    level = float(values[:, 0, 0, 0].mean())
    plain = np.moveaxis(values, 0, -1).reshape(1, -1, SIDE**3) / (level if level > 0 else 1.0)
    table: Floats = np.ascontiguousarray(plain, np.float32)
    steps = np.arange(max(edges[-1], SIDE) + 1)
    lines = (np.searchsorted(places, steps, side="right") - 1).astype(np.int64)
    return Noise(
        np.stack([np.minimum(steps, SIDE), lines, lines]).astype(np.int64),
        np.array([SIDE + 1, len(edges), len(edges)]),
        table,
        np.abs(table).max((0, 2)).astype(bool).astype(np.int64),
        np.zeros(1, np.int64),
        np.array([level], np.float32),
        np.ones(1, np.float32),
    )
