"""The level of the noise as NLH reads it: how far the rows of similar blocks lie from their nearest row."""

from __future__ import annotations

import numpy as np
import torch

from pellucid.methods.filters.compiled import Floats
from pellucid.methods.filters.nlh import groups
from pellucid.methods.filters.nlh.groups import SPARE
from pellucid.methods.filters.nlh.passes import references

SIDE, STEP, RADIUS, COUNT = 8, 32, 19, 16
NEARER = 0.8
"""distance of a row to its nearest, over the standard deviation of the noise"""
CALM = 0.000174 * 255**2 / COUNT
"""blocks count whose mean squared distance is at most this times the variance of the noise; it is 0.64 times
that where there is nothing but noise"""


def level(guide: torch.Tensor) -> float:
    """Standard deviation of the noise in a plane (H, W) of contrast 1; right for white noise only.

        sigma = mean sqrt(d) / 0.8,   d = least mean square of (row - other row),

    over all rows of the blocks on a grid, then twice over the calmer of them.

    Source: Hou and others, "NLH", IEEE TIP 2020.

    >>> noise = 0.1 * torch.randn(96, 96, generator=torch.Generator().manual_seed(0))
    >>> 0.09 < level(noise) < 0.11
    True
    """
    plane = guide.detach().cpu().numpy().astype(np.float32)
    height, width = plane.shape
    if min(height, width) < SIDE:
        return 0.0
    rows, columns = references(height - SIDE + 1, STEP), references(width - SIDE + 1, STEP)
    found = np.zeros((len(rows) * len(columns), SIDE * SIDE), np.float32)
    wide = np.pad(plane, ((0, 0), (0, SPARE)))
    groups.row_distances(wide, rows, columns, SIDE, RADIUS, COUNT, found)
    sigma = _mean(found)
    for _ in range(2):
        grey = 255 * sigma
        factor = 0.95 if grey < 20 else 1.0 if grey <= 50 else 1.05
        calm = found.mean(1) <= factor * CALM * sigma**2
        if calm.any():
            sigma = _mean(found[calm])
    return sigma


def _mean(found: Floats) -> float:
    return float(np.sqrt(found).mean(dtype=np.float64)) / NEARER
