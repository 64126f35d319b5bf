"""From pixels to the NoiseReport."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport


def analyse(pixels: Tensor, *, color: bool, scale: float = 255.0) -> NoiseReport:
    """Measure the noise of a picture or a stack.

    Args:
        pixels: (N, C, H, W) float32 in the working range.
        color: True when the channels are display colours.
        scale: stored units per working unit.
    """
    detail = pixels[..., 1:, 1:] - pixels[..., :-1, 1:] - pixels[..., 1:, :-1] + pixels[..., :-1, :-1]
    sigma = float(detail.abs().median() / 0.6745 / 2) if detail.numel() else 0.0
    return NoiseReport.white(sigma, pixels.shape[1], scale=scale)


def words(report: NoiseReport) -> str:
    """The report in sentences."""
    return f"Noise of standard deviation {report.level * report.scale:.2f} in the units of the file."
