"""A run: every cell that is not finished, one worker process per entry, a row as soon as a cell is done."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean

from pellucid import checks
from pellucid.bench import asking, datasets, log, manifest, plan
from pellucid.bench.log import CellRow
from pellucid.bench.plan import Job
from pellucid.bench.process import Worker
from pellucid.bench.spec import parse_entry, parse_set, split

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
    preset: str = "fast",
    seeds: Sequence[int] = (0,),
    limit: int | None = None,
    images: Sequence[str] | None = None,
    crop: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    timeout: float | None = None,
    retry: bool = False,
    renew: bool = False,
    absent: str = "error",
    peers: Sequence[str] = (),
    peer_folder: str | Path | None = None,
    label: str = "",
    data_root: str | Path | None = None,
    command: Sequence[str] = (),
    report: Callable[[RunProgress], None] | None = None,
) -> Summary:
    """Run methods on data sets; what is finished in ``out`` is not run again.

    Args:
        data: sets, "SET[:model:level[-level][:clip]]", a list or text with commas.
        methods: entries, "NAME[+FIELD=VALUE]...[@ORACLE]", a list or text with commas.
        out: results folder; made where it does not exist.
        preset: of methods that have presets; an entry may have its own, "dip+preset=paper".
        seeds: of the noise, and of the methods' own draws.
        limit: only the first so many pictures of each set.
        images: only the pictures of these names.
        crop: side of a centre crop, pixels.
        device: auto, cpu, cuda, cuda:1 or mps.
        threads: of a worker; None takes OMP_NUM_THREADS, else all cores.
        timeout: seconds for one cell.
        retry: whether cells that ended in an error are run again.
        renew: whether cells that other code has made are run again.
        absent: "error", or "skip" for a row that says so where a set is not on this machine.
        peers: "name=command {in} {out}" for entries "peer:name".
        peer_folder: where peers are installed.
        label: what the results are to be called, e.g. "small form: 128x128 crops, 2 images".
        data_root: else PELLUCID_DATA, else `data`.
        command: for the manifest; None is this call.
        report: called after every cell.

    Returns:
        how many cells were done, kept, skipped, failed; after Ctrl-C with what is left.

    Raises:
        ValueError: for an argument that is not understood, before anything is run.
        FileNotFoundError: for a set that is not on this machine, unless ``absent`` is "skip".
        RuntimeError: when another run writes to ``out``, or workers cannot start.
    """
    checks.one_of("absent", absent, ("error", "skip"))
    for name, value in (("limit", limit), ("crop", crop), ("threads", threads)):
        if value is not None:
            checks.in_range(name, value, 1)
    if timeout is not None:
        checks.in_range("timeout", timeout, 0, low_open=True)
    specs = [parse_set(text) for text in split(data, levels=True)]
    entries = [parse_entry(text) for text in split(methods)]
    if not specs or not entries or not seeds:
        raise ValueError("a run needs at least one set, one method and one seed.")
    place = datasets.root(data_root)
    pictures = {s.text: plan.chosen(s, place, limit, images, absent) for s in specs}
    known = plan.known(specs, place) if images is not None else ()
    asking.check(entries, preset=preset, commands=peers, images=images, known=known)
    planned = plan.plan(specs, entries, pictures, preset, list(dict.fromkeys(seeds)), crop)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    count = threads or int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    told = manifest.make(
        command or ["pellucid.bench.run"],
        sets=[s.text for s in specs],
        methods=[e.text for e in entries],
        preset=preset,
        seeds=list(seeds),
        limit=limit,
        images=None if images is None else list(images),
        crop=crop,
        device=device,
        threads=count,
        timeout=timeout,
        label=label,
    )
    shared = {
        "out": str(folder.resolve()),
        "root": str(place.resolve()),
        "device": device,
        "peers": list(peers),
        "peer_folder": None if peer_folder is None else str(peer_folder),
        "timeout": timeout,
        "threads": count,
    }
    with log.opened(folder) as file:
        manifest.keep(folder, told)
        rows = log.read(folder)
        summary, todo = _left(planned, rows, folder, told["source"], retry=retry, renew=renew)
        _run_all(todo, rows, file, shared, told["source"], summary, report)
    return summary


def _left(
    planned: Sequence[tuple[Job, str]],
    rows: dict[str, CellRow],
    folder: Path,
    source: str,
    *,
    retry: bool,
    renew: bool,
) -> tuple[Summary, list[tuple[Job, str]]]:
    """The cells that are not finished: skipped ones are looked at again, errors where asked for."""
    summary = Summary(folder=folder)
    todo = []
    for cell, reason in planned:
        row = rows.get(cell.key)
        other = row is not None and row.get("source") != source
        again = row is None or row.get("skipped") or (row.get("error") and retry) or (other and renew)
        if row is not None and not again and row.get("file") and not (folder / row["file"]).is_file():
            again = True  # its picture was removed
        if again:
            todo.append((cell, reason))
        else:
            summary.kept += 1
            summary.other_code += other
    return summary, todo


def _run_all(
    todo: Sequence[tuple[Job, str]],
    rows: dict[str, CellRow],
    file: log.CellLog,
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


def _limit(cell: Job, timeout: float | None) -> float | None:
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


def typed() -> list[str]:
    """The command as typed, for the manifest."""
    return ["pellucid", *sys.argv[1:]]
