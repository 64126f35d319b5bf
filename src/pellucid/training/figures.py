"""The figures of a training, and what they say has gone wrong."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from pellucid.learning import Guard, Loss

REMEMBERED = 100
"""figures that the guard is shown"""


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
