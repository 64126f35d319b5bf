"""Live progress on stderr, only where a person is watching."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import rich.progress

    from pellucid.run import Progress

Told = TypeVar("Told")
EVERY = 0.2
"""seconds between two updates: reading a loss waits for the device, so it is done seldom"""


@contextmanager
def watching(
    name: str, line: Callable[[Told], str], first: str = "looking at the noise"
) -> Iterator[Callable[[Told], None] | None]:
    """A progress line; yields what updates it, or None, and shows nothing, when stderr is no terminal.

    Args:
        name: of what is worked on.
        line: what is known, in one line.
        first: what is done before anything is known.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.status import Status

    with Status(f"{name}: {first}", console=Console(stderr=True)) as status:
        shown = 0.0

        def tell(told: Told) -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown >= EVERY:
                shown = now
                status.update(f"{name}: {line(told)}")

        yield tell


class Bar:
    """Of one input: its progress line is all there is."""

    def at(self, name: str) -> AbstractContextManager[Callable[[Progress], None] | None]:
        """While an input is worked on: what tells of its steps, or None where nobody watches."""
        return watching(name, line)

    def advance(self, *, before: bool = False) -> None:
        """One input is done, now or ``before`` this run."""

    def say(self, text: str) -> None:
        """A line on stderr."""
        print(f"pellucid: {text}", file=sys.stderr)


class _Shown(Bar):
    """Of a batch on a terminal: how many are done, for how long, how long it will take."""

    def __init__(self, bars: rich.progress.Progress, total: int) -> None:
        self._bars, self._total, self._shown = bars, total, 0.0
        self._task = bars.add_task("", total=total)

    @contextmanager
    def at(self, name: str) -> Iterator[Callable[[Progress], None] | None]:
        """As of `Bar`."""
        self._bars.update(self._task, description=Path(name).name)

        def tell(told: Progress) -> None:
            now = time.monotonic()
            if now - self._shown >= EVERY:
                self._shown = now
                self._bars.update(self._task, description=f"{Path(name).name}: {line(told)}")

        yield tell

    def advance(self, *, before: bool = False) -> None:
        """As of `Bar`; what was done before says nothing of the time that the rest will take."""
        if before:
            self._total -= 1
            self._bars.update(self._task, total=self._total)
        else:
            self._bars.advance(self._task)

    def say(self, text: str) -> None:
        """As of `Bar`, above the bar."""
        self._bars.console.print(f"pellucid: {text}", markup=False, highlight=False)


@contextmanager
def bar(total: int) -> Iterator[Bar]:
    """One bar for a batch of so many inputs; nothing where stderr is no terminal.

    Args:
        total: how many there are.
    """
    if not sys.stderr.isatty():
        yield Bar()
        return
    import rich.progress as parts
    from rich.console import Console

    columns = (
        parts.BarColumn(20),
        parts.MofNCompleteColumn(),
        parts.TimeElapsedColumn(),
        parts.TextColumn("left"),
        parts.TimeRemainingColumn(),
        parts.TextColumn("{task.description}", markup=False),
    )
    with parts.Progress(*columns, console=Console(stderr=True)) as bars:
        yield _Shown(bars, total)


def line(progress: Progress) -> str:
    """What is known of the run, in one line.

    >>> from pellucid.run import Progress
    >>> line(Progress(slice=1, slices=1, iteration=50, total=200, phase="fit", loss=None, statistic=None,
    ...               seconds=5.0, limit=None))
    'fit, iteration 50 of 200, 5 s, at most 15 s left'
    """
    parts = [progress.phase]
    if progress.slices > 1:
        parts.append(f"slice {progress.slice} of {progress.slices}")
    parts.append(f"iteration {progress.iteration}" + (f" of {progress.total}" if progress.total else ""))
    if progress.loss is not None:
        parts.append(f"loss {float(progress.loss):.3g}")
    if progress.statistic is not None:
        parts.append(f"stop curve {progress.statistic:.3g}")
    parts.append(f"{progress.seconds:.0f} s")
    left = _left(progress)
    if left is not None:
        parts.append(f"at most {left:.0f} s left")
    return ", ".join(parts)


def _left(progress: Progress) -> float | None:
    """Seconds left for this slice; a stop rule may end it earlier."""
    bounds = []
    if progress.total and progress.iteration:
        bounds.append(progress.seconds / progress.iteration * (progress.total - progress.iteration))
    if progress.limit is not None:
        bounds.append(max(progress.limit - progress.seconds, 0.0))
    return min(bounds) if bounds else None
