"""`pellucid models`: the models that are shipped or installed, their cards, their health."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Annotated

import typer

from pellucid.cli import show as told
from pellucid.cli.options import USAGE, Console, spread

FAILED = 1

Named = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A model by name, or its file.")]
Where = Annotated[str, typer.Argument(metavar="FILE|URL", help="Where the model is.")]
Called = Annotated[str | None, typer.Option(help="What to call it; else as the file.")]
Hash = Annotated[str | None, typer.Option(metavar="HEX", help="What its hash must be; needed for a URL.")]
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
