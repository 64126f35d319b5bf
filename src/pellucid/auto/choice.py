"""Choice: what to do about a noise, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pellucid.auto.stabiliser import Stabiliser
from pellucid.noise.report import NoiseReport


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
    """

    method: str
    config: Any
    noise: NoiseReport
    reason: str
    stabilise: Stabiliser | None = None
    notes: tuple[str, ...] = ()
