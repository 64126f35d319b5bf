"""PSNR and SSIM against a clean image; the data range is always given, never guessed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.ndimage import correlate1d
from torch import Tensor

from pellucid import checks

_RADIUS = 5  # 3.5 standard deviations of 1.5 px, where Wang et al. and scikit-image cut the window


def psnr(clean: Any, estimate: Any, *, data_range: float) -> float:
    """Peak signal-to-noise ratio 10 log10(data_range^2 / MSE), in dB; inf for equal images.

    Args:
        clean: tensor or array of any shape, e.g. (C, H, W).
        estimate: the same shape, in the same units.
        data_range: largest possible value less the smallest, e.g. 1 or 255.

    Raises:
        ValueError: when the shapes differ or the data range is not positive.

    >>> round(psnr(torch.zeros(1, 4, 4), torch.full((1, 4, 4), 0.1), data_range=1.0), 2)
    20.0
    """
    x, y = _pair(clean, estimate, data_range)
    error = float((x - y).square().mean())
    return math.inf if error == 0 else 10 * math.log10(data_range**2 / error)


def ssim(clean: Any, estimate: Any, *, data_range: float) -> float:
    """Mean structural similarity with a Gaussian window of 1.5 px, averaged over the channels.

    The window has 11 x 11 pixels, the covariances are those of the population, K1 = 0.01, K2 = 0.03, and only
    windows that lie inside the image count.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", IEEE TIP 2004, equation (13).

    Args:
        clean: (..., H, W) tensor or array, H and W at least 11, e.g. (C, H, W).
        estimate: the same shape, in the same units.
        data_range: largest possible value less the smallest, e.g. 1 or 255.

    Raises:
        ValueError: when the shapes differ, a side is under 11 pixels, or the data range is not positive.

    >>> ssim(torch.zeros(1, 16, 16), torch.zeros(1, 16, 16), data_range=1.0)
    1.0
    """
    x, y = _pair(clean, estimate, data_range)
    if x.ndim < 2 or min(x.shape[-2:]) < 2 * _RADIUS + 1:
        raise ValueError(
            f"ssim needs images of at least {2 * _RADIUS + 1} x {2 * _RADIUS + 1} pixels, "
            f"got shape {tuple(x.shape)}. Compare small images by psnr."
        )
    mean_x, mean_y = _blur(x), _blur(y)
    var_x = _blur(x * x) - mean_x**2
    var_y = _blur(y * y) - mean_y**2
    cov = _blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * cov + c2) / (var_x + var_y + c2)
    return float((luminance * structure).mean())


def _pair(clean: Any, estimate: Any, data_range: float) -> tuple[Tensor, Tensor]:
    """Both images in double precision, which SSIM's differences of squares need."""
    checks.in_range("data_range", data_range, 0, low_open=True)
    x, y = (torch.as_tensor(a).detach().cpu().double() for a in (clean, estimate))
    checks.same_shape("estimate", y.shape, "clean", x.shape)
    if x.numel() == 0:
        raise ValueError(f"clean must hold at least one pixel, got shape {tuple(x.shape)}.")
    return x, y


def _blur(image: Tensor) -> Tensor:
    """Gaussian mean of every full 11 x 11 window of (..., H, W); torch takes ten times that."""
    offsets = np.arange(-_RADIUS, _RADIUS + 1)
    window = np.exp(-0.5 * (offsets / 1.5) ** 2)
    window /= window.sum()
    mean = correlate1d(correlate1d(image.numpy(), window, axis=-1), window, axis=-2)
    inside = slice(_RADIUS, -_RADIUS)
    return torch.from_numpy(np.ascontiguousarray(mean[..., inside, inside]))
