"""A method sees every picture in the range that its authors had: black near 0, white near 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from pellucid import auto
from pellucid.auto import Choice, Stabiliser
from pellucid.degradation import Mask
from pellucid.noise.report import NoiseReport
from pellucid.run.state import State

OUTSIDE = 1e-3
"""share of the pixels at either end that has no say in the range"""
BEYOND = 0.25
"""how far values may lie beyond black and white"""
NARROW = 0.3
"""least part of the range that they may fill"""


class Frame:
    """z = (y - low) / span around a method, and what stabilises the noise of z inside; a Stabiliser.

    A network, a constant in a formula or a sigmoid knows pictures from 0 to 1. Thermal data fill a hundredth
    of that, and Hounsfield units lie below it; filters that scale with their input give the same either way.

    Args:
        low: working units.
        span: working units.
        told: the report of z.
        inner: a change of the values of z in which its noise has one level, or None.

    Attributes:
        noise: what the method is told.

    >>> import torch
    >>> frame = Frame(0.4, 0.1, NoiseReport.white(0.1, 1))
    >>> frame.inverse(frame.forward(torch.tensor([0.45]))), frame.noise.level
    (tensor([0.4500]), 0.1)
    """

    def __init__(self, low: float, span: float, told: NoiseReport, inner: Stabiliser | None = None) -> None:
        self.low, self.span, self.inner = low, span, inner
        self.noise = told if inner is None else inner.noise

    def forward(self, image: Tensor) -> Tensor:
        """Working units to what the method sees."""
        seen = (image - self.low) / self.span
        return seen if self.inner is None else self.inner.forward(seen)

    def inverse(self, image: Tensor) -> Tensor:
        """Back to working units."""
        seen = image if self.inner is None else self.inner.inverse(image)
        return seen * self.span + self.low


def framed(state: State, choice: Choice) -> Choice:
    """The choice with a frame around its method where the picture lies elsewhere than from 0 to 1.

    A trained model is left as it is: it learnt the values of the files.
    """
    method = state.settings.method
    learnt = method is not None and method.learning is not None
    if choice.method == "none" or learnt:
        return choice
    left_out = state.left_out
    if isinstance(state.degradation, Mask):
        hidden = state.degradation.hidden.expand_as(state.noisy)
        left_out = hidden if left_out is None else hidden | left_out
    low, high = extent(state.noisy, left_out)
    span = high - low
    usual = low >= -BEYOND and high <= 1 + BEYOND and span >= NARROW
    if usual or span <= 0:
        return choice
    told = of_frame(choice.noise, low, span)
    inner = None if choice.stabilise is None else auto.around(choice.method, told)
    return replace(choice, stabilise=Frame(low, span, told, inner))


def extent(pixels: Tensor, left_out: Tensor | None = None) -> tuple[float, float]:
    """The least and the greatest value of pixels that take part, but for the outermost thousandth.

    >>> import torch
    >>> [round(v, 3) for v in extent(torch.linspace(0, 1, 10001).view(1, 1, 73, 137))]
    [0.001, 0.999]
    """
    flat = pixels.flatten() if left_out is None else pixels[~left_out]
    sample = flat[:: max(1, flat.numel() // 1_000_000) | 1].numpy()
    if not sample.size:
        return 0.0, 0.0
    last = sample.size - 1
    ends = [int(OUTSIDE * last), last - int(OUTSIDE * last)]
    low, high = (float(v) for v in np.partition(sample, ends)[ends])
    return low, high


def of_frame(report: NoiseReport, low: float, span: float) -> NoiseReport:
    """A report of y as one of z = (y - low) / span.

    With var(y) = a y + b it is var(z) = (a (low + span z) + b) / span².

    >>> of_frame(NoiseReport.white(0.1, 1, scale=255), 0.5, 0.2).sigma
    (0.5,)
    """
    return report.moved(1 / span, -low / span)
