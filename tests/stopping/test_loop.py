"""The loop: what ends it, what it keeps, and that it closes what it drains."""

import math
import time
from collections.abc import Iterator

import pytest
import torch

from pellucid.steps import Budget, Step
from pellucid.stopping import parse, until


def numbered(count: int, closed: list[bool] | None = None, held: bool = False) -> Iterator[Step]:
    try:
        for k in range(1, count + 1):
            picture = torch.full((1, 2, 2), float(k))
            yield Step(
                iteration=k,
                phase="fit",
                loss=torch.tensor(1.0 / k),
                output=picture,
                estimate=picture.clone,
                held_out=torch.tensor((k - 30.0) ** 2) if held else None,
                state=lambda picture=picture: {"weight": picture},
                total=count,
            )
    finally:
        if closed is not None:
            closed.append(True)


def test_finished() -> None:
    outcome = until(numbered(250))
    assert (outcome.stopped_by, outcome.iterations, outcome.best_iteration) == ("finished", 250, 250)
    assert outcome.curves["loss"] == pytest.approx([1 / k for k in range(1, 251)])
    assert list(outcome.curves) == ["loss"]
    assert outcome.state is not None
    assert float(outcome.state["weight"][0, 0, 0]) == 250
    assert not outcome.interrupted


def test_budget_of_iterations_closes_the_generator() -> None:
    closed: list[bool] = []
    steps = numbered(100, closed)
    outcome = until(steps, budget=Budget(iterations=7))
    assert (outcome.stopped_by, outcome.iterations) == ("iterations", 7)
    assert float(outcome.estimate.mean()) == 7
    assert closed == [True]


def test_budget_of_seconds() -> None:
    start = time.monotonic()
    outcome = until(numbered(10**9), budget=Budget(seconds=0.05))
    assert outcome.stopped_by == "seconds"
    assert 0.05 <= time.monotonic() - start < 5


def test_interrupt_keeps_the_best_of_the_rule() -> None:
    closed: list[bool] = []

    def watch(step: Step, statistic: float) -> None:
        if step.iteration == 60:
            raise KeyboardInterrupt

    steps = numbered(100, closed, held=True)
    outcome = until(steps, parse("held-out:patience=90"), watch=watch)
    assert outcome.interrupted
    assert outcome.stopped_by == "interrupted"
    assert outcome.iterations == 60
    assert 30 < outcome.best_iteration < 60  # the smoothed parabola turns after its minimum at 30
    assert float(outcome.estimate.mean()) == outcome.best_iteration
    assert closed == [True]


def test_interrupt_within_the_method() -> None:
    def steps() -> Iterator[Step]:
        yield from numbered(3)
        raise KeyboardInterrupt

    outcome = until(steps())
    assert (outcome.stopped_by, outcome.iterations) == ("interrupted", 3)


def test_interrupt_before_the_first_step_goes_on() -> None:
    def steps() -> Iterator[Step]:
        yield from ()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        until(steps())


def test_errors_pass_and_the_generator_is_closed() -> None:
    closed: list[bool] = []
    steps = numbered(10, closed)
    with pytest.raises(ValueError, match="hides pixels"):
        until(steps, parse("held-out"))
    assert closed == [True]


def test_no_step_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        until(numbered(0))


def test_watch_sees_every_step_and_the_statistic() -> None:
    seen: list[tuple[int, float]] = []
    until(
        numbered(5, held=True),
        parse("held-out"),
        watch=lambda step, value: seen.append((step.iteration, value)),
    )
    assert [k for k, _ in seen] == [1, 2, 3, 4, 5]
    assert seen[0][1] == 29.0**2
    assert not any(math.isnan(value) for _, value in seen)
