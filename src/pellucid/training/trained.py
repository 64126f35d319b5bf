"""What came of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pellucid import models


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of a training.

    Attributes:
        model: the file.
        card: what it says about itself.
        folder: logs, sample pictures, checkpoint.
        steps: done.
        seconds: spent, those before a resume included.
        stopped_by: "finished", "seconds" or "interrupted".
        loss: of the last step that was looked at.
        held_out: loss on held-out data, or None where there is none.
        notes: what the user should know.
    """

    model: Path
    card: models.Card
    folder: Path
    steps: int
    seconds: float
    stopped_by: str
    loss: float
    held_out: float | None
    notes: tuple[str, ...] = ()
