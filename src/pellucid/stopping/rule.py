"""What a stop rule is, and the minimum that several of them look for. None sees a clean image."""

from __future__ import annotations

import math
from typing import Protocol

from torch import Tensor

from pellucid.steps import Step

Best = tuple[int, Tensor]


class Stop(Protocol):
    """A stop rule: it is shown every step, says when to stop, and which step was best.

    Attributes:
        name: what the user typed, e.g. "es-emv".
        statistic: one figure per step seen; nan where it is not defined.
    """

    name: str
    statistic: list[float]

    def update(self, step: Step) -> bool:
        """Look at a step; True says that it was the last."""
        ...

    def best(self) -> Best | None:
        """(iteration, (C, H, W) estimate) to return, or None for the last step's."""
        ...


class Minimum:
    """The lowest value of a statistic so far, the estimate at it, and how long ago it was.

    >>> from types import SimpleNamespace as Fake
    >>> lowest = Minimum(patience=2)
    >>> values = enumerate([3.0, 1.0, 2.0, 2.0])
    >>> [lowest.passed(v, Fake(iteration=i, estimate=lambda: None)) for i, v in values]
    [False, False, False, True]
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.value = math.inf
        self.best: Best | None = None

    def passed(self, value: float, step: Step) -> bool:
        """Note a value; True when the minimum lies ``patience`` iterations back."""
        if value < self.value:
            self.value, self.best = value, (step.iteration, step.estimate())
        return self.best is not None and step.iteration - self.best[0] >= self.patience
