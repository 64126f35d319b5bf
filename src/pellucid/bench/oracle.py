"""`@best`: the step of an iterative method that is nearest the truth. An oracle: no stop rule can know it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pellucid.run import State
from pellucid.run.apply import shown
from pellucid.steps import Method, Step, Task, Tiling

LOOKS = 200
"""how often a fit is compared with the truth, evenly spread over the iterations that it plans"""
EVERY = 10
"""iterations between two looks where it does not say how many it plans"""


class Best:
    """Looks on while a method runs to its end without a stop rule, and keeps the best estimate on its way.

    The estimates are compared as they would come out of the run.

    Args:
        decided: a run up to its choice, of an iterative method.
        clean: (C, H, W) working range.

    Raises:
        ValueError: when nothing is to be done, or by a method that does not iterate.
    """

    def __init__(self, decided: State, clean: Tensor) -> None:
        if decided.method is None or not decided.method.iterative:
            raise ValueError(f"@best needs a method that iterates, got {decided.choice.method}. Name one.")
        self._decided, self._method = decided, decided.method
        self._clean = decided.prepared.lay(clean)
        self._found: tuple[int, float] | None = None

    @property
    def state(self) -> State:
        """The run as it goes on, watched."""
        return watched(self._decided, self._method, self.steps)

    @property
    def found(self) -> tuple[int, float]:
        """The best iteration and its mean square error, once the method has run.

        Raises:
            ValueError: when no estimate showed the whole picture.
        """
        if self._found is None:
            raise ValueError(
                "@best saw no estimate of the whole picture. Give --crop, so that it is not cut."
            )
        return self._found

    def steps(self, task: Task, config: Any, *, seed: int, device: torch.device) -> Iterator[Step]:
        """The steps of the method, whose estimate is the best so far."""
        budget, kept = self._decided.request.iterations, None
        for step in self._method.steps(task, config, seed=seed, device=device):
            ends = [n for n in (step.total, budget) if n is not None]
            every = max(1, -(-min(ends) // LOOKS)) if ends else EVERY
            if step.iteration % every == 0 or step.iteration in (1, *ends):
                estimate = step.estimate().detach()
                if estimate.shape == self._clean.shape and self._nearer(step.iteration, estimate):
                    kept = estimate.clone()
            yield step if kept is None else replace(step, estimate=partial(_same, kept))

    def _nearer(self, iteration: int, estimate: Tensor) -> bool:
        """Whether an estimate is the nearest to the truth so far."""
        seen = shown(self._decided, estimate).double().clamp(0, 1)
        error = float((seen - self._clean).square().mean())
        if self._found is not None and error >= self._found[1]:
            return False
        self._found = (iteration, error)
        return True


def _same(picture: Tensor) -> Tensor:
    return picture


def watched(decided: State, method: Method, steps: Any) -> State:
    """The run with other steps in the place of the method's, without a stop rule.

    It is in one piece, as a tile shows no whole picture.
    """
    return replace(decided, method=replace(method, steps=steps, stop="", tiling=Tiling()), rule="")
