"""`pellucid bench`: data sets, runs and suites; `bench_show` holds the verbs that show what came out."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pellucid.bench.request import BenchRun, DataRoot, Workers
from pellucid.cli import bench_show, show
from pellucid.cli.options import Console, spread

if TYPE_CHECKING:
    from pellucid.bench import RunProgress, Summary
    from pellucid.bench.datasets import Dataset

FAILED = 1

app = typer.Typer(
    help="Measure methods under one protocol, and show what came out.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
@functools.partial(spread, without=["debug"])
def data(asked: DataRoot, console: Console) -> int:
    """Say which data sets are here, and where the others come from."""
    from pellucid import bench

    place = bench.root(asked.data_root)
    rows = [_found(name, known, place) for name, known in bench.DATASETS.items()]
    here, absent = ([row for row in rows if _here(row) is wanted] for wanted in (True, False))
    if console.json:
        print(json.dumps({"root": str(place), "sets": [*here, *absent]}, indent=2))
        return 0
    print(f"Below {place}:" if here else f"No set that is known by name is below {place}.")
    lines = [(r["name"], r["kind"], str(r["images"]), r["folder"] or "", r["fault"] or "") for r in here]
    if lines:
        print(show.columns([("name", "kind", "images", "folder", "to mend"), *lines]))
    if absent:
        print("\nNot here:")
    for row in absent:
        print(f"{row['name']}: {row['source']}. From: {row['page']} (licence, unchecked: {row['licence']}).")
        print(f"  Put it into {place / row['folders'][0]}: {row['layout']}.")
    if absent:
        print(
            "\nPages and licences are as we believe them to be, unchecked; what the page itself says counts."
        )
    print("\nA folder of your own is a set too: `noisy/` and `clean/`, a folder per scene, or pictures.")
    return 0


def _found(name: str, known: Dataset, place: Path) -> dict[str, Any]:
    """A set and what of it is on this machine."""
    from pellucid import bench

    row: dict[str, Any] = {"name": name, "kind": known.kind, "expected": known.count or None}
    row |= {"source": known.source, "page": known.page, "licence": known.licence}
    row |= {"folders": list(known.folders), "layout": known.how, "images": 0, "folder": None, "fault": None}
    try:
        found = bench.find(name, place)
    except ValueError as error:
        return row | {"fault": " ".join(str(error).split())}
    if found is None:
        return row
    return row | {
        "images": len(found.samples),
        "folder": str(found.folder),
        "fault": found.fault or None,
    }


def _here(row: dict[str, Any]) -> bool:
    return bool(row["folder"] or row["fault"])


@app.command()
@functools.partial(spread, without=["json"])
def run(asked: BenchRun, console: Console) -> int:
    """Run methods on data sets; a run that was stopped goes on where it was."""
    from pellucid.bench import running

    try:
        summary = running.complete(asked, command=typed(), report=told)
    except (ValueError, RuntimeError, OSError) as error:
        return bench_show.refused(error, debug=console.debug)
    for reason in summary.reasons:
        print(f"pellucid: skipped: {reason}", file=sys.stderr)
    if summary.other_code:
        show.note(f"{summary.other_code} cells were made by other code (--renew runs them again)")
    if summary.left:
        print(
            f"pellucid: interrupted: {summary.left} cells are left; the same command goes on", file=sys.stderr
        )
    counts = f"{summary.done} done, {summary.kept} kept, {summary.skipped} skipped, {summary.failed} failed"
    print(f"{summary.folder}: {counts}")
    return _code([summary])


@app.command()
def submit(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Folder that `bench run` wrote.")],
    method: Annotated[str, typer.Option(help="Which entry, as in the rows.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the files go.")],
    preset: Annotated[str | None, typer.Option(help="Where it was run with several.")] = None,
    seed: Annotated[int, typer.Option(help="Of the run.")] = 0,
) -> None:
    """Bundle results on DND as its server takes them."""
    from pellucid.bench import render

    try:
        count = render.dnd(results, method, out, preset=preset, seed=seed)
    except (ValueError, OSError) as error:
        raise typer.Exit(bench_show.refused(error, debug=False)) from None
    print(f"{out}: {count} files")


@app.command()
@functools.partial(spread, without=["json"])
def suite(
    asked: Workers,
    console: Console,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A suite; without one, they are listed.")
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="Small crops of a few pictures, marked so: minutes on two cores.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Results go to FOLDER/NAME.")
    ] = None,
) -> int:
    """Run a table or a figure of a paper, and set its printed numbers beside ours."""
    from pellucid.bench import suites

    if name is None:
        found = [suites.load(one) for one in suites.names()]
        print(show.columns([("name", "what"), *((one.name, one.title) for one in found)]))
        return 0
    try:
        if out is None:
            raise ValueError("a suite needs a folder for its results. Name it with -o FOLDER.")
        chosen = suites.load(name, "small" if small else "full")
        wishes: Any = {f.name: getattr(asked, f.name) for f in dataclasses.fields(asked)}
        done = suites.run(chosen, out, command=typed(), report=told, said=show.note, **wishes)
    except (ValueError, OSError, RuntimeError) as error:
        return bench_show.refused(error, debug=console.debug)
    print(done.text)
    print(f"{done.folder}: pellucid bench page {done.folder} --published {done.folder / 'published.toml'}")
    return _code(done.summaries)


def _code(summaries: Sequence[Summary]) -> int:
    """0 when every cell has a result or a reason, 1 when some failed or are left."""
    return FAILED if any(s.failed or s.left for s in summaries) else 0


def typed() -> list[str]:
    """The command as typed, for the manifest."""
    return ["pellucid", *sys.argv[1:]]


def told(report: RunProgress) -> None:
    """A line per cell on stderr."""
    print(line(report), file=sys.stderr, flush=True)


def line(report: RunProgress) -> str:
    """What came of a cell, and how long the rest will take.

    >>> from pellucid.bench import RunProgress
    >>> row = {"set": "CC15", "image": "a", "seed": 0, "method": "nlm", "preset": "fast", "psnr": 35.0,
    ...        "seconds": 2.0, "error": None, "skipped": None}
    >>> line(RunProgress(done=1, total=4, row=row, left=90.0))
    '1/4 CC15 a seed 0 nlm: 35.00 dB, 2.0 s; about 2 min left'
    """
    row = report.row
    text = f"{report.done}/{report.total} {row['set']} {row['image']} seed {row['seed']} {row['method']}"
    if row["skipped"] is not None:
        text += f": skipped: {row['skipped']}"
    elif row["error"] is not None:
        text += f": error: {row['error']}"
    else:
        score = "no truth" if row["psnr"] is None else f"{row['psnr']:.2f} dB"
        text += f": {score}, {row['seconds']:.1f} s"
    return f"{text}; {_left(report.left)}" if report.done < report.total else text


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "time left unknown"
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60:.0f} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"


for verb in (bench_show.table, bench_show.page, bench_show.curves):
    app.command()(verb)
