"""`bench suite` as typed; no logic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pellucid.cli import bench_run, flags


def suite(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A suite; without one, they are listed.")
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="Small crops of a few pictures, marked so: minutes on two cores.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Results go to FOLDER/NAME.")
    ] = None,
    device: flags.Device = "auto",
    threads: Annotated[
        int | None, typer.Option(help="Of a worker; else OMP_NUM_THREADS, else all cores.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds that one cell may take.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Run cells again that ended in an error.")] = False,
    peer: Annotated[
        list[str] | None,
        typer.Option("--peer", metavar='"NAME=CMD {in} {out}"', help="A program of others, for peer:NAME."),
    ] = None,
    peers: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where peers are installed; else PELLUCID_PEERS.")
    ] = None,
    data_root: bench_run.DataRoot = None,
    debug: flags.Debug = False,
) -> None:
    """Run a table or a figure of a paper, and set its printed numbers beside ours."""
    from pellucid.cli import bench_suite_verbs

    wishes = {
        "device": device,
        "threads": threads,
        "timeout": timeout,
        "retry": retry,
        "peers": peer or [],
        "peer_folder": peers,
        "data_root": data_root,
    }
    raise typer.Exit(bench_suite_verbs.suite(name, out, wishes, small=small, debug=debug))
