"""`denoise`, `inpaint` and `upscale` on files: every input gets its output or its error, and a record."""

from __future__ import annotations

import pickle
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pellucid import checks, files, tasks
from pellucid.cli.gather import Found
from pellucid.cli.options import EXPECTED
from pellucid.cli.record import Record, record_of
from pellucid.request import Denoise, Inpaint, Output, Request
from pellucid.run import Job, Settings, State, run, settle
from pellucid.run.state import Watcher

_SETTLED: dict[bytes, Settings] = {}
"""of a worker process: what its last request came to"""


def plan(
    inputs: Sequence[Found], output: Output, *, one_scene: bool = False, masks: bool = False
) -> list[Job]:
    """One job per output; with ``masks`` each has NAME.mask.png beside it, for what is found to be damaged.

    Raises:
        ValueError: when names clash or references do not pair with inputs.
    """
    report, reference = output.report, output.reference
    format = None if output.format is None else files.of_output("", "array", output.format)
    targets = outputs(inputs, output.out, format=format, one_scene=one_scene, suffix=output.suffix)
    groups = [tuple(one.path for one in inputs)] if one_scene else [(one.path,) for one in inputs]
    several = many(inputs, one_scene=one_scene)
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
            mask=target.with_name(f"{target.stem}.mask.png") if masks else None,
        )
        for group, target, truth in zip(groups, targets, truths, strict=True)
    ]


def many(inputs: Sequence[Found], *, one_scene: bool) -> bool:
    """Whether a folder is written to, name by name, and not one output."""
    return not one_scene and (len(inputs) > 1 or any(one.gathered for one in inputs))


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
    if not text or not isinstance(error, (*EXPECTED, tasks.WorkerDiedError)):
        text = f"{type(error).__name__}: {text} (--debug shows where)"
    wrong = {"wrong_usage": True} if isinstance(error, checks.UsageError) else {}
    return {"input": str(name), "error": text} | wrong


def work(settings: Settings, job: Job, progress: Watcher | None = None) -> Record:
    """Do a job; what a manifest keeps of it, with its record.

    Raises:
        tasks.UnfinishedError: when the person broke it off and the best so far is written.
    """
    state = run(State(settings=settings, job=job, progress=progress))
    told = _noted(record_of(state, job), job)
    if "interrupted" in state.result.stopped_by:
        raise tasks.UnfinishedError(told)
    return told


def work_apart(payload: tuple[Request, Job]) -> Record:
    """The same in a worker process, which settles what is the same for all of a batch once."""
    request, job = payload
    told = pickle.dumps(request)
    if told not in _SETTLED:
        _SETTLED.clear()
        _SETTLED[told] = settle(request)
    return work(_SETTLED[told], job)


def absolute(request: Request, job: Job) -> tuple[Request, Job]:
    """The same with the paths of all files from the root, for a process that stands in another folder."""
    found: dict[str, Any] = {}
    for name in ("guide", "mask", "sigma", "model"):
        value = getattr(request, name, None)
        if isinstance(value, str | Path) and Path(value).is_file():
            found[name] = type(value)(Path(value).absolute())
    named: dict[str, Any] = {name: path.absolute() for name, path in written(job).items()}
    if job.reference is not None:
        named["reference"] = job.reference.absolute()
    inputs = tuple(path.absolute() for path in job.inputs)
    return replace(request, **found), replace(job, inputs=inputs, **named)


def written(job: Job) -> dict[str, Path]:
    """The files that a job writes, by what they are."""
    named = {"output": job.output, "report": job.report, "uncertainty": job.uncertainty}
    return {name: path for name, path in named.items() if path is not None}


def _noted(record: Record, job: Job) -> Record:
    """What the manifest keeps of a job that is done: of which file, what came of it, and its record."""
    trust = record.get("trust") or {}
    sizes = {name: tasks.identity(path)["size"] for name, path in written(job).items() if path.exists()}
    return {
        "input": [tasks.identity(path) for path in job.inputs],
        "outputs": sizes,
        "verdict": trust.get("level"),
        "record": record,
    }


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
