"""Choice: what to do about a noise, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from pellucid.noise.report import NoiseReport
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
        noise: what it is told of the noise, working units, or those of `stabilise` where a model is told.
        measured: what was measured, in the same units, where that is something else.
        reason: in words.
        stabilise: change of values around it, or None.
        model: file of weights that it needs, or None.
        light: whether the brightness is taken from linear light afterwards (`photo` does so itself).
        notes: what the user should know.
    """

    method: str
    config: Any
    noise: NoiseReport
    reason: str
    stabilise: Stabiliser | None = None
    measured: NoiseReport | None = None
    model: str | None = None
    light: bool = False
    notes: tuple[str, ...] = ()


def stabiliser(report: NoiseReport) -> Anscombe | None:
    """A transform to noise of one level where it depends on the signal, else None.

    Noise that pixels share has been developed (demosaicing, gamma, JPEG): no law of photons is left in it,
    and what looks like one is texture more often than not.
    """
    return Anscombe(report) if any(g > 0 for g in report.gain) and not report.correlated else None
