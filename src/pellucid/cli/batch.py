"""`denoise`, `inpaint` and `upscale` on files: every input gets its output or its error, and a record."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from pellucid import files
from pellucid.cli import near_clean, scores
from pellucid.cli import uncertainty as maps
from pellucid.cli.outputs import outputs
from pellucid.degradation import Downsample
from pellucid.image import Image
from pellucid.run import Progress, Settings, carry_out
from pellucid.run.guiding import hidden
from pellucid.run.undo import enlarge, fill
from pellucid.steps import Result

Record = dict[str, Any]
EXPECTED = (ValueError, TypeError, OSError, ArithmeticError, MemoryError, ImportError)
"""errors whose text is written for the user; any other is named by its type as well"""
NOISE_KEYS = ("sigma", "sigma_file_units", "gain", "correlated", "clipped")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One output: its input (or the shots of its scene), and what else to make of it.

    `make` says whether its folder may be made: that of several outputs is, that of a single one must exist.
    """

    inputs: tuple[Path, ...]
    output: Path
    reference: Path | None = None
    report: Path | None = None
    uncertainty: Path | None = None
    make: bool = False


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How outputs are written, and inputs read."""

    data_range: float | None = None
    format: str | None = None
    overwrite: bool = False
    debug: bool = False


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What a verb needs beside its inputs: a guide, masks, a factor."""

    guide: Path | None = None
    masks: tuple[Path, ...] = ()
    keep_known: bool = True
    factor: int = 1

    def check(self, inputs: int) -> None:
        """Refuse what cannot work for any input.

        Raises:
            ValueError: for a factor that no method has, or a number of masks that fits no pairing.
        """
        if self.factor != 1:
            Downsample(self.factor)
        if len(self.masks) not in (0, 1, inputs):
            raise ValueError(f"--mask needs 1 or {inputs} images, got {len(self.masks)}. Name one per input.")

    def mask(self, place: int) -> Path | None:
        """The mask of the input at ``place``."""
        return None if not self.masks else self.masks[place if len(self.masks) > 1 else 0]


Watcher = Callable[[str], AbstractContextManager[Callable[[Progress], None] | None]]


def plan(
    inputs: Sequence[Path],
    out: Path,
    *,
    format: str | None = None,
    one_scene: bool = False,
    reference: Sequence[Path] = (),
    report: Path | None = None,
    uncertainty: Path | None = None,
) -> list[Job]:
    """One job per output.

    Raises:
        ValueError: when names clash or references do not pair with inputs.
    """
    targets = outputs(inputs, out, format=format, one_scene=one_scene)
    groups = [tuple(inputs)] if one_scene else [(path,) for path in inputs]
    if len(reference) == 1 and reference[0].is_dir():
        truths: list[Path | None] = [reference[0] / group[0].name for group in groups]
    elif reference and len(reference) != len(groups):
        raise ValueError(f"--reference needs {len(groups)} images, one per output, got {len(reference)}.")
    else:
        truths = list(reference) or [None] * len(groups)
    if report is not None and len(groups) > 1 and report.suffix.lower() in (".html", ".htm"):
        raise ValueError(f"--report must be a folder for {len(groups)} outputs, got {report}. Name a folder.")
    pages = [
        None if report is None else report if len(groups) == 1 else report / f"{target.name}.html"
        for target in targets
    ]
    spreads = [
        None
        if uncertainty is None
        else uncertainty
        if len(groups) == 1
        else uncertainty / f"{target.stem}.tif"
        for target in targets
    ]
    return [
        Job(
            inputs=group,
            output=target,
            reference=truth,
            report=page,
            uncertainty=spread,
            make=len(groups) > 1,
        )
        for group, target, truth, page, spread in zip(groups, targets, truths, pages, spreads, strict=True)
    ]


def failure(name: Path | str, error: Exception, *, debug: bool) -> Record:
    """The record of an input that failed; with ``debug`` its traceback goes to stderr."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    text = " ".join(str(error).split())
    if not text or not isinstance(error, EXPECTED):
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    return {"input": str(name), "error": text}


def work(
    jobs: Sequence[Job], settings: Settings, writing: Writing, watcher: Watcher, extras: Extras
) -> tuple[list[Record], bool]:
    """Do every job; an error stops its own job only.

    Returns:
        A record per job that was begun, and whether an interrupt ended the batch.
    """
    records: list[Record] = []
    for place, job in enumerate(jobs):
        name = str(job.inputs[0])
        try:
            with watcher(name) as progress:
                record, interrupted = _one(job, settings, writing, progress, extras, extras.mask(place))
        except KeyboardInterrupt:
            records.append({"input": name, "error": "interrupted before there was anything to keep"})
            return records, True
        except Exception as error:  # noqa: BLE001 - whatever one input does, the others go on
            records.append(failure(name, error, debug=writing.debug))
            continue
        records.append(record)
        if interrupted:
            return records, len(records) < len(jobs)
    return records, False


def _one(
    job: Job,
    settings: Settings,
    writing: Writing,
    progress: Callable[[Progress], None] | None,
    extras: Extras,
    mask: Path | None,
) -> tuple[Record, bool]:
    if job.output.exists() and not writing.overwrite:
        raise FileExistsError(f"{job.output} exists. Pass --overwrite to replace it.")
    for target in (job.output, job.report, job.uncertainty):
        if target is not None and not job.make and not target.parent.is_dir():
            raise FileNotFoundError(f"the folder of {target} does not exist. Create it first.")
    shots = [files.read(path, data_range=writing.data_range) for path in job.inputs]
    files.of_output(
        job.output, shots[0].format, writing.format
    )  # a bad extension, before the work and not after
    clean = None if job.reference is None else files.read(job.reference, data_range=writing.data_range)
    if clean is not None:
        scores.fits(clean, shots[0], factor=extras.factor)
    guide = None if extras.guide is None else files.read(extras.guide, data_range=writing.data_range)
    seen = shots[0]
    if mask is not None:
        missing, remarks = hidden(files.read(mask), seen)
        result = fill(
            seen,
            missing,
            settings,
            keep_known=extras.keep_known,
            guide=guide,
            notes=remarks,
            progress=progress,
        )
        estimate = seen.with_pixels(result.estimate)
    elif extras.factor > 1:
        result = enlarge(seen, extras.factor, settings, guide=guide, progress=progress)
        estimate = files.enlarged(seen, result.estimate, extras.factor)
        seen = _plainly(seen, extras.factor)
        shots = [seen]
    else:
        result = carry_out(shots, settings, guide=guide, progress=progress)
        estimate = seen.with_pixels(result.estimate)
    if job.make:
        job.output.parent.mkdir(parents=True, exist_ok=True)
    notes = files.write(estimate, job.output, format=writing.format, overwrite=writing.overwrite)
    record = _record(job, result, notes=(*seen.notes, *notes))
    written = None if clean is None else files.read(job.output, data_range=writing.data_range)
    if clean is not None and written is not None:
        record |= scores.against(clean, written, shots)
    if job.uncertainty is not None:
        if job.make:
            job.uncertainty.parent.mkdir(parents=True, exist_ok=True)
        record["warnings"] += maps.write(job.uncertainty, shots[0], result, overwrite=writing.overwrite)
        record["uncertainty"] = str(job.uncertainty) if job.uncertainty.exists() else None
    record |= near_clean.entries(result, shots[0], clean, written)
    if job.report is not None:
        from pellucid import report

        if job.make:
            job.report.parent.mkdir(parents=True, exist_ok=True)
        report.html(job.report, noisy=seen, estimate=estimate, result=result, title=job.inputs[0].name)
        record["report"] = str(job.report)
    return record, "interrupted" in result.stopped_by


def _plainly(image: Image, factor: int) -> Image:
    """The picture enlarged by bicubic interpolation: what reports and scores compare an upscaled one with."""
    large = Downsample(factor).enlarge(torch.from_numpy(image.pixels.copy()))
    return files.enlarged(image, large.numpy(), factor)


def _record(job: Job, result: Result, *, notes: Sequence[str]) -> Record:
    noise = result.noise.to_json()
    return (
        {
            "input": str(job.inputs[0]) if len(job.inputs) == 1 else [str(p) for p in job.inputs],
            "output": str(job.output),
            "method": result.method,
            "reason": result.reason,
            "seconds": round(result.seconds, 4),
            "iterations": result.iterations,
            "stopped_by": result.stopped_by,
            "seed": result.seed,
            "device": result.device,
            "noise": {key: noise[key] for key in NOISE_KEYS},
            "warnings": [*result.warnings, *notes],
        }
        | {key: result.extras[key] for key in ("model", "adapt") if key in result.extras}
        | ({"shots": [asdict(p) for p in result.extras["shots"]]} if len(job.inputs) > 1 else {})
    )
