"""`denoise` of what is larger than memory: every input region by region, and a record of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from pellucid import series, tasks
from pellucid.cli import batch, show
from pellucid.cli.gather import Found
from pellucid.cli.progress import watching
from pellucid.cli.record import NOISE_KEYS, Record
from pellucid.large import carry, memory, refusing
from pellucid.noise import analysis
from pellucid.request import Denoise, Inspect, Output, Request, Restore
from pellucid.stores import is_zarr, opened
from pellucid.stores.opening import ENDINGS

LARGE = 100_000_000
"""values of a single picture from which on `auto` works region by region without being asked: whole, it would
take 4 GB and more"""
AT_ONCE = 20_000_000
"""bytes that may be decoded at once there; more, and the regions would not fit into the usual memory"""
UNASKED = f"a large picture, worked on region by region in {memory.USUAL} (--memory), as a sample of it says"


def wanted(found: Sequence[Found], request: Request, output: Output) -> bool:
    """Whether the inputs are worked on region by region.

    Zarr always is, all else where memory is stated, and a TIFF or NPY file of one large picture.
    """
    return _asked(found, output) or _large(found, request, output)


def _asked(found: Sequence[Found], output: Output) -> bool:
    return (
        output.memory is not None
        or output.out.suffix.lower() == ".zarr"
        or any(is_zarr(one.path) for one in found)
    )


def _large(found: Sequence[Found], request: Request, output: Output) -> bool:
    """Whether all are large pictures, and nothing was asked for that needs them whole."""
    ending = output.out.suffix.lower()
    if not isinstance(request, Denoise) or isinstance(request, Restore) or request.method != "auto":
        return False
    if request.model is not None or output.format is not None or (ending and ending not in ENDINGS):
        return False
    try:
        refusing.options(request, output)
    except ValueError:
        return False
    return bool(found) and all(_is_large(one.path) for one in found)


def _is_large(path: Path) -> bool:
    """Whether a file holds one large picture that can be read region by region."""
    try:
        if path.suffix.lower() not in ENDINGS or path.stat().st_size < AT_ONCE:
            return False
        with closing(opened(path)) as store:
            form = store.form
    except (OSError, ValueError, TypeError):
        return False
    single = all(n == 1 for n, letter in zip(form.shape, form.axes, strict=True) if letter not in "YXSC")
    fits = form.plain or math.prod(form.chunks) * form.dtype.itemsize <= AT_ONCE
    return single and fits and form.values >= LARGE


def check(request: Request, output: Output) -> None:
    """Refuse what does not go region by region, before anything is read.

    Raises:
        ValueError: naming it.
    """
    if not isinstance(request, Denoise) or isinstance(request, Restore):
        raise ValueError(
            f"{request.verb} works on whole pictures, not region by region. Save the picture as TIFF or NPY, "
            "and leave memory out."
        )
    if output.format is not None:
        raise ValueError("format does not apply region by region: the output's name says it. Leave it out.")
    memory.parsed(output.memory or memory.USUAL)
    refusing.options(request, output)


def targets(found: Sequence[Found], output: Output) -> list[Path]:
    """One output per input; one that is a Zarr store, or is named like one, is no folder of outputs.

    Raises:
        ValueError: as `batch.outputs`.
    """
    out = output.out
    alone = len(found) == 1 and not found[0].gathered
    if alone and (out.suffix.lower() == ".zarr" or is_zarr(out)):
        return [out]
    return batch.outputs(found, out, suffix=output.suffix)


def carry_out(
    found: Sequence[Found], request: Request, output: Output, *, debug: bool
) -> tuple[list[Record], bool]:
    """Do every input; an error stops its own only.

    Raises:
        ValueError: as `check` and `targets`.

    Returns:
        A record per input that was begun, and whether an interrupt ended the run.
    """
    check(request, output)
    records: list[Record] = []
    names, notes = targets(found, output), () if _asked(found, output) else (UNASKED,)
    with tasks.held(lambda: show.note("interrupted: the region at work is finished first")) as interrupt:
        for one, target in zip(found, names, strict=True):
            if output.skip_existing and target.exists():
                records.append({"input": str(one.path), "output": str(target), "skipped": True})
                continue
            if len(names) > 1 or not output.out.suffix:
                target.parent.mkdir(parents=True, exist_ok=True)
            try:
                records.append(_one(one.path, target, request, output, interrupt, notes))
            except Exception as error:  # noqa: BLE001 - whatever one input does, the others go on
                records.append(batch.failure(one.path, error, debug=debug))
            if interrupt():
                return records, True
    return records, False


def _one(
    source: Path,
    target: Path,
    request: Request,
    output: Output,
    interrupt: tasks.Interrupt,
    notes: tuple[str, ...],
) -> Record:
    with watching(str(source), _line, "looking at a sample") as told:
        update = None if told is None else lambda done, count: told((done, count))
        outcome = carry.denoise(
            source,
            target,
            request,  # type: ignore[arg-type] # `check` has seen to it
            output,
            told=update,
            stop=interrupt,
        )
    if outcome.interrupted:
        raise ValueError(f"interrupted: {source} is not done yet. The same command goes on where it ended.")
    decision, noise = outcome.decision, outcome.decision.noise.to_json()
    return {
        "input": str(source),
        "output": str(target),
        "method": decision.choice.method,
        "reason": decision.choice.reason,
        "axis": decision.axis.lower() or None,
        "seconds": round(outcome.seconds, 4),
        "regions": outcome.regions,
        "regions_before": outcome.before,
        "iterations": 1,
        "stopped_by": "finished",
        "seed": decision.request.seed,
        "noise": {key: noise[key] for key in NOISE_KEYS},
        "trust": None if decision.trust is None else decision.trust.to_json(),
        "warnings": [*notes, *outcome.notes],
    }


def inspected(path: Path, request: Inspect, *, as_json: bool) -> Record:
    """What `inspect` tells of a store, by a sample of it.

    Raises:
        ValueError: when the store is damaged, or a region of it was named.
    """
    if request.noise_region is not None:
        raise ValueError("noise_region does not apply to a store, which is seen by a sample. Leave it out.")
    decision = carry.inspected(path, request)
    record: Record = {
        "input": str(path),
        "method": decision.choice.method,
        "reason": decision.choice.reason,
        "noise": decision.noise.to_json(),
        "axis": decision.axis.lower() or None,
        "along": [one.to_json() for one in decision.series],
        "notes": ["seen by a sample of windows from all over the store", *decision.notes],
    }
    if not as_json:
        along = series.told(decision.series)
        words = "\n".join((*record["notes"], analysis.words(decision.noise), *along))
        record["words"] = f"{words}\n  denoise would use {decision.words}"
    return record


def _line(told: tuple[int, int]) -> str:
    return f"region {told[0]} of {told[1]}"
