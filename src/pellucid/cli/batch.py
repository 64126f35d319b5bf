"""`denoise`, `inpaint` and `upscale` on files: every input gets its output or its error, and a record."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pellucid import checks, files
from pellucid.cli.gather import Found
from pellucid.cli.options import EXPECTED
from pellucid.cli.progress import line, watching
from pellucid.cli.record import Record, record_of
from pellucid.request import Denoise, Inpaint, Output
from pellucid.run import Job, Settings, State, run


def plan(inputs: Sequence[Found], output: Output, *, one_scene: bool = False) -> list[Job]:
    """One job per output.

    Raises:
        ValueError: when names clash or references do not pair with inputs.
    """
    report, reference = output.report, output.reference
    format = None if output.format is None else files.of_output("", "array", output.format)
    targets = outputs(inputs, output.out, format=format, one_scene=one_scene, suffix=output.suffix)
    groups = [tuple(one.path for one in inputs)] if one_scene else [(one.path,) for one in inputs]
    several = len(groups) > 1 or (not one_scene and any(one.gathered for one in inputs))
    if len(reference) == 1 and reference[0].is_dir():
        truths: list[Path | None] = [reference[0] / group[0].name for group in groups]
    elif reference and len(reference) != len(groups):
        raise ValueError(f"--reference needs {len(groups)} images, one per output, got {len(reference)}.")
    else:
        truths = list(reference) or [None] * len(groups)
    if report is not None and several and report.suffix.lower() in (".html", ".htm"):
        raise ValueError(f"--report must be a folder for {len(groups)} outputs, got {report}. Name a folder.")

    def beside(place: Path | None, name: str) -> Path | None:
        """What is written beside an output: the place itself for one, a name in it for several."""
        return None if place is None else place / name if several else place

    return [
        Job(
            inputs=group,
            output=target,
            format=format,
            reference=truth,
            report=beside(report, f"{target.name}.html"),
            uncertainty=beside(output.uncertainty, f"{target.stem}.tif"),
            overwrite=output.overwrite,
            make=several or not output.out.suffix,
            raw=output.raw,
        )
        for group, target, truth in zip(groups, targets, truths, strict=True)
    ]


def masked(settings: Settings, count: int) -> list[Settings]:
    """The settings of every job; each has its own mask where there are masks.

    Raises:
        ValueError: for a number of masks that fits no pairing.
    """
    request = settings.request
    if not isinstance(request, Inpaint | Denoise) or request.mask is None:
        return [settings] * count
    masks = request.mask
    if len(masks) not in (1, count):
        raise ValueError(f"--mask needs 1 or {count} images, got {len(masks)}. Name one per input.")
    masks = masks if len(masks) > 1 else masks * count
    return [replace(settings, request=replace(request, mask=mask)) for mask in masks]


def failure(name: Path | str, error: Exception, *, debug: bool) -> Record:
    """The record of an input that failed; with ``debug`` its traceback goes to stderr."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    text = " ".join(str(error).split())
    if not text or not isinstance(error, EXPECTED):
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    wrong = {"wrong_usage": True} if isinstance(error, checks.UsageError) else {}
    return {"input": str(name), "error": text} | wrong


def carry_out(
    jobs: Sequence[Job],
    settings: Sequence[Settings],
    *,
    skip_existing: bool = False,
    debug: bool = False,
) -> tuple[list[Record], bool]:
    """Do every job by its settings; an error stops its own job only.

    Args:
        jobs: what to do.
        settings: of each.
        skip_existing: whether a job whose output exists is done already.
        debug: whether the tracebacks of errors are shown.

    Returns:
        A record per job that was begun, and whether an interrupt ended the batch.
    """
    records: list[Record] = []
    for job, own in zip(jobs, settings, strict=True):
        name = str(job.inputs[0])
        if skip_existing and job.output.exists():
            records.append({"input": name, "output": str(job.output), "skipped": True})
            continue
        try:
            with watching(name, line) as progress:
                state = run(State(settings=own, job=job, progress=progress))
            records.append(record_of(state, job))
        except KeyboardInterrupt:
            records.append({"input": name, "error": "interrupted before there was anything to keep"})
            return records, True
        except Exception as error:  # noqa: BLE001 - whatever one input does, the others go on
            records.append(failure(name, error, debug=debug))
            continue
        if "interrupted" in state.result.stopped_by:
            return records, len(records) < len(jobs)
    return records, False


def outputs(
    inputs: Sequence[Found],
    out: Path,
    *,
    format: str | None = None,
    one_scene: bool = False,
    suffix: str = "",
) -> list[Path]:
    """One output path per input (one in all for the shots of one scene).

    Args:
        inputs: the files that are meant.
        out: what followed -o.
        format: what followed --format; in a folder it decides the ending.
        one_scene: whether all inputs make one output.
        suffix: added to the names in a folder.

    Raises:
        ValueError: when a folder is needed and a file is named, or two inputs would get one name.

    >>> found = [Found(Path("a/x.png")), Found(Path("b/y.jpg"), Path("b"), True)]
    >>> [p.as_posix() for p in outputs(found, Path("clean"), suffix="_1")]
    ['clean/x_1.png', 'clean/b/y_1.png']
    """
    alone = one_scene or (len(inputs) == 1 and not inputs[0].gathered)
    if alone:
        within = out.is_dir() or not out.suffix
        return [out / _name(inputs[0].path, format, suffix) if within else out]
    if out.is_file() or (out.suffix.lower() in files.SUFFIXES and not out.is_dir()):
        raise ValueError(
            f"-o must be a folder for {len(inputs)} inputs, got {out}. Name a folder, or use --shots."
        )
    seen: dict[str, Path] = {}
    names = [one.below / _name(one.path, format, suffix) for one in inputs]
    for one, name in zip(inputs, names, strict=True):
        key = name.as_posix().lower()
        if key in seen:
            raise ValueError(
                f"{seen[key]} and {one.path} would both be written to {out / name}. "
                "Do them in two commands, into two folders."
            )
        seen[key] = one.path
    return [out / name for name in names]


def _name(path: Path, format: str | None, suffix: str) -> str:
    """The name in the output folder, with the ending of what comes back."""
    return f"{path.stem}{suffix}{files.ending(path, format)}"
