"""The models of a suite: trained once, kept in its results folder, taken up again where a run was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from pellucid.bench.suites.reading import Training

ABSENT = "not-trained"


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
