"""`bench data` and `bench run` as typed; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli import flags

DataRoot = Annotated[
    Path | None,
    typer.Option("--data-root", metavar="FOLDER", help="Data sets; else PELLUCID_DATA, else data."),
]


def data(data_root: DataRoot = None, json: flags.Json = False) -> None:
    """Say which data sets are here, and where the others come from."""
    from pellucid.cli import bench_run_verbs

    raise typer.Exit(bench_run_verbs.data(data_root, as_json=json))


def run(
    data: Annotated[
        str,
        typer.Option(
            metavar="A,B", help="Sets, e.g. CC15,Set9:gaussian:25,BSD68:poisson:30:clip; or folders."
        ),
    ],
    methods: Annotated[
        str, typer.Option(metavar="A,B", help="E.g. noisy,auto,bm3d@sigma,dip+iterations=300,model:FILE.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where results go; go on there.")
    ],
    preset: Annotated[
        str, typer.Option(help="Of all methods that have it; NAME+preset=paper for one.")
    ] = "fast",
    seeds: Annotated[str, typer.Option(metavar="A,B", help="Seeds of the noise and of the methods.")] = "0",
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Only the first N pictures of each set.")
    ] = None,
    images: Annotated[
        str | None, typer.Option(metavar="A,B", help="Only the pictures of these names.")
    ] = None,
    crop: Annotated[
        int | None, typer.Option(metavar="SIDE", help="Centre crops of so many pixels a side.")
    ] = None,
    device: flags.Device = "auto",
    threads: flags.Threads = None,
    timeout: flags.Timeout = None,
    retry: flags.Retry = False,
    renew: Annotated[bool, typer.Option("--renew", help="Run cells again that other code has made.")] = False,
    peer: flags.Peer = None,
    peers: flags.Peers = None,
    label: Annotated[str, typer.Option(help="What tables are to call this run.")] = "",
    data_root: DataRoot = None,
    debug: flags.Debug = False,
) -> None:
    """Run methods on data sets; a run that was stopped goes on where it was."""
    from pellucid.cli import bench_run_verbs

    wishes = {
        "preset": preset,
        "limit": limit,
        "images": None if images is None else [name.strip() for name in images.split(",")],
        "crop": crop,
        "device": device,
        "threads": threads,
        "timeout": timeout,
        "retry": retry,
        "renew": renew,
        "peers": peer or [],
        "peer_folder": peers,
        "label": label,
        "data_root": data_root,
    }
    raise typer.Exit(bench_run_verbs.run(data, methods, out, seeds, wishes, debug=debug))


def submit(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder that `bench run` wrote.")],
    method: Annotated[str, typer.Option(help="Which entry, as in the rows.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the files go.")],
    preset: Annotated[str | None, typer.Option(help="Where it was run with several.")] = None,
    seed: Annotated[int, typer.Option(help="Of the run.")] = 0,
) -> None:
    """Bundle results on DND as its server takes them."""
    from pellucid.cli import bench_run_verbs

    raise typer.Exit(bench_run_verbs.submit(results, method, out, preset=preset, seed=seed))
