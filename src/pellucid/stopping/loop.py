"""Drive the steps of a method to their stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pellucid.steps import Budget, Step
from pellucid.stopping.rule import Stop

# Reading a figure from an accelerator waits for it; one wait for so many steps costs nothing.
BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run gave.

    Attributes:
        estimate: (C, H, W) picture: the stop rule's best, else the last.
        iterations: steps done.
        best_iteration: the iteration of `estimate`.
        stopped_by: "finished", a rule's name, "iterations", "seconds" (the budget) or "interrupted".
        curves: "loss", "held_out" and "statistic" (the rule's), one figure per step, nan where undefined.
        extras: those of the last step.
        state: state dict of the last step, or None where the method has none.
        interrupted: whether the user stopped it.
        notes: those of the last step, with what it says of being cut off where the budget did that.
    """

    estimate: Tensor
    iterations: int
    best_iteration: int
    stopped_by: str
    curves: dict[str, list[float]]
    extras: dict[str, Any]
    state: Mapping[str, Tensor] | None
    interrupted: bool
    notes: tuple[str, ...] = ()


class _Curve:
    """A list of figures whose tensors are fetched from the device in batches."""

    def __init__(self) -> None:
        self._done: list[float] = []
        self._pending: list[Tensor] = []

    def append(self, value: Tensor | None) -> None:
        if value is None:
            self.fetch()
            self._done.append(math.nan)
            return
        self._pending.append(value.detach())
        if len(self._pending) >= BATCH:
            self.fetch()

    def fetch(self) -> list[float]:
        if self._pending:
            self._done += torch.stack(self._pending).tolist()
            self._pending.clear()
        return self._done


def until(
    steps: Iterator[Step],
    rule: Stop | None = None,
    *,
    budget: Budget | None = None,
    watch: Callable[[Step, float], None] | None = None,
) -> Outcome:
    """Take steps until the rule, the budget, the method or the user (Ctrl-C) ends them.

    Args:
        steps: what a method yields; a generator is closed at the end.
        rule: a fresh stop rule, or None.
        budget: limits in iterations and seconds; None and the default mean no limit.
        watch: called after each step with the step and the rule's statistic (nan where there is none), for
            progress.

    Returns:
        The Outcome. Interrupted before the first step there is nothing to keep, and KeyboardInterrupt goes
        on.

    Raises:
        ValueError: when the method yields no step at all.

    >>> picture = torch.zeros(1, 2, 2)
    >>> one = Step(iteration=1, phase="filter", loss=None, output=picture, estimate=lambda: picture)
    >>> until(iter([one])).stopped_by
    'finished'
    """
    budget = budget or Budget()
    start = time.monotonic()
    loss, held_out = _Curve(), _Curve()
    last: Step | None = None
    cut_off = False
    iterations, stopped_by = 0, "finished"
    try:
        for step in steps:
            last, iterations = step, iterations + 1
            loss.append(step.loss)
            held_out.append(step.held_out)
            stop = rule is not None and rule.update(step)
            if watch is not None:
                watch(step, rule.statistic[-1] if rule is not None else math.nan)
            if rule is not None and stop:
                stopped_by = rule.name
            elif budget.iterations is not None and iterations >= budget.iterations:
                stopped_by = "iterations"
            elif budget.seconds is not None and time.monotonic() - start >= budget.seconds:
                stopped_by = "seconds"
            else:
                continue
            cut_off = stop is False
            break
    except KeyboardInterrupt:
        if last is None:
            raise
        stopped_by = "interrupted"
    finally:
        if isinstance(steps, Generator):
            steps.close()
    if last is None:
        raise ValueError("the method yielded no step; expected at least one. Check its iterations.")
    return _outcome(last, rule, iterations, stopped_by, loss.fetch(), held_out.fetch(), cut_off=cut_off)


def through(steps: Iterator[Step], rule: Stop) -> Iterator[Step]:
    """Pass the steps on until the rule ends them: `until` for a method that fits within a fit.

    The rule sees each step before whoever takes it; ask the rule for its best afterwards.

    Args:
        steps: what an inner fit yields; a generator is closed at the end.
        rule: a fresh stop rule.

    >>> from pellucid.stopping import parse
    >>> picture = torch.zeros(1, 2, 2)
    >>> step = Step(iteration=2, phase="fit", loss=None, output=picture, estimate=lambda: picture)
    >>> len(list(through(iter([step] * 5), parse("iterations:2"))))
    1
    """
    try:
        for step in steps:
            stop = rule.update(step)
            yield step
            if stop:
                return
    finally:
        if isinstance(steps, Generator):
            steps.close()


def _outcome(
    last: Step,
    rule: Stop | None,
    iterations: int,
    stopped_by: str,
    loss: list[float],
    held_out: list[float],
    *,
    cut_off: bool,
) -> Outcome:
    best = rule.best() if rule is not None else None
    best_iteration, estimate = best if best is not None else (last.iteration, last.estimate())
    curves = {"loss": loss, "held_out": held_out}
    curves = {name: curve for name, curve in curves.items() if not all(map(math.isnan, curve))}
    if rule is not None and not all(map(math.isnan, rule.statistic)):
        # A rule that was interrupted within a step may lack that step's figure.
        missing = iterations - len(rule.statistic)
        curves["statistic"] = rule.statistic + [math.nan] * missing
    return Outcome(
        estimate=estimate,
        iterations=iterations,
        best_iteration=best_iteration,
        stopped_by=stopped_by,
        curves=curves,
        extras=dict(last.extras()),
        state=last.state() if last.state is not None else None,
        interrupted=stopped_by == "interrupted",
        notes=last.notes + (last.unfinished if cut_off else ()),
    )
