"""What `train` and the verbs of `models` do; each returns the exit code."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid import fields, models
from pellucid.cli import progress as shown
from pellucid.cli import show

if TYPE_CHECKING:
    from pellucid.training import Report, Trained

FAILED, USAGE = 1, 2


def train(
    method: str,
    data: Path,
    out: Path,
    wishes: dict[str, Any],
    *,
    changes: Sequence[str],
    scales: str,
    as_json: bool,
    debug: bool,
) -> int:
    """`pellucid train`: 0 when a model was written, 1 when training or files failed, 2 for wrong usage."""
    from pellucid import training

    failed = USAGE
    training.quiet()
    try:
        wishes["set"] = fields.assignments(list(changes))
        wishes["scales"] = _numbers("scales", scales)
        with _watching(out.name) as progress:
            done = training.train(method, data, out, **wishes, progress=progress)
    except (ArithmeticError, FileExistsError, FileNotFoundError, ValueError, TypeError, OSError) as error:
        if debug:
            traceback.print_exc(file=sys.stderr)
        if isinstance(error, ArithmeticError):
            failed = FAILED
        show.error(str(error))
        return failed
    if not training.first_process():
        return 0
    for note in done.notes:
        print(f"pellucid: note: {note}", file=sys.stderr)
    print(json.dumps(_record(done), indent=2, allow_nan=False) if as_json else _line(done))
    return 0


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
    }


def _line(done: Trained) -> str:
    held = "" if done.held_out is None else f", held-out loss {done.held_out:.4g}"
    how = "" if done.stopped_by == "finished" else f", stopped by {done.stopped_by}"
    return (
        f"{done.model}: {done.card.method}, {done.steps} steps, {done.seconds:.0f} s{how}{held}; "
        f"{done.card.claim}; logs in {done.folder}"
    )


def _numbers(name: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{name} must be numbers separated by commas, got {text!r}.") from None


@contextmanager
def _watching(name: str) -> Iterator[Callable[[Report], None] | None]:
    """A progress line where a person is watching."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.status import Status

    with Status(f"{name}: looking at the data", console=Console(stderr=True)) as status:
        before = 0.0

        def tell(report: Report) -> None:
            nonlocal before
            now = time.monotonic()
            if now - before >= shown.EVERY:
                before = now
                status.update(f"{name}: {line(report)}")

        yield tell


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


def list_models(*, as_json: bool) -> int:
    """`pellucid models list`."""
    rows: list[tuple[str, models.Card]] = []
    code = 0
    for name, path in models.names().items():
        try:
            rows.append((name, models.read_card(path)))
        except (ValueError, OSError) as error:
            show.error(str(error))
            code = FAILED
    if as_json:
        print(json.dumps([{"name": name, **dataclasses.asdict(card)} for name, card in rows], indent=2))
    elif not rows:
        print(
            "No model is shipped or installed. `pellucid train` makes one, `pellucid models install` keeps "
            "it."
        )
    else:
        head = ("name", "method", "channels", "noise", "claim")
        table = [(n, c.method, str(c.channels), c.noise or "as recorded", c.claim) for n, c in rows]
        print(show.columns([head, *table]))
    return code


def show_model(model: str, *, as_json: bool) -> int:
    """`pellucid models show`."""
    try:
        path = models.locate(model)
        card = models.read_card(path)
    except (ValueError, OSError) as error:
        show.error(str(error))
        return USAGE
    if as_json:
        print(json.dumps({"file": str(path), "claim": card.claim, **dataclasses.asdict(card)}, indent=2))
    else:
        print(models.page(card, path))
    return 0


def verify_model(model: str, sha256: str | None) -> int:
    """`pellucid models verify`."""
    from pellucid import methods

    try:
        print(models.verify(models.locate(model), methods.load, sha256=sha256))
    except (ValueError, OSError) as error:
        show.error(str(error))
        return FAILED
    return 0


def install_model(source: str, name: str | None, sha256: str | None, *, overwrite: bool) -> int:
    """`pellucid models install`."""
    from pellucid import methods

    try:
        path = models.install(source, methods.load, name=name, sha256=sha256, overwrite=overwrite)
    except (ValueError, OSError) as error:
        show.error(str(error))
        return FAILED
    print(f"{path.stem} is installed at {path}; use it with --model {path.stem}")
    return 0
