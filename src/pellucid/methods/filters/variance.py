"""The noise variance of BM3D's 3-D coefficients, overlap and correlation between the blocks of a group
included.

Blocks of a group often overlap, and correlated noise reaches from one block into the next. Their noise is
then shared, and the Haar transform along the group piles it up in some coefficients and cancels it in
others. With c_k(d) the covariance of coefficient k between two blocks displaced by d, the variance of the
    j-th Haar coefficient is var_jk = sum_ii' H_ji H_ji' c_k(p_i - p_i')
(Makinen, Azzari, Foi, "Collaborative filtering of correlated noise", IEEE TIP 2020, section III).
Displacements fall into few classes, so the sum becomes a histogram of weights per group and one matrix
product with a small table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from pellucid.methods.filters.blocks import SIDE, haar, line

WHITE_EDGES = (0, 1, 2, 3, 4, 5, 6, 7, 8)
WIDE_EDGES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 19, 24)


@dataclass(frozen=True)
class Covariances:
    """Covariance of block coefficients by displacement.

    Attributes:
        classes: (reach,) class of a displacement of 0, 1, 2 … pixels along one axis.
        values: (number of classes squared, C * 64) covariance for each pair of classes (down, across).
    """

    classes: Tensor
    values: Tensor

    @property
    def variance(self) -> Tensor:
        """Variance of each coefficient of a single block, (C * 64,)."""
        return self.values[0]


def covariances(kernel: Tensor, transform: str, reach: int) -> Covariances:
    """Covariances of block coefficients for noise of a given autocovariance.

    Args:
        kernel: (C, 2L+1, 2L+1) autocovariance of the noise of each channel, lag zero in the centre; it is
            taken as symmetric in each axis.
        transform: name for `blocks.basis`.
        reach: largest displacement between two blocks of a group, in pixels.

    >>> c = covariances(torch.full((1, 1, 1), 0.25), "dct", 10)
    >>> [round(float(v), 4) for v in c.variance[:3]]
    [0.25, 0.25, 0.25]
    """
    edges = [e for e in (WHITE_EDGES if kernel.shape[-1] == 1 else WIDE_EDGES) if e <= reach]
    lags = kernel.shape[-1] // 2
    size = 2 * (reach + SIDE + lags + 1)
    even = (kernel + kernel.flip(-1) + kernel.flip(-2) + kernel.flip(-1, -2)).double().cpu() / 4
    field = torch.zeros(kernel.shape[0], size, size, dtype=torch.float64)
    lag = torch.arange(-lags, lags + 1) % size
    field[:, lag[:, None], lag[None]] = even
    possible = torch.fft.ifft2(torch.fft.fft2(field).real.clamp_min(0)).real
    classes = torch.from_numpy(np.searchsorted(edges, np.arange(reach + 1), side="right") - 1)
    middle = torch.tensor(
        [int(np.round(np.mean(np.flatnonzero(classes.numpy() == k)))) for k in range(len(edges))]
    )
    # an atom is a product of two lines, and so is its autocorrelation: one product from either side
    shifts = (torch.arange(1 - SIDE, SIDE) - middle[:, None]) % size
    near = possible[:, shifts.view(-1, 1), shifts.view(1, -1)]
    near = near.view(-1, len(edges), 2 * SIDE - 1, len(edges), 2 * SIDE - 1)
    lines = _autocorrelations(transform)
    values = torch.einsum("iy,caybx,jx->abcij", lines, near, lines)
    if lags == 0:
        values[-1] = 0.0
        values[:, -1] = 0.0
    table = values.reshape(len(edges) ** 2, -1)
    return Covariances(classes.to(kernel.device), table.float().to(kernel.device))


@lru_cache
def _autocorrelations(transform: str) -> Tensor:
    """(8, 15) autocorrelation of each line of a transform, lag zero in the middle."""
    rows = torch.from_numpy(line(transform))
    return torch.stack([torch.from_numpy(np.correlate(row, row, "full")) for row in rows.numpy()])


@lru_cache
def _pairs(size: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Pairs of blocks (first, second), and for every Haar row the pairs it uses: (row, pair, weight)."""
    matrix = haar(size)
    first, second = torch.triu_indices(size, size, 1)
    product = 2 * matrix[:, first] * matrix[:, second]
    row, pair = product.nonzero(as_tuple=True)
    return first, second, row, pair, product[row, pair]


def group_variance(rows: Tensor, columns: Tensor, known: Covariances) -> Tensor:
    """Noise variance of the Haar coefficients of groups of blocks.

    Args:
        rows, columns: (R, K) positions of the blocks of R groups; K a power of two.
        known: covariances by displacement.

    Returns:
        (R, K, C * 64) variances.

    >>> c = covariances(torch.ones(1, 1, 1), "dct", 10)
    >>> group_variance(torch.tensor([[0, 0]]), torch.tensor([[0, 9]]), c)[0, :, 0].round(decimals=4)
    tensor([1., 1.])
    >>> group_variance(torch.tensor([[0, 0]]), torch.tensor([[0, 0]]), c)[0, :, 0].round(decimals=4)
    tensor([2., 0.])
    """
    groups, size = rows.shape
    if size == 1:
        return known.variance.repeat(groups, 1, 1)
    first, second, row, pair, weight = (t.to(rows.device) for t in _pairs(size))
    bins = known.values.shape[0]
    side = int(bins**0.5)
    down = known.classes[(rows[:, first] - rows[:, second]).abs()]
    across = known.classes[(columns[:, first] - columns[:, second]).abs()]
    index = (down * side + across)[:, pair] + row * bins
    histogram = known.values.new_zeros(groups, size * bins)
    histogram[:, ::bins] = 1.0
    histogram.scatter_add_(1, index, weight.expand(groups, -1))
    return (histogram.view(-1, bins) @ known.values).view(groups, size, -1).clamp_min(0.0)
