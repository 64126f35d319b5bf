"""`pellucid bench`: the group of verbs; each lives in a file of its own."""

from __future__ import annotations

import typer

from pellucid.cli import bench_run, bench_show, bench_suite

bench = typer.Typer(
    help="Measure methods under one protocol, and show what came out.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
bench.command()(bench_run.data)
bench.command()(bench_run.run)
bench.command()(bench_run.submit)
bench.command()(bench_show.table)
bench.command()(bench_show.page)
bench.command()(bench_suite.suite)
bench.command()(bench_show.curves)
