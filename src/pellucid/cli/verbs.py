"""The verbs: from what was typed to work and what is printed; each returns the exit code."""

from __future__ import annotations

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


def restore(
    inputs: Sequence[Path],
    out: Path,
    request: dict[str, Any],
    given: dict[str, Any],
    *,
    one_scene: bool = False,
    format: str | None,
    reference: Sequence[Path],
    report: Path | None,
    uncertainty: Path | None = None,
    as_json: bool,
    overwrite: bool,
    debug: bool,
) -> int:
    """`pellucid denoise`, `inpaint` and `upscale`.

    Args:
        inputs: files.
        out: file or folder.
        request: what `settle` is asked for.
        given: fields of `batch.Extras`.
        one_scene: whether the inputs are shots of one scene.
        format: of the output.
        reference: clean files, one for each input.
        report: where the page goes.
        uncertainty: where the map goes.
        as_json: whether JSON is printed.
        overwrite: whether outputs may be replaced.
        debug: whether errors show where they came from.

    Returns:
        0 when every input was written, 1 when some failed, 2 for wrong usage.
    """
    extras = batch.Extras(**given)
    try:
        request["set"] = fields.assignments(request["set"] or [])
        one_scene = one_scene or "shots" in _needs(request["method"])
        settings = settle(**request, shots=len(inputs) if one_scene else 1, guide=extras.guide is not None)
        extras.check(len(inputs))
        if format is not None:
            format = files.of_output("", "array", format)
        jobs = batch.plan(
            inputs, out, one_scene=one_scene, format=format, reference=reference, report=report,
            uncertainty=uncertainty,
        )  # fmt: skip
        if uncertainty is not None:
            maps.check(settings, uncertainty, len(jobs))
    except (ValueError, TypeError, FileNotFoundError) as error:
        if debug:
            traceback.print_exc(file=sys.stderr)
        show.error(str(error))
        return USAGE
    writing = batch.Writing(data_range=request["data_range"], format=format, overwrite=overwrite, debug=debug)
    records, cut_short = batch.work(jobs, settings, writing, progress.watching, extras)
    show.records(records, as_json=as_json, alone=len(jobs) == 1)
    if cut_short:
        show.error(f"interrupted: {len(records)} of {len(jobs)} inputs were begun")
    return FAILED if cut_short or any("error" in record for record in records) else 0


def _needs(name: str) -> str:
    """What the method called so needs, e.g. "one image or shots"; several inputs are shots for such a one."""
    return "" if name == "auto" else table.load(name).needs


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


def demo(out: Path) -> int:
    """`pellucid demo`: a picture with known truth, before and after."""
    from pellucid import demo as shown

    try:
        print(shown.run(out))
    except OSError as error:
        show.error(str(error))
        return FAILED
    return 0
