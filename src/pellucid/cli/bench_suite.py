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
    threads: flags.Threads = None,
    timeout: flags.Timeout = None,
    retry: flags.Retry = False,
    peer: flags.Peer = None,
    peers: flags.Peers = None,
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
