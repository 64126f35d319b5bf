"""`pellucid train`: what is trained, how it goes on, and what came of it."""

from __future__ import annotations

import dataclasses
import json
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.cli import show
from pellucid.cli.options import EXPECTED, USAGE, Console
from pellucid.cli.progress import watching
from pellucid.request import Train

if TYPE_CHECKING:
    from pellucid.training import Report, Trained

FAILED = 1
UNFINISHED = 4


def train(request: Train, console: Console) -> int:
    """`pellucid train`: 0 when a model was written, 1 when training or files failed, 2 for wrong usage.

    4 when the model that was written should not be used as it is.
    """
    from pellucid import training

    failed = USAGE
    training.quiet()
    try:
        with watching(Path(request.out).name, line, first="looking at the data") as progress:
            done = training.carry_out(training.settle(request), progress)
    except EXPECTED as error:
        if console.debug:
            traceback.print_exc(file=sys.stderr)
        if isinstance(error, ArithmeticError):
            failed = FAILED
        show.error(str(error))
        return failed
    if not training.first_process():
        return 0
    for note in done.notes:
        print(f"pellucid: note: {note}", file=sys.stderr)
    for text in done.advice:
        show.note(f"{done.model}: {text}")
    print(json.dumps(_record(done), indent=2, allow_nan=False) if console.json else _line(done))
    return UNFINISHED if done.advice else 0


def _record(done: Trained) -> dict[str, Any]:
    return {
        "output": str(done.model),
        "method": done.card.method,
        "steps": done.steps,
        "seconds": done.seconds,
        "stopped_by": done.stopped_by,
        "loss": done.loss if done.loss == done.loss else None,
        "held_out": done.held_out,
        "folder": str(done.folder),
        "card": dataclasses.asdict(done.card),
        "notes": list(done.notes),
        "planned_steps": done.planned,
        "db_above_default": done.gain,
        "advice": list(done.advice),
    }


def _line(done: Trained) -> str:
    held = "" if done.held_out is None else f", held-out loss {done.held_out:.4g}"
    held += "" if done.gain is None else f", {done.gain:+.2f} dB against the default on held-out pictures"
    how = "" if done.stopped_by == "finished" else f", stopped by {done.stopped_by}"
    return (
        f"{done.model}: {done.card.method}, {done.steps} steps, {done.seconds:.0f} s{how}{held}; "
        f"{done.card.claim}; logs in {done.folder}"
    )


def line(report: Report) -> str:
    """What is known of a training, in one line.

    >>> from pellucid.training import Report
    >>> line(Report(step=50, steps=200, loss=0.25, held_out=0.5, seconds=5.0, speed=10.0))
    'step 50 of 200, loss 0.25, held-out loss 0.5, 10.0 steps/s, 5 s, about 15 s left'
    """
    parts = [f"step {report.step} of {report.steps}", f"loss {report.loss:.4g}"]
    if report.held_out is not None:
        parts.append(f"held-out loss {report.held_out:.4g}")
    parts += [f"{report.speed:.1f} steps/s", f"{report.seconds:.0f} s"]
    if report.speed > 0:
        parts.append(f"about {(report.steps - report.step) / report.speed:.0f} s left")
    return ", ".join(parts)
