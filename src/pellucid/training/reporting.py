"""What is known of a training while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is known of a training while it runs.

    Attributes:
        step: steps done.
        steps: steps planned.
        loss: of the last step that was looked at.
        held_out: last loss on held-out data, or None.
        seconds: since the start, those before a resume included.
        speed: steps per second.
    """

    step: int
    steps: int
    loss: float
    held_out: float | None
    seconds: float
    speed: float
