"""The noise level at every value of a picture, for networks that are told it."""

from __future__ import annotations

from typing import overload

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from pellucid.noise.report import NoiseReport

SMOOTH = 5
"""side of the mean, pixels, on which the brightness is read"""


@overload
def sigma_map(noisy: Tensor, noise: NoiseReport) -> Tensor: ...
@overload
def sigma_map(noisy: Tensor, noise: None) -> None: ...
@overload
def sigma_map(noisy: Tensor, noise: NoiseReport | None) -> Tensor | None: ...
def sigma_map(noisy: Tensor, noise: NoiseReport | None) -> Tensor | None:
    """Standard deviation of the noise at every value, from the variance law a x + b of the report.

    Where the noise does not grow with the brightness it is one figure per channel. The law holds for the
    clean picture; a mean of 5 x 5 pixels (at the border, of those of them that exist) is near enough to it.

    Args:
        noisy: (B, C, H, W).
        noise: in the same units, or None where nothing is known.

    Returns:
        (B, C, H, W), or (B, C, 1, 1), or None.

    >>> sigma_map(torch.rand(1, 2, 4, 4), NoiseReport.white((0.1, 0.2), 2)).flatten()
    tensor([0.1000, 0.2000])
    """
    if noise is None:
        return None
    sigma, gain, offset = (
        noisy.new_tensor(values).view(1, -1, 1, 1) for values in (noise.sigma, noise.gain, noise.offset)
    )
    flat = sigma.expand(noisy.shape[0], noisy.shape[1], 1, 1)
    if not any(noise.gain):
        return flat
    smooth = avg_pool2d(noisy, SMOOTH, 1, padding=SMOOTH // 2, count_include_pad=False)
    variance = gain * smooth + offset
    return torch.where(gain != 0, variance.clamp_min(1e-8).sqrt(), flat)
