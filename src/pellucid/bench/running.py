"""A run: every cell that is not finished, one worker process per entry, a row as soon as a cell is done."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Unpack

from pellucid.bench import datasets, log, manifest, plan
from pellucid.bench.log import CellRow
from pellucid.bench.plan import CellJob
from pellucid.bench.process import Worker
from pellucid.bench.request import BenchRun, RunOptions
from pellucid.bench.spec import parse_entry, parse_set, split
from pellucid.request import checked
from pellucid.tasks import Lines

PEER_GRACE = 15.0
"""seconds beyond the limit in which a peer, which has a limit of its own, may report that it was too slow"""


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """Where a run is; given to the callback after every cell.

    Attributes:
        done: cells done by this run.
        total: cells that it has to do.
        row: of the last cell.
        left: seconds left, by the mean time of the cells of the same method so far; None while nobody knows.
    """

    done: int
    total: int
    row: CellRow
    left: float | None


@dataclass(kw_only=True)
class Summary:
    """What a run did.

    Attributes:
        folder: of the results.
        done: cells that it finished.
        kept: cells that were finished before.
        other_code: those of them that other code has made.
        skipped: cells that could not be run, with the reason in their rows.
        failed: cells that ended in an error.
        left: cells that an interrupt has left.
    """

    folder: Path
    done: int = 0
    kept: int = 0
    other_code: int = 0
    skipped: int = 0
    failed: int = 0
    left: int = 0
    reasons: list[str] = field(default_factory=list)


def run(
    data: str | Sequence[str],
    methods: str | Sequence[str],
    out: str | Path,
    *,
    report: Callable[[RunProgress], None] | None = None,
    command: Sequence[str] = (),
    **options: Unpack[RunOptions],
) -> Summary:
    """Run methods on data sets; what is finished in ``out`` is not run again.

    Args:
        data: sets, "SET[:model:level[-level][:clip]]", a list or text with commas.
        methods: entries, "NAME[+FIELD=VALUE]...[@ORACLE]", a list or text with commas.
        out: results folder; made where it does not exist.
        report: called after every cell.
        command: for the manifest; none is this call.
        options: the other fields of `BenchRun`, which says what each is.

    Returns:
        how many cells were done, kept, skipped, failed; after Ctrl-C with what is left.

    Raises:
        ValueError: for an argument that is not understood, before anything is run.
        TypeError: for an argument that there is not.
        FileNotFoundError: for a set that is not on this machine, unless ``absent`` is "skip".
        RuntimeError: when another run writes to ``out``, or workers cannot start.
    """
    asked = checked(BenchRun, {"data": data, "methods": methods, "out": Path(out), **options})
    return complete(asked, report=report, command=command)


def complete(
    asked: BenchRun,
    *,
    report: Callable[[RunProgress], None] | None = None,
    command: Sequence[str] = (),
) -> Summary:
    """Run what is asked; arguments, result and errors as for `run`."""
    specs = [parse_set(text) for text in split(asked.data, levels=True)]
    entries = [parse_entry(text) for text in split(asked.methods)]
    if not specs or not entries:
        raise ValueError("a run needs at least one set, one method and one seed.")
    place = datasets.root(asked.data_root)
    pictures = {s.text: plan.chosen(s, place, asked.limit, asked.images, asked.absent) for s in specs}
    known = plan.known(specs, place) if asked.images is not None else ()
    plan.check(entries, preset=asked.preset, commands=asked.peers, images=asked.images, known=known)
    planned = plan.plan(specs, entries, pictures, asked.preset, list(dict.fromkeys(asked.seeds)), asked.crop)
    asked.out.mkdir(parents=True, exist_ok=True)
    threads = asked.threads or int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    told = manifest.make(
        command or ["pellucid.bench.run"],
        sets=[s.text for s in specs],
        methods=[e.text for e in entries],
        preset=asked.preset,
        seeds=list(asked.seeds),
        limit=asked.limit,
        images=None if asked.images is None else list(asked.images),
        crop=asked.crop,
        device=asked.device,
        threads=threads,
        timeout=asked.timeout,
        label=asked.label,
    )
    shared = {
        "out": str(asked.out.resolve()),
        "root": str(place.resolve()),
        "device": asked.device,
        "peers": list(asked.peers),
        "peer_folder": None if asked.peer_folder is None else str(asked.peer_folder),
        "timeout": asked.timeout,
        "threads": threads,
    }
    with log.opened(asked.out) as file:
        manifest.keep(asked.out, told)
        rows = log.read(asked.out)
        summary, todo = _left(planned, rows, asked, told["source"])
        _run_all(todo, rows, file, shared, told["source"], summary, report)
    return summary


def _left(
    planned: Sequence[tuple[CellJob, str]],
    rows: dict[str, CellRow],
    asked: BenchRun,
    source: str,
) -> tuple[Summary, list[tuple[CellJob, str]]]:
    """The cells that are not finished: skipped ones are looked at again, errors where asked for."""
    summary = Summary(folder=asked.out)
    todo = []
    for cell, reason in planned:
        row = rows.get(cell.key)
        other = row is not None and row.get("source") != source
        again = row is None or row.get("skipped") or (row.get("error") and asked.retry)
        again = again or (other and asked.renew)
        if row is not None and not again and row.get("file") and not (asked.out / row["file"]).is_file():
            again = True  # its picture was removed
        if again:
            todo.append((cell, reason))
        else:
            summary.kept += 1
            summary.other_code += other
    return summary, todo


def _run_all(
    todo: Sequence[tuple[CellJob, str]],
    rows: dict[str, CellRow],
    file: Lines,
    shared: CellRow,
    source: str,
    summary: Summary,
    report: Callable[[RunProgress], None] | None,
) -> None:
    worker: Worker | None = None
    times: dict[str, list[float]] = {}
    current = ""
    summary.left = len(todo)
    try:
        for number, (cell, reason) in enumerate(todo):
            if cell.method != current and worker is not None:
                worker.end()
                worker = None
            current = cell.method
            began = time.monotonic()
            if reason:
                found: CellRow = {"skipped": reason}
            else:
                worker = worker or Worker(cell.method, shared["threads"], device=shared["device"])
                worker.start()
                began = time.monotonic()
                found = worker.run(shared | asdict(cell), _limit(cell, shared["timeout"]))
            row = plan.row_of(cell, source, found)
            if row["skipped"] is None or rows.get(cell.key) != row:
                file.append(row)
            if row["skipped"] is None:
                times.setdefault(cell.method, []).append(time.monotonic() - began)
            summary.left -= 1
            summary.skipped += row["skipped"] is not None
            summary.failed += row["error"] is not None
            summary.done += row["skipped"] is None and row["error"] is None
            if row["skipped"] is not None:
                summary.reasons = list(dict.fromkeys([*summary.reasons, f"{cell.method}: {row['skipped']}"]))
            if report is not None:
                rest = [later.method for later, why in todo[number + 1 :] if not why]
                report(RunProgress(done=number + 1, total=len(todo), row=row, left=_time_left(rest, times)))
    except KeyboardInterrupt:
        pass  # what is finished is written; the cell at hand is lost
    finally:
        if worker is not None:
            worker.end()


def _limit(cell: CellJob, timeout: float | None) -> float | None:
    grace = PEER_GRACE if cell.method.startswith("peer:") else 0.0
    return None if timeout is None else timeout + grace


def _time_left(rest: Sequence[str], times: dict[str, list[float]]) -> float | None:
    if not rest:
        return 0.0
    if not times:
        return None
    usual = mean(mean(values) for values in times.values())
    known = {name: mean(values) for name, values in times.items()}
    return sum(known.get(name, usual) for name in rest)
