"""`pellucid models`: the models that are shipped or installed, their cards, their health."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.cli import show as told
from pellucid.cli.options import EXPECTED, USAGE, Console, spread

if TYPE_CHECKING:
    from pellucid.exporting.tune import Tuned

FAILED = 1

Named = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A model by name, or its file.")]
Where = Annotated[str, typer.Argument(metavar="FILE|URL", help="Where the model is.")]
Called = Annotated[str | None, typer.Option(help="What to call it; else as the file.")]
Hash = Annotated[str | None, typer.Option(metavar="HEX", help="What its hash must be; needed for a URL.")]
Loss = Annotated[float, typer.Option(min=0, help="dB that a precision may cost.")]
Rounds = Annotated[int, typer.Option(min=1, help="How often each is measured.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The model to write.")]
Data = Annotated[Path, typer.Option(metavar="FOLDER", help="Noisy pictures to learn on.")]
Keep = Annotated[float, typer.Option(help="The share that is kept, between 0 and 1.")]
Counted = Annotated[str, typer.Option(metavar="channels|weights", help="What the share is of.")]
Seconds = Annotated[float | None, typer.Option(min=1, help="So long at most.")]
Steps = Annotated[int, typer.Option(min=1, help="Of the optimiser, at most.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a model of that name.")]

app = typer.Typer(help="List, show, verify and install models.", no_args_is_help=True, rich_markup_mode=None)
quiet = functools.partial(spread, without=["debug"])


@app.command("list")
@quiet
def list_(console: Console) -> int:
    """List the models that are shipped or installed."""
    from pellucid import models

    rows: list[tuple[str, models.Card]] = []
    code = 0
    for name, path in models.names().items():
        try:
            rows.append((name, models.read_card(path)))
        except (ValueError, OSError) as error:
            told.error(str(error))
            code = FAILED
    if console.json:
        print(json.dumps([{"name": name, **dataclasses.asdict(card)} for name, card in rows], indent=2))
    elif not rows:
        print(
            "No model is shipped or installed. `pellucid train` makes one, `pellucid models install` keeps "
            "it."
        )
    else:
        head = ("name", "method", "channels", "noise", "claim")
        table = [(n, c.method, str(c.channels), c.noise or "as recorded", c.claim) for n, c in rows]
        print(told.columns([head, *table]))
    return code


@app.command()
@quiet
def show(model: Named, console: Console) -> int:
    """Show the card of a model."""
    from pellucid import models

    try:
        path = models.locate(model)
        card = models.read_card(path)
    except (ValueError, OSError) as error:
        told.error(str(error))
        return USAGE
    if console.json:
        print(json.dumps({"file": str(path), "claim": card.claim, **dataclasses.asdict(card)}, indent=2))
    else:
        print(models.page(card, path))
    return 0


@app.command()
@spread
def verify(model: Named, sha256: Hash = None) -> int:
    """Check that a model is whole, fits its method and denoises."""
    from pellucid import methods, models

    try:
        print(models.verify(models.locate(model), methods.load, sha256=sha256))
    except (ValueError, OSError) as error:
        told.error(str(error))
        return FAILED
    return 0


@app.command()
@spread
def install(source: Where, name: Called = None, sha256: Hash = None, overwrite: Overwrite = False) -> int:
    """Keep a model, so that --model NAME finds it."""
    from pellucid import methods, models

    try:
        path = models.install(source, methods.load, name=name, sha256=sha256, overwrite=overwrite)
    except (ValueError, OSError) as error:
        told.error(str(error))
        return FAILED
    print(f"{path.stem} is installed at {path}; use it with --model {path.stem}")
    return 0


@app.command()
@spread
def tune(model: Named, console: Console, loss: Loss = 0.05, rounds: Rounds = 5) -> int:
    """Measure which runtime and precision runs a model fastest here, and keep that."""
    from pellucid.cli.production import refused
    from pellucid.cli.production import told as progress
    from pellucid.exporting import tune as tuning

    try:
        done = tuning.tune(model, loss=loss, rounds=rounds, progress=progress)
    except EXPECTED as error:
        return refused(error, console)
    if console.json:
        print(json.dumps(_measured(done), indent=2))
        return 0
    base = done.rows[0]
    table = [
        (
            str(row.choice),
            f"{row.ms:.0f}",
            f"{row.ms / base.ms:.2f}",
            f"{row.psnr:.2f}",
            f"{row.psnr - base.psnr:+.3f}",
        )
        for row in done.rows
    ]
    print(told.columns([("runtime", "ms", "of torch", "dB", "change"), *table]))
    for name, reason in done.left_out.items():
        print(f"{name}: not tried: {reason}")
    print(f"kept: {done.best}; `--runtime auto` takes it from now on ({done.file})")
    return 0


@app.command()
@spread
def prune(
    model: Named,
    out: Out,
    data: Data,
    console: Console,
    keep: Keep = 0.5,
    of: Counted = "channels",
    seconds: Seconds = None,
    steps: Steps = 4000,
    overwrite: Overwrite = False,
) -> int:
    """Keep a share of a model, and fit that to the whole on noisy pictures; no clean one is needed."""
    from pellucid.cli.production import refused
    from pellucid.cli.production import told as progress
    from pellucid.production import prune as pruning
    from pellucid.production.teaching import Lesson

    lesson = Lesson(seconds=seconds, steps=steps)
    try:
        done = pruning.prune(
            model, out, data, keep=keep, of=of, lesson=lesson, overwrite=overwrite, progress=progress
        )
    except FileExistsError as error:
        return refused(error, console, USAGE)
    except EXPECTED as error:
        return refused(error, console)
    before, after = done.weights
    if console.json:
        record = {"output": str(done.file), "weights": after, "before": before}
        print(
            json.dumps(record | {"steps": done.steps, "seconds": done.seconds, "loss": done.loss}, indent=2)
        )
    else:
        print(
            f"{done.file}: {after:,} of {before:,} weights, {done.steps} steps, {done.seconds:.0f} s; "
            f"{-10 * math.log10(max(done.loss, 1e-20)):.1f} dB from the whole model on noisy crops"
        )
    return 0


def _measured(done: Tuned) -> dict[str, Any]:
    return {
        "best": dataclasses.asdict(done.best),
        "rows": [dataclasses.asdict(row) for row in done.rows],
        "left_out": done.left_out,
        "file": str(done.file),
    }
