"""The level of the noise in a region that the user names, where nothing but noise and slow change is."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

SLOW = 4
"""cosines along each side whose sum of frequencies is below this are the region's own slow change"""
LEAST = 8
"""sides of the least region, pixels"""
OUTLIERS = 4.0
"""standard deviations from which on a pixel of the region is no noise of it"""


def level(pixels: Tensor, where: tuple[slice, slice]) -> Tensor:
    """Standard deviation of the noise per channel in a region, all slices together.

    The lowest cosines of the region are fitted and taken off, which costs p of its n degrees of freedom;
    outliers beyond four standard deviations are left out. Noise that neighbours share counts whole, unlike in
    estimates from fine detail.

    Args:
        pixels: (N, C, H, W).
        where: rows and columns.

    Returns:
        (C, 1, 1).

    Raises:
        ValueError: for a region of under 8 x 8 pixels.

    >>> noise = 0.1 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    >>> round(float(level(ramp + noise, (slice(8, 56), slice(8, 56)))), 3)
    0.1
    """
    part = pixels[..., where[0], where[1]].double().numpy()
    height, width = part.shape[-2:]
    if min(height, width) < LEAST:
        raise ValueError(
            f"noise_region must be at least {LEAST} x {LEAST} pixels, got {height} x {width}. Name more."
        )
    slow = _cosines(height, width)
    rest = part.reshape(*part.shape[:2], -1)
    rest = rest - rest @ slow.T @ slow
    share = (rest.shape[-1] - len(slow)) / rest.shape[-1]
    found = [_spread(rest[:, c].reshape(-1)) / np.sqrt(share) for c in range(part.shape[1])]
    return torch.tensor(found, dtype=torch.float32).view(-1, 1, 1)


def _cosines(height: int, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(p, height x width) orthonormal products of the slowest cosines of the sides."""
    down, across = (
        np.cos(np.pi * np.arange(SLOW)[:, None] * (np.arange(n) + 0.5) / n) for n in (height, width)
    )
    planes = [np.outer(down[u], across[v]).reshape(-1) for u in range(SLOW) for v in range(SLOW - u)]
    return np.stack([plane / np.linalg.norm(plane) for plane in planes])


def _spread(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Standard deviation of values of mean zero, without outliers."""
    kept = values
    for _ in range(5):
        kept = values[np.abs(values) <= OUTLIERS * kept.std()]
    return float(kept.std())
