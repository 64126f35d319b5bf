"""The command line: one function per verb, no logic; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from pellucid.cli import arguments, bench_verbs, flags, trained
from pellucid.extras import MissingExtra

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
def denoise(
    inputs: flags.Inputs,
    out: flags.Out,
    method: flags.Method = "auto",
    preset: flags.Preset = None,
    set_: flags.Set = None,
    model: flags.Model = None,
    near_clean: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="For rs-dip: the methods or weight files that prepare its images."),
    ] = None,
    shots: Annotated[bool, typer.Option("--shots", help="All inputs are one scene.")] = False,
    guide: flags.Guide = None,
    level: Annotated[
        str, typer.Option(help="Which measurement of the noise to trust: auto, mad or chen.")
    ] = "auto",
    sigma: flags.Sigma = None,
    data_range: flags.DataRange = None,
    stop: flags.Rule = None,
    iterations: flags.Iterations = None,
    seconds: flags.Seconds = None,
    adapt: Annotated[
        float | None,
        typer.Option(metavar="S", help="Fit the model to each image for S seconds; kept only if better."),
    ] = None,
    seed: flags.Seed = 0,
    device: flags.Device = "auto",
    tile: Annotated[
        int | None, typer.Option(help="Side of the tiles in pixels; large images are cut anyway.")
    ] = None,
    format: flags.Format = None,
    reference: flags.Reference = None,
    report: flags.Report = None,
    uncertainty: flags.Uncertainty = None,
    json: flags.Json = False,
    overwrite: flags.Overwrite = False,
    debug: flags.Debug = False,
) -> None:
    """Denoise images: same size, depth and metadata, with no clean data."""
    from pellucid.cli import verbs

    request = {
        "method": method,
        "preset": preset,
        "set": set_,
        "model": None if model is None else str(model),
        "near_clean": near_clean,
        "level": level,
        "sigma": sigma,
        "data_range": data_range,
        "stop": stop,
        "iterations": iterations,
        "seconds": seconds,
        "adapt": adapt,
        "seed": seed,
        "device": device,
        "tile": tile,
    }
    code = verbs.restore(
        inputs,
        out,
        request,
        {"guide": guide},
        one_scene=shots,
        format=format,
        reference=reference or [],
        report=report,
        uncertainty=uncertainty,
        as_json=json,
        overwrite=overwrite,
        debug=debug,
    )
    raise typer.Exit(code)


@app.command()
def inpaint(
    inputs: flags.Inputs,
    mask: Annotated[
        list[Path],
        typer.Option(
            metavar="MASK...", help="What is missing, white: one image for all inputs, or one each."
        ),
    ],
    out: flags.Out,
    keep_known: Annotated[
        bool, typer.Option(help="Give the other pixels back as they are, or let the method denoise them.")
    ] = True,
    method: flags.Method = "auto",
    preset: flags.Preset = None,
    set_: flags.Set = None,
    guide: flags.Guide = None,
    data_range: flags.DataRange = None,
    stop: flags.Rule = None,
    iterations: flags.Iterations = None,
    seconds: flags.Seconds = None,
    seed: flags.Seed = 0,
    device: flags.Device = "auto",
    format: flags.Format = None,
    reference: flags.Reference = None,
    report: flags.Report = None,
    json: flags.Json = False,
    overwrite: flags.Overwrite = False,
    debug: flags.Debug = False,
) -> None:
    """Fill holes, scratches, text and missing pixels from the rest of the image."""
    from pellucid.cli import verbs

    request = {
        "method": method,
        "preset": preset,
        "set": set_,
        "data_range": data_range,
        "stop": stop,
        "iterations": iterations,
        "seconds": seconds,
        "seed": seed,
        "device": device,
    }
    code = verbs.restore(
        inputs,
        out,
        request | {"kind": "mask"},
        {"guide": guide, "masks": tuple(mask), "keep_known": keep_known},
        format=format,
        reference=reference or [],
        report=report,
        as_json=json,
        overwrite=overwrite,
        debug=debug,
    )
    raise typer.Exit(code)


@app.command()
def upscale(
    inputs: flags.Inputs,
    out: flags.Out,
    factor: Annotated[int, typer.Option(help="How many times as wide and high: 2, 4 or 8.")] = 2,
    method: flags.Method = "auto",
    preset: flags.Preset = None,
    set_: flags.Set = None,
    guide: flags.Guide = None,
    data_range: flags.DataRange = None,
    stop: flags.Rule = None,
    iterations: flags.Iterations = None,
    seconds: flags.Seconds = None,
    seed: flags.Seed = 0,
    device: flags.Device = "auto",
    format: flags.Format = None,
    reference: flags.Reference = None,
    report: flags.Report = None,
    json: flags.Json = False,
    overwrite: flags.Overwrite = False,
    debug: flags.Debug = False,
) -> None:
    """Make images larger, with detail learnt from the image itself."""
    from pellucid.cli import verbs

    request = {
        "method": method,
        "preset": preset,
        "set": set_,
        "data_range": data_range,
        "stop": stop,
        "iterations": iterations,
        "seconds": seconds,
        "seed": seed,
        "device": device,
    }
    code = verbs.restore(
        inputs,
        out,
        request | {"kind": "downsample"},
        {"guide": guide, "factor": factor},
        format=format,
        reference=reference or [],
        report=report,
        as_json=json,
        overwrite=overwrite,
        debug=debug,
    )
    raise typer.Exit(code)


@app.command()
def inspect(
    inputs: flags.Inputs,
    json: flags.Json = False,
    data_range: flags.DataRange = None,
    debug: flags.Debug = False,
) -> None:
    """Say what noise images hold, and what `denoise` would do about it."""
    from pellucid.cli import verbs

    raise typer.Exit(verbs.inspect(inputs, as_json=json, data_range=data_range, debug=debug))


@app.command()
def methods(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A method, for its settings.")] = None,
    json: flags.Json = False,
) -> None:
    """List the methods, or show the settings of one."""
    from pellucid.cli import method_verbs

    raise typer.Exit(method_verbs.methods(name, as_json=json))


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
app.add_typer(bench_verbs.bench, name="bench")


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
