"""`pellucid bench data`, `run` and `submit`: from what was typed to work and what is printed."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

from pellucid import bench
from pellucid.bench import render, running
from pellucid.cli import show

FAILED, USAGE = 1, 2


def data(data_root: Path | None, *, as_json: bool) -> int:
    """`pellucid bench data`: a line per set, first those that are here."""
    place = bench.root(data_root)
    here: list[dict[str, Any]] = []
    absent: list[dict[str, Any]] = []
    for name, known in bench.DATASETS.items():
        row: dict[str, Any] = {"name": name, "kind": known.kind, "expected": known.count or None}
        row |= {"source": known.source, "page": known.page, "licence": known.licence}
        row |= {"folders": list(known.folders), "layout": known.how}
        try:
            found = bench.find(name, place)
        except ValueError as error:
            here.append(row | {"images": 0, "folder": None, "fault": " ".join(str(error).split())})
            continue
        if found is None:
            absent.append(row | {"images": 0, "folder": None, "fault": None})
        else:
            row |= {"images": len(found.samples), "folder": str(found.folder), "fault": found.fault or None}
            here.append(row)
    if as_json:
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


def run(sets: str, methods: str, out: Path, seeds: str, wishes: dict[str, Any], *, debug: bool) -> int:
    """`pellucid bench run`: 0 when every cell has a result or a reason, 1 when some failed or are left."""
    try:
        summary = bench.run(
            sets,
            methods,
            out,
            seeds=_seeds(seeds),
            command=running.typed(),
            report=told,
            **wishes,
        )
    except (ValueError, FileNotFoundError, RuntimeError, OSError) as error:
        if debug:
            traceback.print_exc(file=sys.stderr)
        show.error(str(error))
        return USAGE
    for reason in summary.reasons:
        print(f"pellucid: skipped: {reason}", file=sys.stderr)
    if summary.other_code:
        print(
            f"pellucid: note: {summary.other_code} cells were made by other code (--renew runs them again)",
            file=sys.stderr,
        )
    if summary.left:
        print(
            f"pellucid: interrupted: {summary.left} cells are left; the same command goes on", file=sys.stderr
        )
    counts = f"{summary.done} done, {summary.kept} kept, {summary.skipped} skipped, {summary.failed} failed"
    print(f"{summary.folder}: {counts}")
    return FAILED if summary.failed or summary.left else 0


def submit(results: Path, method: str, out: Path, *, preset: str | None, seed: int) -> int:
    """`pellucid bench submit`."""
    try:
        count = render.dnd(results, method, out, preset=preset, seed=seed)
    except (ValueError, OSError) as error:
        show.error(str(error))
        return USAGE
    print(f"{out}: {count} files")
    return 0


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"seeds must be whole numbers separated by commas, got {text!r}.") from None


def told(report: bench.RunProgress) -> None:
    """A line per cell on stderr."""
    print(line(report), file=sys.stderr, flush=True)


def line(report: bench.RunProgress) -> str:
    """What came of a cell, and how long the rest will take.

    >>> row = {"set": "CC15", "image": "a", "seed": 0, "method": "nlm", "preset": "fast", "psnr": 35.0,
    ...        "seconds": 2.0, "error": None, "skipped": None}
    >>> line(bench.RunProgress(done=1, total=4, row=row, left=90.0))
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
