"""Stop rules that only count: iterations, seconds, and none."""

from __future__ import annotations

import math
import time

from pellucid import checks
from pellucid.steps import Step
from pellucid.stopping.rule import Best


class Iterations:
    """Stop after a number of iterations."""

    name = "iterations"

    def __init__(self, limit: float) -> None:
        self.limit = checks.in_range("iterations", limit, 1)
        self.statistic: list[float] = []

    def update(self, step: Step) -> bool:
        """True from the iteration given on."""
        self.statistic.append(math.nan)
        return step.iteration >= self.limit

    def best(self) -> Best | None:
        """None: the last estimate counts."""
        return None


class Seconds:
    """Stop after a time, counted from the first step seen."""

    name = "seconds"

    def __init__(self, limit: float) -> None:
        self.limit = checks.in_range("seconds", limit, 0, low_open=True)
        self.statistic: list[float] = []
        self._start = time.monotonic()

    def update(self, step: Step) -> bool:
        """True once the time is over."""
        if not self.statistic:
            self._start = time.monotonic()
        self.statistic.append(math.nan)
        return time.monotonic() - self._start >= self.limit

    def best(self) -> Best | None:
        """None: the last estimate counts."""
        return None


class Never:
    """Go on to the end that the method itself knows."""

    name = "none"

    def __init__(self) -> None:
        self.statistic: list[float] = []

    def update(self, step: Step) -> bool:
        """False."""
        self.statistic.append(math.nan)
        return False

    def best(self) -> Best | None:
        """None: the last estimate counts."""
        return None
