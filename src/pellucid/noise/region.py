"""The level of the noise in a region that the user names, where nothing but noise and slow change is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pellucid.noise import spectrum
from pellucid.noise.report import Floats, NoiseReport

SLOW = 4
"""cosines along each side whose sum of frequencies is below this are the region's own slow change"""
LEAST = 8
"""sides of the least region, pixels"""
OUTLIERS = 4.0
"""standard deviations from which on a pixel of the region is no noise of it"""
WIDE = 32
"""sides of the least region that can tell how neighbours share the noise, pixels"""
MOST = 8
"""channels beyond which no covariance between channels is measured"""
SHARED, SURE = 0.15, 4.0
"""correlation of neighbours from which on they share it, and standard errors of it that must be exceeded"""


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
    rest = _rest(pixels, where)
    found = [_spread(rest[:, c].reshape(-1)) for c in range(rest.shape[1])]
    return torch.tensor(found, dtype=torch.float32).view(-1, 1, 1)


def report(pixels: Tensor, where: tuple[slice, slice], *, scale: float = 1.0) -> NoiseReport:
    """The noise of a region: its level, and how neighbours share it where they do.

    Covariance of channel c here with channel d at a lag = mean of r_c(p) r_d(p + lag), with r what is left of
    the region without its slow change; lags whose correlation is no more than chance are 0.

    Args:
        pixels: (N, C, H, W).
        where: rows and columns.
        scale: stored units per working unit.

    >>> noise = torch.randn(1, 1, 80, 80, generator=torch.Generator().manual_seed(0))
    >>> report(noise, (slice(0, 80), slice(0, 80))).correlated
    False
    >>> report((noise + noise.roll(1, -1)) / 2**0.5, (slice(0, 80), slice(0, 80))).correlated
    True
    """
    sigma = level(pixels, where).flatten().double()
    white = NoiseReport.white(tuple(sigma.tolist()), len(sigma), scale=scale)
    rest = _rest(pixels, where)
    height, width = rest.shape[-2:]
    if min(height, width) < WIDE or len(sigma) > MOST or not bool((sigma > 0).all()):
        return white
    limit = np.array([OUTLIERS * s for s in sigma.tolist()])[:, None, None]
    scaled = np.clip(rest, -limit, limit)
    scaled /= scaled.std((0, 2, 3), keepdims=True)
    chance = SURE / np.sqrt(rest.shape[0] * height * width)
    shares = _correlations(scaled)
    shares[np.abs(shares) < chance] = 0
    middle = spectrum.LAGS
    near = [
        shares[c, c, middle + y, middle + x] for c in range(len(sigma)) for y, x in ((0, 1), (1, 0), (1, 1))
    ]
    if max(near) < max(SHARED, chance):
        return white
    kernel = torch.from_numpy(shares) * torch.outer(sigma, sigma)[:, :, None, None]
    own = [kernel[c, c] for c in range(len(sigma))]
    variance = torch.stack([spectrum.to_variance(k) for k in own])
    return replace(
        white,
        spectrum=variance.view(-1, spectrum.SIDE, spectrum.SIDE).numpy(),
        kernel=kernel.numpy(),
        covariance=kernel[:, :, middle, middle].numpy(),
        correlated=True,
        length_px=max(spectrum.correlation_length(k) for k in own),
    )


def _rest(pixels: Tensor, where: tuple[slice, slice]) -> Floats:
    """(N, C, h, w) of the region without its slow change, as strong as its noise is."""
    part = pixels[..., where[0], where[1]].double().numpy()
    height, width = part.shape[-2:]
    if min(height, width) < LEAST:
        raise ValueError(
            f"noise_region must be at least {LEAST} x {LEAST} pixels, got {height} x {width}. Name more."
        )
    slow = _cosines(height, width)
    flat = part.reshape(*part.shape[:2], -1)
    rest: Floats = flat - flat @ slow.T @ slow
    whole: Floats = rest.reshape(part.shape) * np.sqrt(flat.shape[-1] / (flat.shape[-1] - len(slow)))
    return whole


def _correlations(rest: Floats) -> Floats:
    """(C, C, 15, 15) correlation of channel c here with channel d at each lag; (N, C, h, w) of variance 1."""
    height, width = rest.shape[-2:]
    size, lags = (2 * height, 2 * width), np.arange(-spectrum.LAGS, spectrum.LAGS + 1)
    spectra = np.fft.rfft2(rest, size)
    pairs = len(rest) * (height - np.abs(lags))[:, None] * (width - np.abs(lags))
    found = np.zeros((rest.shape[1], rest.shape[1], len(lags), len(lags)))
    for c in range(rest.shape[1]):
        for d in range(rest.shape[1]):
            both = np.fft.irfft2((spectra[:, c].conj() * spectra[:, d]).sum(0), size)
            found[c, d] = both[np.ix_(lags, lags)] / pairs
    return found


def _cosines(height: int, width: int) -> Floats:
    """(p, height x width) orthonormal products of the slowest cosines of the sides."""
    down, across = (
        np.cos(np.pi * np.arange(SLOW)[:, None] * (np.arange(n) + 0.5) / n) for n in (height, width)
    )
    planes = [np.outer(down[u], across[v]).reshape(-1) for u in range(SLOW) for v in range(SLOW - u)]
    return np.stack([plane / np.linalg.norm(plane) for plane in planes])


def _spread(values: Floats) -> float:
    """Standard deviation of values of mean zero, without outliers."""
    kept = values
    for _ in range(5):
        kept = values[np.abs(values) <= OUTLIERS * kept.std()]
    return float(kept.std())
