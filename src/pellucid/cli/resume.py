"""A batch: each input is done once, however often the command is started; a manifest says what is done."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import replace
from pathlib import Path

from pellucid import __version__, models, tasks
from pellucid.cli import batch, progress
from pellucid.cli.record import Record
from pellucid.files.replace import sweep
from pellucid.request import Output, Request, to_json
from pellucid.run import Job, Settings

NAME = "pellucid.jsonl"
"""of the manifest, in the output folder"""


def carry_out(
    jobs: Sequence[Job], settings: Sequence[Settings], output: Output, *, manifest: bool, debug: bool
) -> tuple[list[Record], bool]:
    """Do every job by its settings; an error stops its own job only.

    Args:
        jobs: what to do.
        settings: of each.
        output: where to, how many at a time, and what to do about what is there.
        manifest: whether what is done is written down in the output folder, and not done again.
        debug: whether the tracebacks of errors are shown.

    Returns:
        A record per job that was begun or is done, in their order, and whether an interrupt ended the batch.

    Raises:
        OSError: when the manifest cannot be written; RuntimeError when another run writes to it, or a process
            cannot start; ValueError when the file there is no manifest.
    """
    keys = [_key(job, output.out) for job in jobs]
    records: dict[str, Record] = {}
    with ExitStack() as stack:
        notes = stack.enter_context(opened(output.out)) if manifest else None
        items = []
        for key, job, own in zip(keys, jobs, settings, strict=True):
            found = _there(
                tasks.WorkItem(key, fingerprint(job, own), (own, job)), notes, output.skip_existing
            )
            if isinstance(found, tasks.WorkItem):
                items.append(found)
            else:
                records[key] = found
        if notes is not None and items:
            notes.remark(_asked(settings[0].request, output))
        shown = progress.bar(len(items)) if len(items) > 1 else nullcontext(progress.Bar())
        bar = stack.enter_context(shown)
        stopped = _work(items, notes, output, bar, records, debug=debug)
    done = [records[key] for key in keys if key in records]
    return done, stopped or len(done) < len(jobs)


def _work(
    items: Sequence[tasks.WorkItem],
    notes: tasks.Manifest | None,
    output: Output,
    bar: progress.Bar,
    records: dict[str, Record],
    *,
    debug: bool,
) -> bool:
    """Add the records of the items; whether an interrupt left one without anything to keep."""
    apart = output.cluster is not None or (output.jobs is not None and len(items) > 1)
    named = {item.key: item.payload[1] for item in items}

    def here(payload: tuple[Settings, Job]) -> Record:
        with bar.at(str(payload[1].inputs[0])) as tell:
            return batch.work(*payload, tell)

    def warned() -> None:
        bar.say("interrupted: what is at work will be finished; Ctrl-C again stops at once")

    with ExitStack() as stack:
        sent = [replace(one, payload=(one.payload[0].request, one.payload[1])) for one in items]
        if output.cluster is not None:  # its workers stand in other folders
            sent = [replace(one, payload=batch.absolute(*one.payload)) for one in sent]
        outcomes = tasks.carry_out(
            sent if apart else items,
            batch.work_apart if apart else here,
            manifest=notes,
            jobs=output.jobs if apart else None,
            cluster=output.cluster,
            whole=lambda row: _whole(row, named[row["key"]]),
            stop=stack.enter_context(tasks.held(warned)) if apart else None,
        )
        stack.enter_context(closing(outcomes))
        try:
            for outcome in outcomes:
                records[outcome.item.key] = _record(outcome, named[outcome.item.key], debug=debug)
                bar.advance(before=outcome.before)
                if isinstance(outcome.error, tasks.UnfinishedError):
                    break
        except KeyboardInterrupt:
            left = [item for item in items if item.key not in records]
            if apart or not left:
                return bool(left)
            words = "interrupted before there was anything to keep"
            records[left[0].key] = {"input": str(named[left[0].key].inputs[0]), "error": words}
            return True
    return False


def _record(outcome: tasks.Outcome, job: Job, *, debug: bool) -> Record:
    """What is told of an outcome."""
    if isinstance(outcome.error, tasks.UnfinishedError):
        told: Record = outcome.error.value["record"]
        return told
    if isinstance(outcome.error, Exception):
        return batch.failure(job.inputs[0], outcome.error, debug=debug)
    told = outcome.value["record"]
    return told | {"done_before": True} if outcome.before else told


def fingerprint(job: Job, settings: Settings) -> str:
    """A hash of all that decides what is written: the request, the version, the files that are read."""
    request = settings.request
    read = []
    for path in (*job.inputs, *_named(request, settings.model)):
        found = tasks.identity(path)
        read.append([path.name, found["size"], found["mtime_ns"]])  # the folders may be moved
    named = [None if p is None else p.name for p in (job.output, job.report, job.uncertainty, job.reference)]
    how = [job.format, job.raw, *named]
    return tasks.fingerprint(__version__, request.verb, to_json(request), read, how)


def _named(request: Request, model: str | None) -> Iterator[Path]:
    """The files that a request names, besides its inputs."""
    for name in ("guide", "mask", "sigma"):
        value = getattr(request, name, None)
        if isinstance(value, str | Path) and Path(value).is_file():
            yield Path(value)
    if model is not None:
        yield models.locate(model)


def _asked(request: Request, output: Output) -> Record:
    """What a run was asked, for people who read the manifest."""
    return {"pellucid": __version__, "verb": request.verb, "request": to_json(request), "jobs": output.jobs}


def _key(job: Job, folder: Path) -> str:
    """The output below its folder, so that the folder may be moved."""
    return Path(os.path.relpath(job.output, folder)).as_posix()


def opened(folder: Path) -> tasks.Manifest:
    """The manifest of an output folder; both are made where they are not there.

    Raises:
        OSError: when they cannot be, in words; the others as `tasks.Manifest`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tasks.Manifest(folder / NAME)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(
            f"cannot write to the folder {folder}: {why}. Name one that you may write to."
        ) from error


def _there(item: tasks.WorkItem, notes: tasks.Manifest | None, skip: bool) -> tasks.WorkItem | Record:
    """The item, with the right to replace what is its own; or the record of one that is not to be done."""
    settings, job = item.payload
    if notes is not None and notes.broken_off(item.key):
        for path in batch.written(job).values():
            sweep(path)
    if not job.output.exists():
        return item
    left = notes is not None and notes.left_over(item.key, job.output)
    if skip and not left:
        return {"input": str(job.inputs[0]), "output": str(job.output), "skipped": True}
    row = None if notes is None else notes.done(item)
    if row is not None and _whole(row, job):
        return item
    same = row is not None and tasks.identity(job.output)["size"] == row["value"]["outputs"]["output"]
    if left or same:  # of this very work, so there is nothing of anybody else to lose
        return replace(item, payload=(settings, replace(job, overwrite=True)))
    if notes is None or job.overwrite:
        return item
    known = item.key in notes.rows
    other = f" {NAME} there says that other settings or another input made it." if known else ""
    return batch.failure(job.inputs[0], FileExistsError(f"{job.taken()}{other}"), debug=False)


def _whole(row: tasks.Row, job: Job) -> bool:
    """Whether all that a finished job wrote is there as it was written."""
    sizes = row["value"]["outputs"]
    written = batch.written(job)
    return all(
        tasks.identity(written[name])["size"] == size for name, size in sizes.items() if name in written
    )
