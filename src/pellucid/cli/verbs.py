"""The verbs: from what was typed to what is done and printed; each returns the exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pellucid import files, series
from pellucid import methods as table
from pellucid.cli import batch, regions, resume, show
from pellucid.cli.gather import gather
from pellucid.cli.options import USAGE, Console
from pellucid.noise import analysis
from pellucid.request import Denoise, Inspect, Output, Request, Restore
from pellucid.run import settle, uncertainty
from pellucid.run.verbs import inspected
from pellucid.stores import is_zarr

FAILED = 1
AS_IT_CAME = 3


def restore(inputs: Sequence[Path], request: Request, output: Output, console: Console) -> int:
    """`pellucid denoise`, `inpaint`, `restore` and `upscale`.

    Returns:
        0 when every input was written, 1 when some failed, 2 for wrong usage, 3 when all were written and
        some outputs are the inputs, as the last look could defend nothing better.
    """
    try:
        one_scene = _one_scene(request)
        found = gather(inputs, recursive=output.recursive, without=output.out)
        if regions.wanted(found, request, output):
            regions.check(request, output)
            records, cut_short = regions.carry_out(found, request, output, debug=console.debug)
            return _told(records, cut_short, len(found), console)
        settings = settle(request, shots=len(found) if one_scene else 1)
        jobs = batch.plan(found, output, one_scene=one_scene, masks=_looks(request))
        each = batch.masked(settings, len(jobs))
        if output.uncertainty is not None:
            uncertainty.check(settings, output.uncertainty, len(jobs))
    except (ValueError, TypeError, FileNotFoundError) as error:
        if console.debug:
            traceback.print_exc(file=sys.stderr)
        show.error(str(error))
        return USAGE
    several = batch.many(found, one_scene=one_scene)
    try:
        records, cut_short = resume.carry_out(jobs, each, output, manifest=several, debug=console.debug)
    except (OSError, RuntimeError, ValueError) as error:
        if console.debug:
            traceback.print_exc(file=sys.stderr)
        show.error(str(error))
        return FAILED
    return _told(records, cut_short, len(jobs), console, goes_on=several)


def _told(
    records: Sequence[dict[str, Any]],
    cut_short: bool,
    planned: int,
    console: Console,
    *,
    goes_on: bool = True,
) -> int:
    """Say what came of all inputs, and whether the same command goes on; the exit code."""
    show.records(records, as_json=console.json, alone=planned == 1)
    if len(records) > 1:
        show.summary(records, planned)
    if cut_short:
        on = " The same command goes on from there." if goes_on else ""
        show.error(f"interrupted: {len(records)} of {planned} inputs were begun.{on}")
    failed = [record for record in records if "error" in record]
    if failed and not cut_short and all("wrong_usage" in record for record in failed):
        return USAGE
    if cut_short or failed:
        return FAILED
    return AS_IT_CAME if any(_taken_back(record) for record in records) else 0


def _taken_back(record: dict[str, Any]) -> bool:
    """Whether what was written is the input, as nothing better could be defended."""
    return record.get("method") == "none" and (record["trust"] or {}).get("level") == "low"


def _looks(request: Request) -> bool:
    """Whether damage is looked for, so that there is a mask to write."""
    return isinstance(request, Restore) and request.mask is None and not request.document


def _one_scene(request: Request) -> bool:
    """Whether the inputs are shots of one scene: where that is said, and for a method that takes shots."""
    said = isinstance(request, Denoise) and request.shots
    return said or (request.method != "auto" and bool(table.load(request.method).takes_shots))


def inspect(inputs: Sequence[Path], request: Inspect, console: Console) -> int:
    """`pellucid inspect`: the noise of every input, and what auto would do."""
    records: list[dict[str, Any]] = []
    try:
        paths = [one.path for one in gather(inputs)]
    except ValueError as error:
        show.error(str(error))
        return USAGE
    for path in paths:
        try:
            if is_zarr(path):
                records.append(regions.inspected(path, request, as_json=console.json))
                continue
            picture = files.read(path, data_range=request.data_range, nodata=request.nodata)
            state = inspected(picture, request)
        except Exception as error:  # noqa: BLE001 - whatever one input does, the others go on
            records.append(batch.failure(path, error, debug=console.debug))
            continue
        choice = state.choice
        record: dict[str, Any] = {
            "input": str(path),
            "method": choice.method,
            "reason": choice.reason,
            "noise": state.noise.to_json(),
            "prepared": state.prepared.to_json(),
            "along": [one.to_json() for one in state.series],
            "notes": list(dict.fromkeys((*picture.notes, *state.notes))),
        }
        if not console.json:
            noise = analysis.words(state.noise)
            told = (*record["notes"], *state.prepared.sentences, noise, *series.told(state.series))
            words = "\n".join(told)
            record["words"] = f"{words}\n  denoise would use {choice.method}: {choice.reason}"
        records.append(record)
    show.records(records, as_json=console.json, alone=len(paths) == 1)
    return FAILED if any("error" in record for record in records) else 0


def demo(out: Path) -> int:
    """`pellucid demo`: a picture with known truth, before and after."""
    from pellucid import demo as shown

    try:
        print(shown.run(out))
    except OSError as error:
        show.error(str(error))
        return FAILED
    return 0
