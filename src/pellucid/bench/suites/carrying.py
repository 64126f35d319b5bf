"""Carries a suite out: trains its models, runs its parts into one folder, sets its numbers beside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Unpack, cast

from pellucid.bench import datasets, results, running
from pellucid.bench.request import RunOptions, WorkerOptions
from pellucid.bench.suites import comparing
from pellucid.bench.suites.reading import Suite, Training
from pellucid.files.replace import replaced

PAGE = "suite.md"
NUMBERS = "published.toml"
ABSENT = "not-trained"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a suite gave.

    Attributes:
        suite: which, in which form.
        folder: of the results; `bench table` and `bench page` read it.
        summaries: one for each part.
        text: the comparison as Markdown; also in `suite.md` of the folder.
    """

    suite: Suite
    folder: Path
    summaries: tuple[running.Summary, ...]
    text: str


def run(
    suite: Suite,
    out: str | Path,
    *,
    command: Sequence[str] = (),
    report: Callable[[running.RunProgress], None] | None = None,
    said: Callable[[str], None] = lambda _: None,
    **options: Unpack[WorkerOptions],
) -> Done:
    """Run a suite; what is finished in its folder is not run again.

    Args:
        suite: from `load`.
        out: results go to a folder in it, NAME or NAME.small.
        command: for the manifest.
        report: called after every cell.
        said: gets a line about every model.
        options: the fields of `Workers`, which says what each is.

    Raises:
        ValueError: as `bench.run`.
    """
    folder = Path(out) / (suite.name if suite.form == "full" else f"{suite.name}.small")
    root = datasets.root(options.get("data_root"))
    device = options.get("device", "auto")
    trained = prepare(suite.trainings, root, folder, device=device, said=said)
    summaries: list[running.Summary] = []
    given: dict[str, str] = {}
    for part in suite.parts:
        entries = {text: _entry(text, root, trained) for text in part.methods}
        given |= entries
        summaries.append(
            running.run(
                list(part.data),
                list(dict.fromkeys(entries.values())),
                folder,
                absent="skip",
                label=suite.label,
                command=command or ["pellucid", "bench", "suite", suite.name],
                report=report,
                **options | _arguments(part.more),
            )
        )
        if summaries[-1].left:
            break  # interrupted
    text = comparing.markdown(suite, results.read(folder), given)
    for name, content in ((PAGE, text), (NUMBERS, comparing.numbers(suite))):
        with replaced(folder / name) as file:
            file.write(content.encode("utf-8"))
    return Done(suite=suite, folder=folder, summaries=tuple(summaries), text=text)


def _entry(text: str, root: Path, trained: dict[str, str]) -> str:
    """An entry of a suite as an entry of a run: {data} is the data root, model:@NAME a model of the suite."""
    text = text.replace("{data}", str(root))
    if not text.startswith("model:@"):
        return text
    name, plus, rest = text.removeprefix("model:@").partition("+")
    return f"{trained[name]}{plus}{rest}"


def _arguments(more: Any) -> RunOptions:
    given = {key: value for key, value in more.items() if value not in (None, 0)} | (
        {"seeds": more["seeds"]} if "seeds" in more else {}
    )
    return cast(RunOptions, given)


def folder_of(training: Training, root: Path) -> Path | None:
    """The first of its folders that is below the data root, there, in `train/` or in `clean/`."""
    for name in training.data:
        for place in (root / name, root / "train" / name, root / "clean" / name):
            if place.is_dir():
                return place
    return None


def path_of(training: Training, data: Path, out: Path) -> Path:
    """The model file; other settings or data have another name."""
    asked = json.dumps([training.method, data.name, dict(training.more)], sort_keys=True, default=str)
    digest = hashlib.blake2b(asked.encode(), digest_size=4).hexdigest()
    return out / "models" / f"{training.name}-{digest}.safetensors"


def prepare(
    trainings: Sequence[Training],
    root: Path,
    out: Path,
    *,
    device: str = "auto",
    said: Callable[[str], None] = lambda _: None,
) -> dict[str, str]:
    """Train what is not there, and give the entry that stands for each.

    A training that fails leaves an entry whose cells say that there are no weights, and why is said here.

    Args:
        trainings: of a suite.
        root: data root.
        out: results folder.
        device: where to train.
        said: gets a line about every model.

    Returns:
        entries by the name of the training, "model:FILE".
    """
    entries = {}
    for training in trainings:
        data = folder_of(training, root)
        if data is None:
            said(f"{training.name}: not trained, none of {', '.join(training.data)} is below {root}")
            entries[training.name] = f"model:{training.name}-{ABSENT}"
            continue
        file = path_of(training, data, out)
        if not file.is_file():
            said(f"{training.name}: training {training.method} on {data.name}")
            try:
                _train(training, data, file, device, said)
            except (ValueError, RuntimeError, ArithmeticError, OSError) as error:
                said(f"{training.name}: not trained, {' '.join(str(error).split())}")
                entries[training.name] = f"model:{training.name}-{ABSENT}"
                continue
        entries[training.name] = f"model:{file}"
    return entries


def _train(training: Training, data: Path, file: Path, device: str, said: Callable[[str], None]) -> None:
    from pellucid.training import train

    file.parent.mkdir(parents=True, exist_ok=True)
    wishes: dict[str, Any] = {"every": 500, "held_out": 0.0, "device": device, **training.more}
    run = file.with_suffix(".run")
    try:
        train(training.method, data, file, resume=(run / "checkpoint.pt").is_file(), **wishes)
    except ValueError as error:
        if not (run / "checkpoint.pt").is_file():
            raise
        # Of other code or data. It may be days of work, so that it is set aside and not removed.
        aside = next(p for n in count(1) if not (p := run.with_name(f"{run.name}.{n}")).exists())
        run.rename(aside)
        said(f"{training.name}: begun anew, {' '.join(str(error).split())} Kept: {aside}")
        train(training.method, data, file, **wishes)
