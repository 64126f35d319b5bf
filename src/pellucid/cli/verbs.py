"""The verbs: from what was typed to work and what is printed; each returns the exit code."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from pellucid import auto, fields, files
from pellucid import methods as table
from pellucid.cli import batch, progress, show
from pellucid.cli import uncertainty as maps
from pellucid.noise import analysis
from pellucid.run import settle

FAILED, USAGE = 1, 2


def denoise(
    inputs: Sequence[Path],
    out: Path,
    request: dict[str, Any],
    *,
    shots: bool,
    guide: Path | None,
    format: str | None,
    reference: Sequence[Path],
    report: Path | None,
    uncertainty: Path | None,
    as_json: bool,
    overwrite: bool,
    debug: bool,
) -> int:
    """`pellucid denoise`: 0 when every input was written, 1 when some failed, 2 for wrong usage."""
    request["model"] = None if request["model"] is None else str(request["model"])
    return _restore(
        inputs,
        out,
        request,
        batch.Extras(guide=guide),
        one_scene=shots,
        paths={"format": format, "reference": reference, "report": report, "uncertainty": uncertainty},
        as_json=as_json,
        overwrite=overwrite,
        debug=debug,
    )


def inpaint(
    inputs: Sequence[Path],
    out: Path,
    request: dict[str, Any],
    *,
    masks: Sequence[Path],
    keep_known: bool,
    guide: Path | None,
    format: str | None,
    reference: Sequence[Path],
    report: Path | None,
    as_json: bool,
    overwrite: bool,
    debug: bool,
) -> int:
    """`pellucid inpaint`: exit codes as those of denoise."""
    return _restore(
        inputs,
        out,
        request | {"kind": "mask"},
        batch.Extras(guide=guide, masks=tuple(masks), keep_known=keep_known),
        paths={"format": format, "reference": reference, "report": report},
        as_json=as_json,
        overwrite=overwrite,
        debug=debug,
    )


def upscale(
    inputs: Sequence[Path],
    out: Path,
    request: dict[str, Any],
    *,
    factor: int,
    guide: Path | None,
    format: str | None,
    reference: Sequence[Path],
    report: Path | None,
    as_json: bool,
    overwrite: bool,
    debug: bool,
) -> int:
    """`pellucid upscale`: exit codes as those of denoise."""
    return _restore(
        inputs,
        out,
        request | {"kind": "downsample"},
        batch.Extras(guide=guide, factor=factor),
        paths={"format": format, "reference": reference, "report": report},
        as_json=as_json,
        overwrite=overwrite,
        debug=debug,
    )


def _restore(
    inputs: Sequence[Path],
    out: Path,
    request: dict[str, Any],
    extras: batch.Extras,
    *,
    one_scene: bool = False,
    paths: dict[str, Any],
    as_json: bool,
    overwrite: bool,
    debug: bool,
) -> int:
    try:
        request["set"] = fields.assignments(request["set"] or [])
        one_scene = one_scene or "shots" in _needs(request["method"])
        settings = settle(**request, shots=len(inputs) if one_scene else 1, guide=extras.guide is not None)
        extras.check(len(inputs))
        if paths["format"] is not None:
            paths["format"] = files.of_output("", "array", paths["format"])
        jobs = batch.plan(inputs, out, one_scene=one_scene, **paths)
        if paths.get("uncertainty") is not None:
            maps.check(settings, paths["uncertainty"], len(jobs))
    except (ValueError, TypeError, FileNotFoundError) as error:
        if debug:
            traceback.print_exc(file=sys.stderr)
        show.error(str(error))
        return USAGE
    writing = batch.Writing(
        data_range=request["data_range"], format=paths["format"], overwrite=overwrite, debug=debug
    )
    records, cut_short = batch.work(jobs, settings, writing, progress.watching, extras)
    show.records(records, as_json=as_json, alone=len(jobs) == 1)
    if cut_short:
        show.error(f"interrupted: {len(records)} of {len(jobs)} inputs were begun")
    return FAILED if cut_short or any("error" in record for record in records) else 0


def _needs(name: str) -> str:
    """What the method called so needs, e.g. "one image or shots"; several inputs are shots for such a one."""
    return table.load(name).needs if name in table.METHODS else ""


def inspect(inputs: Sequence[Path], *, as_json: bool, data_range: float | None, debug: bool) -> int:
    """`pellucid inspect`: the noise of every input, and what auto would do."""
    records: list[dict[str, Any]] = []
    for path in inputs:
        try:
            image = files.read(path, data_range=data_range)
            report = analysis.analyse(
                torch.from_numpy(image.pixels.copy()), color=image.color, scale=image.scale
            )
            choice = auto.choose(report, color=image.color, channels=image.pixels.shape[1])
        except Exception as error:  # noqa: BLE001 - whatever one input does, the others go on
            records.append(batch.failure(path, error, debug=debug))
            continue
        record = {
            "input": str(path),
            "method": choice.method,
            "reason": choice.reason,
            "noise": report.to_json(),
        }
        if not as_json:
            record["words"] = (
                f"{analysis.words(report)}\n  denoise would use {choice.method}: {choice.reason}"
            )
        records.append(record)
    show.records(records, as_json=as_json, alone=len(inputs) == 1)
    return FAILED if any("error" in record for record in records) else 0


def methods(name: str | None, *, as_json: bool) -> int:
    """`pellucid methods`: the table, or one method with its fields and presets."""
    try:
        names = list(table.METHODS) if name is None else [name]
        found = [table.load(n) for n in names]
    except ValueError as error:
        show.error(str(error))
        return USAGE
    if as_json:
        rows = [show.method_record(m, fields.describe(m.config)) for m in found]
        print(json.dumps(rows if name is None else rows[0], indent=2, default=str))
    elif name is None:
        head = ("name", "verbs", "needs", "cost", "what it does")
        print(show.columns([head, *((m.name, show.verbs(m), m.needs, m.cost, m.title) for m in found)]))
    else:
        print(show.method_page(found[0], fields.describe(found[0].config)))
    return 0


def demo(out: Path) -> int:
    """`pellucid demo`: a picture with known truth, before and after."""
    from pellucid import demo as shown

    try:
        print(shown.run(out))
    except OSError as error:
        show.error(str(error))
        return FAILED
    return 0
