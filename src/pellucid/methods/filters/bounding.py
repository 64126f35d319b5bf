"""No pixel whose noise is its own loses more than that noise can have given it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from pellucid import devices

AROUND = 16
"""side in pixels of the squares on which the level of what was removed is looked at"""
STRONGER = 3.0
"""by which factor the noise of a place may exceed its level"""
NORMAL = 0.6745
"""median size of a standard normal variable"""
STRIP = 64
"""rows that are worked on at once"""


def bounded(noisy: Tensor, estimate: Tensor, sigma: Tensor, *, most: float, source: float) -> Tensor:
    """The estimate (C, H, W) where no more than `most` deviations of the noise are taken off a pixel.

    Strips of rows stay in the processor's cache, which a large picture does not.

    Args:
        noisy: (C, H, W).
        estimate: the same shape.
        sigma: (C, 1, 1) level of the noise.
        most: standard deviations.
        source: how far a pixel must rise above those around it, in standard deviations, to be taken for a
            source, as a star: of one that does so by two more no more than one is taken off.
    """
    around = _around(noisy - estimate)
    bounded = torch.empty_like(noisy)
    height = noisy.shape[1]

    def strip(top: int) -> None:
        rows = slice(top, min(top + STRIP, height))
        wide = slice(max(top - 1, 0), rows.stop + 1)  # a pixel needs those beside it
        level = around[:, wide].clamp(sigma, STRONGER * sigma)
        limit = _most(noisy[:, wide] / level.clamp_min(1e-12), most, source) * level
        limit = limit[:, top - wide.start :][:, : rows.stop - top]
        given = noisy[:, rows]
        bounded[:, rows] = given - (given - estimate[:, rows]).clamp(-limit, limit)

    for _ in devices.spread(strip, range(0, height, STRIP), noisy.device):
        pass
    return bounded


def _around(removed: Tensor) -> Tensor:
    """Standard deviation of what was removed around each pixel, (C, H, W), as its median size tells.

    Few pixels of a star do not show in it, noise that is stronger here than elsewhere does.
    """
    height, width = removed.shape[-2:]
    side = min(AROUND, height, width)
    grid = removed.abs().unfold(1, side, max(side // 2, 1)).unfold(2, side, max(side // 2, 1))
    rows = devices.spread(
        lambda i: grid[:, i].flatten(2).median(-1).values, range(grid.shape[1]), removed.device
    )
    level = torch.stack(list(rows), 1) / NORMAL
    return interpolate(level[None], size=(height, width), mode="bilinear", align_corners=False)[0]


def _middle_of_nine(planes: Tensor) -> Tensor:
    """Median of 3 x 3 pixels of (C, H, W), mirrored at the border.

    The three of each column are sorted; the median of all is that of the largest least, the median middle
    and the least largest one.

    >>> planes = torch.randn(2, 9, 8, generator=torch.Generator().manual_seed(0))
    >>> from scipy.ndimage import median_filter
    >>> bool((_middle_of_nine(planes).numpy() == median_filter(planes.numpy(), (1, 3, 3))).all())
    True
    """
    framed = pad(planes[None], (1, 1, 1, 1), mode="replicate")[0]  # as mirrored with the edge, one pixel wide
    low, middle, high = _sorted(framed[:, :-2], framed[:, 1:-1], framed[:, 2:])
    beside = [(part[..., :-2], part[..., 1:-1], part[..., 2:]) for part in (low, middle, high)]
    least = torch.maximum(torch.maximum(*beside[0][:2]), beside[0][2])
    most = torch.minimum(torch.minimum(*beside[2][:2]), beside[2][2])
    return _sorted(least, _sorted(*beside[1])[1], most)[1]


def _sorted(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Least, middle and largest at each place."""
    low, high = torch.minimum(a, b), torch.maximum(a, b)
    return torch.minimum(low, c), torch.maximum(low, torch.minimum(high, c)), torch.maximum(high, c)


def _most(noisy: Tensor, most: float, source: float) -> Tensor:
    """The most that may be taken off each pixel of (C, H, W), all in standard deviations of the noise.

    >>> star = torch.zeros(1, 3, 3)
    >>> star[0, 1, 1] = 9.0
    >>> _most(star, 3.0, 5.0)[0, 1]
    tensor([3., 1., 3.])
    """
    around = _middle_of_nine(noisy)
    sure = ((noisy - around).abs() - source).div(2).clamp(0, 1)
    return most + sure * (1.0 - most)
