"""From the NoiseReport to a method and its strength, with the reason in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from pellucid import methods
from pellucid.noise.report import NoiseReport


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
    """What to do and why. Method "none" returns the input unchanged."""

    method: str
    config: Any
    noise: NoiseReport
    reason: str
    stabilise: Stabiliser | None = None


def choose(report: NoiseReport, *, color: bool, channels: int) -> Choice:
    """The method for this noise."""
    if report.level * 255 < 0.3:
        return Choice(method="none", config=None, noise=report, reason="no noise worth removing")
    method = methods.load("nlm")
    return Choice(method="nlm", config=method.presets["fast"], noise=report, reason="non-local means")
