"""The flags that verbs share, with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Inputs = Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Images: PNG, JPEG, BMP, TIFF, NPY.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="A file for one input, a folder for several.")]
Method = Annotated[str, typer.Option(help="auto, or a name from `pellucid methods`.")]
Preset = Annotated[
    str | None, typer.Option(help="fast (the default), paper, or another; `pellucid methods NAME`.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field; `pellucid methods NAME`."),
]
Model = Annotated[Path | None, typer.Option(metavar="FILE", help="Weights, for methods that need them.")]
Guide = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Another picture of the scene, e.g. with flash, for dip with preset flash."
    ),
]
Sigma = Annotated[
    float | None, typer.Option(help="Noise level in [0, 1], or in units of --data-range; measured otherwise.")
]
DataRange = Annotated[
    float | None,
    typer.Option("--data-range", help="What white is in the file, e.g. 255; needed for unusual floats."),
]
Rule = Annotated[str | None, typer.Option(metavar="RULE", help="Stop rule of an iterative method.")]
Iterations = Annotated[int | None, typer.Option(help="At most so many iterations.")]
Seconds = Annotated[float | None, typer.Option(help="At most so long per input, analysis not counted.")]
Seed = Annotated[int, typer.Option(help="Seed of every random draw.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Format = Annotated[str | None, typer.Option(help="png, jpeg, bmp, tiff or npy; else by name.")]
Reference = Annotated[
    list[Path] | None,
    typer.Option(metavar="CLEAN...", help="Clean images, one per input, or their folder: adds scores only."),
]
Report = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write an HTML page; a folder of them for several inputs.")
]
Uncertainty = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Write how unsure the method is: .tif, .npy or .png; a folder for several."
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON: an object for one input, a list for several.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
Threads = Annotated[int | None, typer.Option(help="Of a worker; else OMP_NUM_THREADS, else all cores.")]
Timeout = Annotated[float | None, typer.Option(metavar="S", help="Seconds that one cell may take.")]
Retry = Annotated[bool, typer.Option("--retry", help="Run cells again that ended in an error.")]
Peer = Annotated[
    list[str] | None,
    typer.Option("--peer", metavar='"NAME=CMD {in} {out}"', help="A program of others, for peer:NAME."),
]
Peers = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where peers are installed; else PELLUCID_PEERS.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of errors.")]
