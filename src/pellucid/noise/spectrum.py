"""The spectrum of noise, and noise that is not random: periodic patterns."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from scipy.fft import dct
from torch import Tensor
from torch.nn import functional as F

from pellucid.noise.report import Periodic

SIDE = 8
LAGS = SIDE - 1
KEPT = 0.75  # share of the squares that counts
KEPT_MEAN = 0.36851  # mean of a chi-square variable with one degree of freedom below its 0.75 quantile
STEEPEST = 2.5  # variance of the mean of a block over that of the next frequency, at the most
MIDDLE = [3, 11, 19, 27, 26, 25, 24]  # coefficients of periods around 5 pixels
MEDIAN = 0.454937  # median of the chi-square distribution with one degree of freedom


@lru_cache
def transform() -> Tensor:
    """The orthonormal 8x8 DCT as a matrix (64, 64), float64: one basis picture a row."""
    line = torch.from_numpy(dct(torch.eye(SIDE).double().numpy(), axis=0, norm="ortho"))
    return torch.kron(line, line)


@lru_cache
def _autocorrelations() -> Tensor:
    """(64, 15, 15) autocorrelation of each 8x8 DCT basis picture, lag zero in the centre."""
    atoms = transform().view(-1, SIDE, SIDE)
    spectra = torch.fft.fft2(atoms, (2 * SIDE, 2 * SIDE)).abs().square()
    lag = torch.arange(-LAGS, LAGS + 1) % (2 * SIDE)
    found: Tensor = torch.fft.ifft2(spectra).real
    return found[:, lag][:, :, lag]


def robust(coefficients: Tensor) -> Tensor:
    """Variance of each coefficient (B, …, 64) over the blocks, by the mean of the smaller squares, texture
    damped.

    The largest quarter of the squares is left out as texture. (A median would leave out more, but JPEG sets
    most of a flat block's coefficients to zero, and the median with them.) Texture has a direction, camera
    noise hardly any: of the two coefficients that are each other's transpose the smaller variance counts.
    The mean of the block holds the picture itself, so its variance is continued from the lowest frequencies.
    """
    squares = coefficients.double().square().sort(0).values
    variance = squares[: max(1, round(KEPT * len(squares)))].mean(0) / KEPT_MEAN
    square = variance.view(*variance.shape[:-1], SIDE, SIDE)
    square = torch.minimum(square, square.mT).clone()
    first, second = square[..., 0, 1], square[..., 0, 2]
    square[..., 0, 0] = first * (first / second.clamp_min(1e-30)).clamp(1.0, STEEPEST)
    return square.flatten(-2)


def to_kernel(variance: Tensor) -> Tensor:
    """Autocovariance (…, 15, 15) of stationary noise whose 8x8 DCT coefficients have the given variances (…,
    64).

    A block sees (8 - |d|) of 8 pairs at distance d along each axis, which is divided out; what the division
    does to the spectrum is corrected in a few rounds.

    >>> flat = to_kernel(torch.full((64,), 4.0))
    >>> round(float(flat[7, 7]), 3), bool(flat.sum().sub(4).abs() < 1e-3)
    (4.0, True)
    """
    atoms = _autocorrelations()
    pairs = (SIDE - torch.arange(-LAGS, LAGS + 1).abs()).double() / SIDE
    seen = torch.outer(pairs, pairs)
    target = variance.double()
    floor = 1e-3 * target.abs().amax(-1, keepdim=True) + 1e-30
    adjusted = target
    for _ in range(4):
        kernel = torch.einsum("...k,kyx->...yx", adjusted, atoms) / SIDE**2 / seen
        back = to_variance(kernel).maximum(floor)
        adjusted = (adjusted * target.maximum(floor) / back).clamp(min=0.05 * target, max=5 * target)
    return torch.einsum("...k,kyx->...yx", adjusted, atoms) / SIDE**2 / seen


def to_variance(kernel: Tensor) -> Tensor:
    """Variances (…, 64) of the 8x8 DCT coefficients of noise with autocovariance (…, 2L+1, 2L+1), any L.

    >>> bool(torch.allclose(to_variance(torch.full((1, 1), 4.0)), torch.tensor(4.0).double()))
    True
    """
    lags = min(kernel.shape[-1] // 2, LAGS)
    mine, theirs = kernel.shape[-1] // 2 - lags, LAGS - lags
    kernel = kernel[..., mine : mine + 2 * lags + 1, mine : mine + 2 * lags + 1].double()
    atoms = _autocorrelations()[:, theirs : theirs + 2 * lags + 1, theirs : theirs + 2 * lags + 1]
    return torch.einsum("...yx,kyx->...k", kernel, atoms.to(kernel.device))


def correlation_length(kernel: Tensor) -> float:
    """Distance in pixels at which the autocorrelation (15, 15) falls below 1/e, by linear interpolation.

    >>> line = torch.exp(-torch.arange(-7, 8).abs() / 2.0)
    >>> round(correlation_length(torch.outer(line, line)), 2)
    2.0
    """
    middle = kernel.shape[-1] // 2
    profile = (kernel[middle, middle:] + kernel[middle:, middle]) / (2 * kernel[middle, middle])
    for distance in range(1, len(profile)):
        if profile[distance] < 1 / math.e:
            drop = float(profile[distance - 1] - profile[distance])
            return distance - 1 + (float(profile[distance - 1]) - 1 / math.e) / drop
    return float(middle)


RATIO = 60.0  # a periodic peak exceeds the spectrum around it by this factor
LOWEST = 0.02  # cycles per pixel; below, the picture itself is meant
WIDEST = 256


def periodic(views: list[Tensor], *, most: int = 4) -> tuple[Periodic, ...]:
    """Peaks of the power spectrum of (C, h, w) views that stand alone: banding, mains hum, interference.

    A peak must rise far above the spectrum around it, which leaves out most woven and built texture.
    """
    side = min(WIDEST, *(min(v.shape[-2:]) for v in views))
    if side < 64:
        return ()
    fade = torch.hann_window(side, periodic=False)
    fade = torch.outer(fade, fade)
    powers = []
    for view in views:
        plane = view.mean(0)
        for y in range(0, plane.shape[0] - side + 1, side):
            for x in range(0, plane.shape[1] - side + 1, side):
                part = plane[y : y + side, x : x + side]
                powers.append(torch.fft.rfft2((part - part.mean()) * fade).abs().square())
    power = torch.stack(powers).median(0).values
    full = torch.cat([power.roll(side // 2, 0).flip(1)[:, :-1], power.roll(side // 2, 0)], 1)
    width = power.shape[1]
    tall = F.pad(full[None, None], (7, 7, 7, 7), mode="reflect")[0, 0]
    centred = power.roll(side // 2, 0)
    down = (torch.arange(side) - side // 2) / side
    across = torch.arange(width) / side
    radius = (down[:, None].square() + across.square()).sqrt()
    peaks = ((F.max_pool2d(centred[None, None], 5, 1, 2)[0, 0] == centred) & (radius > LOWEST)).nonzero()
    near = tall.unfold(0, 15, 1).unfold(1, 15, 1)[:, -width:][peaks[:, 0], peaks[:, 1]]
    around = near.flatten(1).median(1).values
    found = peaks[centred[peaks[:, 0], peaks[:, 1]] > RATIO * around].tolist()
    found.sort(key=lambda p: -float(centred[p[0], p[1]]))
    result: list[Periodic] = []
    for y, x in found:
        # a pattern that runs along the rows stands at f and at -f: both are the same waves
        mirrored = (-float(down[y]), float(across[x]))
        if len(result) == most or (x == 0 and any(p.frequency == mirrored for p in result)):
            continue
        amplitude = 2 * float(centred[y, x]) ** 0.5 / float(fade.sum())
        result.append(Periodic(frequency=(float(down[y]), float(across[x])), amplitude=amplitude))
    return tuple(result)
