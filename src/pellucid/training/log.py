"""What is known of a training while it runs: figures, what they say has gone wrong, and the log of them."""

from __future__ import annotations

import csv
import io
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from pellucid import extras
from pellucid.files.replace import replaced
from pellucid.learning import Guard, Loss

STYLE: dict[str, Any] = {"restval": "", "extrasaction": "ignore"}
REMEMBERED = 100
"""figures that the guard is shown"""


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


class Figures:
    """The loss, its parts and the learning rate of the steps that were looked at.

    Args:
        guard: of the method, or None.
        config: its configuration.

    Attributes:
        now: by name, of the last of these steps.
    """

    def __init__(self, guard: Guard | None, config: Any) -> None:
        self.guard, self.config = guard, config
        self.now: dict[str, float] = {}
        self.recent: deque[dict[str, float]] = deque(maxlen=REMEMBERED)

    def take(self, loss: Loss, rate: float, step: int) -> str | None:
        """Read the figures of a step, which waits for the device; what is wrong with them, or None."""
        parts = {name: float(value.float().mean()) for name, value in loss.parts.items()}
        value = float(loss.value.detach())
        self.now = {"loss": value, "learning_rate": rate, **parts}
        self.recent.append({"loss": value, **parts})
        if not all(map(math.isfinite, self.recent[-1].values())):
            return (
                f"the loss is no longer finite after step {step}. Lower learning_rate, or limit the "
                "gradient (--set clip=1)."
            )
        return None if self.guard is None else self.guard(tuple(self.recent), self.config)


class Log:
    """Writes `metrics.csv` and, where TensorBoard is installed, its events into a folder.

    A resumed training goes on in the same file; rows that it will write again are dropped.

    Args:
        folder: where to.
        step: steps that are done already.

    Attributes:
        notes: what it leaves out.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, folder: Path, step: int = 0) -> None:
        self.path = folder / "metrics.csv"
        kept: list[dict[str, str]] = []
        if step and self.path.is_file():
            with self.path.open(newline="", encoding="utf-8") as old:
                kept = [row for row in csv.DictReader(old) if (row["step"] or "0").isdigit()]
                kept = [row for row in kept if int(row["step"]) <= step]
        with replaced(self.path) as new:
            new.write(_text(kept).encode())
        self._file: TextIO = self.path.open("a", newline="", encoding="utf-8")
        self._writer = csv.DictWriter(self._file, list(kept[0]), **STYLE) if kept else None
        self._board: Any = None
        if extras.here("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(folder / "tensorboard", purge_step=step + 1 if step else None)
        else:
            self.notes = (
                "TensorBoard is not installed, so that there are no events for it; metrics.csv has the "
                "figures, samples/ the pictures. Install with: pip install 'pellucid[train]'",
            )

    def row(self, step: int, values: Mapping[str, float]) -> None:
        """One row of figures."""
        self._write({"step": str(step), **{name: f"{value:.8g}" for name, value in values.items()}})
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def picture(self, step: int, name: str, pixels: NDArray[np.float32]) -> None:
        """A picture (C, H, W), C 1 or 3, in [0, 1]."""
        if self._board is not None:
            self._board.add_image(name, pixels, step)

    def values(self, step: int, name: str, values: NDArray[np.float32]) -> None:
        """A histogram."""
        if self._board is not None:
            self._board.add_histogram(name, values, step)

    def close(self) -> None:
        """Finish both."""
        self._file.close()
        if self._board is not None:
            self._board.close()

    def _write(self, row: Mapping[str, str]) -> None:
        if self._writer is None:  # the columns are those of the first row
            self._writer = csv.DictWriter(self._file, list(row), **STYLE)
            self._writer.writeheader()
        self._writer.writerow(row)
        self._file.flush()


def _text(rows: list[dict[str, str]]) -> str:
    """Rows as CSV; nothing for none."""
    if not rows:
        return ""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), **STYLE)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
