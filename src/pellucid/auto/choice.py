"""Choice: what to do about a noise, why, and in which domain, where the noise has one level."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport
from pellucid.noise.shift import Light
from pellucid.noise.stabilise import Anscombe


class Stabiliser(Protocol):
    """An invertible change of values that makes the noise level independent of the signal."""

    noise: NoiseReport

    def forward(self, image: Tensor) -> Tensor:
        """Into the stabilised domain."""
        ...

    def inverse(self, image: Tensor) -> Tensor:
        """Back, without bias."""
        ...


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What to do and why. Method "none" returns the input unchanged.

    Attributes:
        method: its name.
        config: its configuration.
        noise: what it is told of the noise, working units.
        reason: in words.
        stabilise: change of values around it, or None.
        notes: what the user should know.
        light: how a camera has developed all of what this is done to part by part; None where the method
            finds that in what it is given.
    """

    method: str
    config: Any
    noise: NoiseReport
    reason: str
    stabilise: Stabiliser | None = None
    notes: tuple[str, ...] = ()
    light: Light | None = None


class Unit:
    """A stabiliser whose values run from 0 to 1 over the contrast of the picture, as networks know it.

    Args:
        inner: the stabiliser; it gives noise of standard deviation 1.

    Attributes:
        noise: the report in this domain.

    >>> report = replace(NoiseReport.white(0.1, 1), gain=(0.01,), offset=(0.0,))
    >>> unit = Unit(Anscombe(report))
    >>> unit.forward(torch.tensor([0.0, 1.0]).view(1, 1, 2)).flatten()
    tensor([0., 1.])
    """

    def __init__(self, inner: Anscombe) -> None:
        shape, low, span = (len(inner.noise.sigma), 1, 1), inner.contrast[0], inner.contrast[1]
        self._inner, self._black = inner, inner.forward(torch.full(shape, low))
        self._span = inner.forward(torch.full(shape, low + span)) - self._black
        level = 1.0 / self._span.flatten().double().numpy()
        both, noise = np.outer(level, level), inner.noise
        self.noise = replace(
            noise,
            sigma=tuple(level.tolist()),
            offset=tuple(np.square(level).tolist()),
            spectrum=noise.spectrum * np.square(level)[:, None, None],
            kernel=noise.kernel * both[:, :, None, None],
            covariance=noise.covariance * both,
            low=0.0,
            span=1.0,
        )

    def forward(self, image: Tensor) -> Tensor:
        """(C, H, W) in working units to the stabilised domain."""
        return (self._inner.forward(image) - self._black.to(image)) / self._span.to(image)

    def inverse(self, image: Tensor) -> Tensor:
        """Back to working units, without bias."""
        return self._inner.inverse(image * self._span.to(image) + self._black.to(image))


def stabiliser(report: NoiseReport) -> Anscombe | None:
    """A transform to noise of one level where it depends on the signal, else None.

    Noise that pixels share has been developed (demosaicing, gamma, JPEG): no law of photons is left in it,
    and what looks like one is texture more often than not.
    """
    return Anscombe(report) if any(g > 0 for g in report.gain) and not report.correlated else None


def around(method: str, report: NoiseReport) -> Stabiliser | None:
    """The change of values around a method where the noise depends on the signal, else None.

    A network knows black as 0 and colours as they are, so `photo` gets values from 0 to 1. `photons` and
    `bm4d` change them themselves.
    """
    if method in ("photons", "bm4d"):
        return None
    inner = stabiliser(report)
    return Unit(inner) if inner is not None and method == "photo" else inner
