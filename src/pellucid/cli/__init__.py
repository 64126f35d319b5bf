"""The command line: one function per verb, no logic; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from pellucid.cli import arguments

app = typer.Typer(
    name="pellucid",
    help="Clear images with no clean data.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

Inputs = Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Images: PNG, JPEG, BMP, TIFF, NPY.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON: an object for one input, a list for several.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of errors.")]
DataRange = Annotated[
    float | None,
    typer.Option("--data-range", help="What white is in the file, e.g. 255; needed for unusual floats."),
]


@app.command()
def denoise(
    inputs: Inputs,
    out: Annotated[Path, typer.Option("--out", "-o", help="A file for one input, a folder for several.")],
    method: Annotated[str, typer.Option(help="auto, or a name from `pellucid methods`.")] = "auto",
    preset: Annotated[str | None, typer.Option(help="fast (the default) or paper.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field; `pellucid methods NAME`."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights, for methods that need them.")
    ] = None,
    shots: Annotated[bool, typer.Option("--shots", help="All inputs are one scene.")] = False,
    level: Annotated[
        str, typer.Option(help="Which measurement of the noise to trust: auto, mad or chen.")
    ] = "auto",
    sigma: Annotated[
        float | None,
        typer.Option(help="Noise level in [0, 1], or in units of --data-range; measured otherwise."),
    ] = None,
    data_range: DataRange = None,
    stop: Annotated[
        str | None, typer.Option(metavar="RULE", help="Stop rule of an iterative method.")
    ] = None,
    iterations: Annotated[int | None, typer.Option(help="At most so many iterations.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="At most so long per input, analysis not counted.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    tile: Annotated[
        int | None, typer.Option(help="Side of the tiles in pixels; large images are cut anyway.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="png, jpeg, bmp, tiff or npy; else by name.")] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="CLEAN...", help="Clean images, one per input, or their folder: adds scores only."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an HTML page; a folder of them for several inputs."),
    ] = None,
    json: Json = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")] = False,
    debug: Debug = False,
) -> None:
    """Denoise images: same size, depth and metadata, with no clean data."""
    from pellucid.cli import verbs

    request = {
        "method": method,
        "preset": preset,
        "set": set_,
        "model": model,
        "level": level,
        "sigma": sigma,
        "data_range": data_range,
        "stop": stop,
        "iterations": iterations,
        "seconds": seconds,
        "seed": seed,
        "device": device,
        "tile": tile,
    }
    code = verbs.denoise(
        inputs,
        out,
        request,
        shots=shots,
        format=format,
        reference=reference or [],
        report=report,
        as_json=json,
        overwrite=overwrite,
        debug=debug,
    )
    raise typer.Exit(code)


@app.command()
def inspect(inputs: Inputs, json: Json = False, data_range: DataRange = None, debug: Debug = False) -> None:
    """Say what noise images hold, and what `denoise` would do about it."""
    from pellucid.cli import verbs

    raise typer.Exit(verbs.inspect(inputs, as_json=json, data_range=data_range, debug=debug))


@app.command()
def methods(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A method, for its settings.")] = None,
    json: Json = False,
) -> None:
    """List the methods, or show the settings of one."""
    from pellucid.cli import verbs

    raise typer.Exit(verbs.methods(name, as_json=json))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where to write.")] = Path(
        "demo-output"
    ),
) -> None:
    """Denoise a picture that scikit-image ships, and show before and after."""
    from pellucid.cli import verbs

    raise typer.Exit(verbs.demo(out))


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
    print(f"pellucid: error: {kind.__name__}: {text} (--debug shows where)", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the program; exit codes are 0 done, 1 some input failed, 2 wrong usage."""
    given = sys.argv[1:] if argv is None else list(argv)
    if "--debug" not in given:
        sys.excepthook = _in_one_line
    app(args=arguments.spread(given), prog_name="pellucid")
