"""The commands around trained models: `train`, and `models` with its own verbs; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli import flags

models = typer.Typer(
    help="List, show, verify and install models.", no_args_is_help=True, rich_markup_mode=None
)

Named = Annotated[str, typer.Argument(metavar="NAME|FILE", help="A model by name, or its file.")]


def train(
    method: Annotated[str, typer.Argument(help="A trained method from `pellucid methods`.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder of images, of scenes, or a stack.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL", help="A file ending in .safetensors.")],
    pairs: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="shots, exposures, frames, or a folder with equal names."),
    ] = None,
    noise: Annotated[
        str | None,
        typer.Option(metavar="MODEL:LOW-HIGH", help="Add noise to clean images, e.g. gaussian:0-50."),
    ] = None,
    fixed: Annotated[
        int,
        typer.Option(metavar="N", help="N noisy versions of each picture, drawn beforehand; 0: ever new."),
    ] = 0,
    clean: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Clean images to mix in, with --noise added.")
    ] = None,
    share: Annotated[float, typer.Option(help="Share of the crops from the clean images.")] = 0.5,
    network: Annotated[str | None, typer.Option(help="Network, by its name.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the optimiser; else the preset's.")] = None,
    epochs: Annotated[float | None, typer.Option(help="In place of steps: how often all is seen.")] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="So long, in place of steps; with steps or epochs, at most so long."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="MODEL", help="Start from its weights.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint, if any.")] = False,
    preset: flags.Preset = None,
    set_: flags.Set = None,
    held_out: Annotated[float, typer.Option(help="Fraction of the data that is only tested on.")] = 0.1,
    scales: Annotated[
        str, typer.Option(metavar="A,B", help="Sizes at which clean pictures are shown, e.g. 0.5,1,2.")
    ] = "1",
    gray: Annotated[bool, typer.Option("--gray", help="Train for one channel.")] = False,
    flips: Annotated[bool, typer.Option(help="Mirror and turn crops.")] = True,
    data_range: flags.DataRange = None,
    seed: flags.Seed = 0,
    device: flags.Device = "auto",
    precision: Annotated[str, typer.Option(help="float32, bfloat16, or auto: what is faster.")] = "float32",
    processes: Annotated[int, typer.Option(help="On this machine, one per accelerator.")] = 1,
    nodes: Annotated[int, typer.Option(help="Machines.")] = 1,
    every: Annotated[int, typer.Option(help="Steps between checkpoints, tests and sample pictures.")] = 500,
    half: Annotated[bool, typer.Option("--half", help="Keep 16 bits of the weights: half the file.")] = False,
    licence: Annotated[str, typer.Option(help="Of the images, for the card.")] = "not stated",
    json: flags.Json = False,
    overwrite: flags.Overwrite = False,
    debug: flags.Debug = False,
) -> None:
    """Train one model on many images, then denoise with it in milliseconds."""
    from pellucid.cli import training_verbs

    wishes = {
        "pairs": pairs,
        "noise": noise,
        "fixed": fixed,
        "clean": clean,
        "share": share,
        "network": network,
        "steps": steps,
        "epochs": epochs,
        "seconds": seconds,
        "start": start,
        "resume": resume,
        "preset": preset,
        "held_out": held_out,
        "gray": gray,
        "flips": flips,
        "data_range": data_range,
        "seed": seed,
        "device": device,
        "precision": precision,
        "processes": processes,
        "nodes": nodes,
        "every": every,
        "half": half,
        "licence": licence,
        "overwrite": overwrite,
    }
    code = training_verbs.train(
        method, data, out, wishes, changes=set_ or [], scales=scales, as_json=json, debug=debug
    )
    raise typer.Exit(code)


@models.command("list")
def list_(json: flags.Json = False) -> None:
    """List the models that are shipped or installed."""
    from pellucid.cli import training_verbs

    raise typer.Exit(training_verbs.list_models(as_json=json))


@models.command()
def show(model: Named, json: flags.Json = False) -> None:
    """Show the card of a model."""
    from pellucid.cli import training_verbs

    raise typer.Exit(training_verbs.show_model(model, as_json=json))


@models.command()
def verify(
    model: Named,
    sha256: Annotated[str | None, typer.Option(metavar="HEX", help="What its hash must be.")] = None,
) -> None:
    """Check that a model is whole, fits its method and denoises."""
    from pellucid.cli import training_verbs

    raise typer.Exit(training_verbs.verify_model(model, sha256))


@models.command()
def install(
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="Where the model is.")],
    name: Annotated[str | None, typer.Option(help="What to call it; else as the file.")] = None,
    sha256: Annotated[
        str | None, typer.Option(metavar="HEX", help="What its hash must be; needed for a URL.")
    ] = None,
    overwrite: flags.Overwrite = False,
) -> None:
    """Keep a model, so that --model NAME finds it."""
    from pellucid.cli import training_verbs

    raise typer.Exit(training_verbs.install_model(source, name, sha256, overwrite=overwrite))
