"""The command line: one function per verb, no logic; nothing heavy is imported before a verb runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer

from pellucid.cli.options import Console, repeated, spread
from pellucid.extras import MissingExtra
from pellucid.request import (
    Denoise,
    Distil,
    Export,
    Inpaint,
    Inspect,
    Output,
    Restore,
    Serve,
    Train,
    Upscale,
    Web,
)

Inputs = Annotated[
    list[Path], typer.Argument(metavar="INPUT...", help="Images, folders, patterns in quotes.")
]
Darks = Annotated[Path, typer.Argument(metavar="DARKS", help="Frames without light: a folder, or a stack.")]
Flats = Annotated[Path, typer.Argument(metavar="FLATS", help="Frames of even light, two of each exposure.")]
CameraFile = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", help="What to write, ending in .npz.")
]
Replace = Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")]
Teachers = Annotated[
    list[str], typer.Argument(metavar="TEACHER...", help="best, or a method, a model, a file of weights.")
]
Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="A method, for its settings.")]
Folder = Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where to write.")]


def denoise(inputs: Inputs, request: Denoise, output: Output, console: Console) -> int:
    """Denoise images: same size, depth and metadata; it needs no clean example."""
    from pellucid.cli import verbs

    return verbs.restore(inputs, request, output, console)


def inpaint(inputs: Inputs, request: Inpaint, output: Output, console: Console) -> int:
    """Fill holes, scratches, text and missing pixels from the rest of the image."""
    from pellucid.cli import verbs

    return verbs.restore(inputs, request, output, console)


def restore(inputs: Inputs, request: Restore, output: Output, console: Console) -> int:
    """Find and fill the scratches, dust and tears of photographs, then denoise; or even out a page."""
    from pellucid.cli import verbs

    return verbs.restore(inputs, request, output, console)


def upscale(inputs: Inputs, request: Upscale, output: Output, console: Console) -> int:
    """Make images larger, with detail learnt from the image itself."""
    from pellucid.cli import verbs

    return verbs.restore(inputs, request, output, console)


def inspect(inputs: Inputs, request: Inspect, console: Console) -> int:
    """Say what noise images hold, and what `denoise` would do about it."""
    from pellucid.cli import verbs

    return verbs.inspect(inputs, request, console)


def methods(console: Console, name: Name = None) -> int:
    """List the methods, or show the settings of one."""
    from pellucid.cli import method_verbs

    return method_verbs.methods(name, as_json=console.json)


def demo(out: Folder = Path("demo-output")) -> int:
    """Denoise a picture that scikit-image ships, and show before and after."""
    from pellucid.cli import verbs

    return verbs.demo(out)


def train(request: Train, console: Console) -> int:
    """Train one model on many images, then denoise with it in milliseconds."""
    # Not `from pellucid.cli import train`, which would find this function.
    from pellucid.cli.train import train as carry_out

    return carry_out(request, console)


def export(request: Export, console: Console) -> int:
    """Write the network of a model as ONNX or OpenVINO, checked against the model."""
    from pellucid.cli import production

    return production.export(request, console)


def distil(teachers: Teachers, request: Distil, console: Console) -> int:
    """Train a small network on what teachers make of noisy pictures: methods, efforts or models."""
    from pellucid.cli import production

    return production.distil(teachers, request, console)


def serve(request: Serve, console: Console) -> int:
    """Denoise pictures over HTTP: bounded uploads and queue, health and metrics."""
    from pellucid.cli import production

    return production.serve(request, console)


def web(request: Web, console: Console) -> int:
    """Open a page on this machine: drop a picture, look, move sliders, paint masks, take the result away."""
    from pellucid.cli.web import carry_out

    return carry_out(request)


def calibrate(
    darks: Darks, flats: Flats, out: CameraFile, console: Console, overwrite: Replace = False
) -> int:
    """Measure a camera from dark and flat frames: gain, read noise, fixed pattern, hot pixels."""
    from pellucid.cli import production

    return production.calibrate(darks, flats, out, console, overwrite=overwrite)


VERBS: dict[str, Callable[..., int]] = {
    "denoise": denoise,
    "inpaint": inpaint,
    "restore": restore,
    "upscale": upscale,
    "inspect": inspect,
    "methods": methods,
    "demo": demo,
    "train": train,
    "export": export,
    "distil": distil,
    "serve": serve,
    "web": web,
    "calibrate": calibrate,
}
WITHOUT = {
    "inpaint": ("uncertainty", "memory"),
    "restore": ("uncertainty", "memory", "shots", "axes", "axis", "adapt", "near_clean"),
    "upscale": ("uncertainty", "memory"),
    "methods": ("debug",),
    "serve": ("json",),
    "web": ("json",),
}
"""options of a verb's records that do not apply to it"""
GROUPS = {
    "models": ("pellucid.cli.models", "List, show, verify and install models."),
    "bench": ("pellucid.cli.bench", "Measure methods under one protocol, and show what came out."),
}
"""groups of verbs: the module whose `app` holds them, and what they are for"""


def build(verb: str | None = None) -> typer.Typer:
    """The program, or as much of it as one verb needs.

    The options of all verbs take longer to make than anything else at the start, so that a program that runs
    one of them knows the others by name and by what they are for.

    Args:
        verb: the one that will run; None for all of them.
    """
    app = typer.Typer(
        name="pellucid",
        help="Clear images with no clean data of your own.",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    for name, function in VERBS.items():
        whole = verb in (None, name)
        app.command(name)(spread(function, without=WITHOUT.get(name, ())) if whole else _named(function))
    for name, (module, help) in GROUPS.items():
        group = import_module(module).app if verb in (None, name) else typer.Typer()
        app.add_typer(group, name=name, help=help, no_args_is_help=True)
    app.callback()(top)
    return app


def __getattr__(name: str) -> typer.Typer:
    """``app``: the whole program, made when it is asked for."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}.")
    return build()


def _named(function: Callable[..., int]) -> Callable[[], None]:
    """A verb of which only the name and the first sentence count."""

    def command() -> None: ...

    command.__doc__ = function.__doc__
    return command


def _version(value: bool) -> None:
    if value:
        from pellucid import __version__

        print(f"pellucid {__version__}")
        raise typer.Exit


def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Clear images with no clean data of your own: denoise one noisy image, and see what was removed."""


def _in_one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is left of an error that nobody expected, for people who did not ask for a traceback."""
    text = " ".join(str(error).split())
    if issubclass(kind, MissingExtra):  # it says all there is to say
        print(f"pellucid: error: {text}", file=sys.stderr)
    else:
        print(f"pellucid: error: {kind.__name__}: {text} (--debug shows where)", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the program; exit codes: 0 done, 1 some input failed, 2 wrong usage, 3 the input came back, 4 a
    model was written that should be trained further.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    if "--debug" not in given:
        sys.excepthook = _in_one_line
    # What this library says goes to programs; what it means for a picture stands in the picture's notes.
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    # The command itself: calling the Typer object would put Typer's own hook in the place of ours.
    verb = next((word for word in given if not word.startswith("-")), "")
    typer.main.get_command(build(verb))(args=repeated(given), prog_name="pellucid")
