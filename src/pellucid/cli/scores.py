"""Scores against a clean reference, on the values that were written; they never reach the method."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pellucid import metrics
from pellucid.image import Image, Pixels


def against(clean: Image, written: Image, noisy: Sequence[Image]) -> dict[str, float | None]:
    """PSNR (dB) and SSIM of what was written and of the (mean) input, against ``clean``; the input of an
    upscaled picture counts as bicubic interpolation enlarges it.

    None stands for an infinite PSNR, which JSON cannot hold, and for the SSIM of pictures under 11 pixels.
    """
    scale = noisy[0].scale
    truth = _pixels(clean, written.dtype, scale)
    ours = _pixels(written, written.dtype, scale)
    given = torch.stack([_pixels(shot, written.dtype, scale) for shot in noisy]).mean(0)
    return {
        "psnr": _psnr(truth, ours),
        "ssim": _ssim(truth, ours),
        "noisy_psnr": _psnr(truth, given),
        "noisy_ssim": _ssim(truth, given),
    }


def of_pixels(clean: Image, pixels: Pixels, first: Image) -> float | None:
    """PSNR (dB) of working pixels as a file would hold them: rounded and clipped if it holds integers."""
    if np.issubdtype(np.dtype(first.dtype), np.integer):
        pixels = np.rint(np.clip(pixels, 0, 1) * np.float32(first.scale)) / np.float32(first.scale)
    return _psnr(_pixels(clean, first.dtype, first.scale), torch.from_numpy(np.asarray(pixels, np.float32)))


def _psnr(truth: Tensor, image: Tensor) -> float | None:
    value = metrics.psnr(truth, image, data_range=1.0)
    return round(value, 4) if math.isfinite(value) else None


def _ssim(truth: Tensor, image: Tensor) -> float | None:
    return round(metrics.ssim(truth, image, data_range=1.0), 5) if min(truth.shape[-2:]) >= 11 else None


def _pixels(image: Image, dtype: str, scale: float) -> Tensor:
    """Working units of the input; guessed depths of deep integers may differ, stored values do not."""
    ratio = image.scale / scale if image.dtype == dtype else 1.0
    return torch.from_numpy(image.pixels * np.float32(ratio))
