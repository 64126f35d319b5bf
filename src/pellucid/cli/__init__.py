"""The command line: one function per verb, no logic; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from pellucid.cli import arguments, bench, trained
from pellucid.cli.options import Console, spread
from pellucid.extras import MissingExtra
from pellucid.request import Denoise, Inpaint, Inspect, Output, Upscale

Inputs = Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Images: PNG, JPEG, BMP, TIFF, NPY.")]

app = typer.Typer(
    name="pellucid",
    help="Clear images with no clean data.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.command()
@spread
def denoise(inputs: Inputs, request: Denoise, output: Output, console: Console) -> int:
    """Denoise images: same size, depth and metadata, with no clean data."""
    from pellucid.cli import verbs

    return verbs.restore(inputs, request, output, console)


@app.command()
@functools.partial(spread, without=["uncertainty"])
def inpaint(inputs: Inputs, request: Inpaint, output: Output, console: Console) -> int:
    """Fill holes, scratches, text and missing pixels from the rest of the image."""
    from pellucid.cli import verbs

    return verbs.restore(inputs, request, output, console)


@app.command()
@functools.partial(spread, without=["uncertainty"])
def upscale(inputs: Inputs, request: Upscale, output: Output, console: Console) -> int:
    """Make images larger, with detail learnt from the image itself."""
    from pellucid.cli import verbs

    return verbs.restore(inputs, request, output, console)


@app.command()
@spread
def inspect(inputs: Inputs, request: Inspect, console: Console) -> int:
    """Say what noise images hold, and what `denoise` would do about it."""
    from pellucid.cli import verbs

    return verbs.inspect(inputs, request, console)


@app.command()
@functools.partial(spread, without=["debug"])
def methods(
    console: Console,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A method, for its settings.")] = None,
) -> int:
    """List the methods, or show the settings of one."""
    from pellucid.cli import method_verbs

    return method_verbs.methods(name, as_json=console.json)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where to write.")] = Path(
        "demo-output"
    ),
) -> None:
    """Denoise a picture that scikit-image ships, and show before and after."""
    from pellucid.cli import verbs

    raise typer.Exit(verbs.demo(out))


app.command()(trained.train)
app.add_typer(trained.models, name="models")
app.add_typer(bench.app, name="bench")


def _version(value: bool) -> None:
    if value:
        from pellucid import __version__

        print(f"pellucid {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Clear images with no clean data: denoise one noisy image, and know how far to trust it."""


def _in_one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is left of an error that nobody expected, for people who did not ask for a traceback."""
    text = " ".join(str(error).split())
    if issubclass(kind, MissingExtra):  # it says all there is to say
        print(f"pellucid: error: {text}", file=sys.stderr)
    else:
        print(f"pellucid: error: {kind.__name__}: {text} (--debug shows where)", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the program; exit codes are 0 done, 1 some input failed, 2 wrong usage."""
    given = sys.argv[1:] if argv is None else list(argv)
    if "--debug" not in given:
        sys.excepthook = _in_one_line
    # What this library says goes to programs; what it means for a picture stands in the picture's notes.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    # The command itself: calling the Typer object would put Typer's own hook in the place of ours.
    typer.main.get_command(app)(args=arguments.spread(given), prog_name="pellucid")
