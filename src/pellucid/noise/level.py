"""Classic estimates of the standard deviation of white noise, from one noisy image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pywt
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid import checks
from pellucid.noise.spectrum import transform

_QUARTILE = 0.6744897501960817  # of the standard normal: its median absolute value
_HIGH: tuple[float, ...] = pywt.Wavelet("db2").dec_hi
_SIDE, STRIDE = 8, 3  # patches of Chen, Zhu and Heng
FEW = 20_000  # pixels below which the eigenvalues spread so far that their tail reads low


def mad(image: Tensor, *, skip_zeros: bool = True, valid: Tensor | None = None) -> Tensor:
    """Median absolute wavelet coefficient over 0.6745, per channel (Donoho and Johnstone, Biometrika 1994).

    The coefficients are the finest diagonal ones of db2, as in `skimage.restoration.estimate_sigma`,
    less those that reach over the border, where mirrored pixels cancel (5 % too little at 75 pixels).
    Right for white noise only: it reads far too little on correlated noise.

    Args:
        image: (C, H, W).
        skip_zeros: leave out coefficients that are 0, which clipped or padded areas make (scikit-image does);
            without it a picture that is mostly flat, such as a drawing, reads 0.
        valid: (H, W) pixels that can tell of noise, or None for all; coefficients of others are left out.

    Returns:
        (C,) standard deviations in the units of the image; 0 where there is nothing to measure (one pixel).

    >>> noise = torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> bool(mad(noise).sub(1).abs() < 0.1)
    True
    """
    _check(image)
    levels = []
    planes = image.detach().cpu().double()
    if valid is not None:
        planes = torch.where(valid.cpu(), planes, torch.nan)
    for plane in planes.numpy():
        diagonal = _inner(plane) if min(plane.shape) >= 4 else pywt.dwt2(plane, "db2")[1][2]
        # a constant plane leaves rounding errors, not zeros; below float32's resolution nothing was measured
        size = np.abs(diagonal)
        largest = np.nanmax(np.abs(plane)) if valid is None or valid.any() else 0.0
        floor = 1e-7 * float(largest) if skip_zeros else -1.0
        size = size[size > floor]  # which NaN is not
        levels.append(float(np.median(size)) / _QUARTILE if size.size else 0.0)
    return torch.tensor(levels, dtype=torch.float32)


def _inner(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """The finest diagonal coefficients of db2 of (H, W) but the first and the last, which the border mirrors.

    >>> plane = np.random.default_rng(0).normal(size=(9, 12))
    >>> bool(np.allclose(_inner(plane), pywt.dwt2(plane, "db2")[1][2][1:-1, 1:-1]))
    True
    """
    d, c, b, a = _HIGH
    plane = np.pad(plane, [(0, length % 2) for length in plane.shape], mode="edge")
    high, wide = plane.shape[0] - 3, plane.shape[1] - 3
    tops = [plane[i : i + high : 2] for i in range(4)]
    down = a * tops[0] + b * tops[1] + c * tops[2] + d * tops[3]
    lefts = [down[:, i : i + wide : 2] for i in range(4)]
    found: NDArray[np.float64] = a * lefts[0] + b * lefts[1] + c * lefts[2] + d * lefts[3]
    return found


def detail(image: Tensor) -> Tensor:
    """The diagonal Haar coefficients of (..., H, W) at every place, (..., H - 1, W - 1).

    Of white noise they have its standard deviation. For hot paths; `mad` is exacter.
    """
    top, below = image[..., :-1, :], image[..., 1:, :]
    return (top[..., :-1] - top[..., 1:] - below[..., :-1] + below[..., 1:]) / 2


def mad_per_scale(image: Tensor, factors: Sequence[int] = (1, 2, 3, 4)) -> Tensor:
    """`mad` of the image decimated by each factor without averaging, the mean over phases (0, 0), (1, 1), ….

    White noise reads the same at every factor; correlated noise reads more at larger ones, where the pixels
    left are no longer neighbours (and so does fine texture).

    Args:
        image: (C, H, W).
        factors: decimation factors, each at least 1.

    Returns:
        (len(factors), C) standard deviations in the units of the image.
    """
    _check(image)
    rows = []
    for factor in factors:
        checks.in_range("factor", factor, 1)
        phases = [image[:, i::factor, i::factor] for i in range(factor)]
        # a phase with fewer than 4 x 4 pixels has no wavelet coefficient free of its borders
        large = [p for p in phases if min(p.shape[-2:]) >= 4] or [image]
        rows.append(torch.stack([mad(p) for p in large]).mean(0))
    return torch.stack(rows)


def chen(
    image: Tensor,
    *,
    floor: float = -math.inf,
    ceiling: float = math.inf,
    valid: Tensor | None = None,
) -> float:
    """Noise level from the eigenvalues of the patch covariance (Chen, Zhu, Heng, ICCV 2015), algorithm 1.

    The eigenvalues that noise alone makes are those that are left when the largest are dropped, one at a
    time, until the mean of the rest is its median; sigma is the root of that mean.

    Args:
        image: (C, H, W), C small; all channels are taken to have one level.
        floor, ceiling: values at which noise was cut off; patches too near to them are left out.
        valid: (H, W) pixels that can tell of noise, or None for all; patches with others are left out.

    Returns:
        The standard deviation in the units of the image; 0 for an image smaller than a patch, or where no
        patch is valid.
    """
    _check(image)
    if min(image.shape[-2:]) < _SIDE:
        return 0.0
    planes = image.detach().cpu().float()
    planes = planes - planes.mean((1, 2), keepdim=True)
    patches = planes.unfold(1, _SIDE, STRIDE).unfold(2, _SIDE, STRIDE)
    patches = patches.permute(1, 2, 0, 3, 4).flatten(3).flatten(0, 1)  # (patches, channels, pixels), a copy
    if valid is not None:
        patches = patches[valid.unfold(0, _SIDE, STRIDE).unfold(1, _SIDE, STRIDE).flatten(2).all(2).flatten()]
        if len(patches) == 0:
            return 0.0
    mean = patches.mean((1, 2)) + image.detach().cpu().float().mean()
    # The eigenvalues are those of the DCT's coefficients, where single precision does for the small ones.
    patches = (patches @ transform().float().T).flatten(1)
    patches -= patches.mean(0)
    squares = products(patches).double()
    sigma = of_covariance(squares / len(patches))
    if math.isinf(floor) and math.isinf(ceiling):
        return sigma
    to_end = torch.minimum(mean - floor, ceiling - mean)
    middle = float(to_end.median())
    kept = torch.ones(len(patches), dtype=torch.bool)
    for _ in range(3):  # a better level tells better which patches were cut; three rounds settle it
        # the farther half always stays: nothing can be learnt from no patch at all
        now = to_end >= min(3 * sigma, middle)
        come, gone = patches[now & ~kept], patches[kept & ~now]
        if len(come) + len(gone) == 0:
            break
        squares, kept = squares + (products(come) - products(gone)), now
        centre = patches[~kept].double().sum(0) / -int(kept.sum())  # all of them have the mean 0
        sigma = of_covariance(squares / int(kept.sum()) - torch.outer(centre, centre))
    return sigma


def products(patches: Tensor) -> Tensor:
    """patchesᵀ patches of (patches, dimensions), which is symmetric: two thirds of it are reckoned."""
    size = patches.shape[1]
    found = patches.new_empty(size, size)
    for start in range(0, size, _SIDE**2):
        some = patches[:, start : start + _SIDE**2].mT @ patches[:, start:]
        found[start : start + _SIDE**2, start:], found[start:, start : start + _SIDE**2] = some, some.mT
    return found


def of_covariance(covariance: Tensor) -> float:
    """Sigma from the covariance of patches."""
    values = torch.linalg.eigvalsh(covariance).clamp(min=0).numpy()
    for count in range(len(values), 0, -1):
        rest = values[:count]  # eigvalsh sorts upward
        mean = rest.mean()
        if np.searchsorted(rest, mean, "right") + np.searchsorted(rest, mean) == count:
            return math.sqrt(float(mean))
    return math.sqrt(float(values[0]))


def _check(image: Tensor) -> None:
    if image.ndim != 3 or image.numel() == 0:
        raise ValueError(f"image must have shape (C, H, W) with pixels, got {tuple(image.shape)}.")
