"""What was asked for, checked before any image is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pellucid import checks, devices, fields, methods, models
from pellucid.data import Options
from pellucid.learning import Learning
from pellucid.steps import Method


@dataclass(frozen=True, kw_only=True)
class Request:
    """A checked request.

    Attributes:
        method: what to train.
        learning: how it learns.
        config: its configuration.
        place: the images.
        out: the model file.
        options: how crops are drawn.
        pairs: the kind of pairs or a second folder, or None.
        clean: folder of clean images to mix in, or None.
        data_range: what white is in the files, or None.
        epochs: how often every pixel is seen on average, in place of the steps of the configuration, or None.
        seconds: at most so long, or None.
        only_time: whether `seconds` alone says how long, and the steps of the configuration do not count.
        start: model file whose weights are taken over, or None.
        resume: whether to go on from a checkpoint.
        seed: of every draw.
        device: where to run.
        precision: of the convolutions: float32, auto or bfloat16.
        processes: on this machine.
        nodes: machines.
        every: steps between checkpoints, held-out losses and sample pictures.
        threads: that make batches.
        half: whether the file keeps 16 bits of the weights.
        licence: of the data, for the card.
        notes: for the card.
        overwrite: whether the model file may be replaced.
    """

    method: Method
    learning: Learning
    config: Any
    place: Path
    out: Path
    options: Options
    device: torch.device
    pairs: str | None = None
    clean: Path | None = None
    data_range: float | None = None
    epochs: float | None = None
    seconds: float | None = None
    only_time: bool = False
    start: Path | None = None
    resume: bool = False
    seed: int = 0
    precision: str = "float32"
    processes: int = 1
    nodes: int = 1
    every: int = 500
    threads: int = 1
    half: bool = False
    licence: str = "not stated"
    notes: str = ""
    overwrite: bool = False

    @property
    def folder(self) -> Path:
        """Where logs, sample pictures and the checkpoint go."""
        return self.out.with_suffix(".run")

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint."""
        return self.folder / "checkpoint.pt"

    def settings(self, fingerprint: str) -> dict[str, Any]:
        """What a resumed training must be asked for again."""
        return {
            "method": self.method.name,
            "config": dataclasses.asdict(self.config),
            "pairs": self.pairs if self.pairs is None else str(self.pairs),
            "epochs": self.epochs,
            "from": None if self.start is None else self.start.name,
            "seed": self.seed,
            "precision": self.precision,
            "processes": self.processes * self.nodes,
            "data": fingerprint,
        }


def settle(
    method: str,
    data: str | Path,
    out: str | Path,
    *,
    preset: str | None,
    set: Mapping[str, Any] | None,
    network: str | None,
    steps: int | None,
    pairs: str | Path | None,
    clean: str | Path | None,
    start: str | Path | None,
    seed: int,
    device: str,
    precision: str,
    processes: int,
    nodes: int,
    every: int,
    threads: int | None,
    options: Mapping[str, Any],
    **rest: Any,
) -> Request:
    """Check a request; `rest` are the other fields of `Request`.

    Raises:
        ValueError: for anything that is unknown, out of range, or does not apply.
        FileExistsError: when the model file exists and may not be replaced.
    """
    if method in methods.names():
        methods.load(method)  # a plug-in says why it cannot be loaded
    found = methods.load(checks.one_of("method", method, trainable()))
    if found.learning is None:
        raise ValueError(f"{method} is not trained on many images. Choose one of {', '.join(trainable())}.")
    config = found.presets[checks.one_of("preset", preset or "fast", list(found.presets))]
    changes = {name: value for name, value in (("network", network), ("steps", steps)) if value is not None}
    for name in changes:
        if set and name in set:
            raise ValueError(f"{name} is given twice, by --{name} and by --set. Keep one of them.")
    config = fields.change(config, {**changes, **(set or {})})
    for name, value in (("every", every), ("processes", processes), ("nodes", nodes)):
        checks.in_range(name, value, 1)
    for name in ("seconds", "epochs"):
        if rest.get(name) is not None:
            checks.in_range(name, rest[name], 0, low_open=True)
    if steps is not None and rest.get("epochs") is not None:
        raise ValueError(f"steps={steps} and epochs={rest['epochs']} both say how long. Keep one of them.")
    counted = steps is not None or rest.get("epochs") is not None or "steps" in (set or {})
    checks.one_of("precision", precision, devices.PRECISIONS)
    target = Path(out)
    if not models.is_model(target):
        raise ValueError(f"the model must be a file that ends in .safetensors, got {str(out)!r}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder of {target} does not exist. Create it first.")
    if target.exists() and not (rest.get("overwrite") or rest.get("resume")):
        raise FileExistsError(f"{target} exists. Choose another name, or allow to overwrite it.")
    chosen = devices.choose(device)
    return Request(
        method=found,
        learning=found.learning,
        config=config,
        place=Path(data),
        out=target,
        options=Options(
            patch=config.patch,
            batch=config.batch,
            seed=seed,
            draws=getattr(config, "draws", 1),
            **options,
        ),
        device=chosen,
        pairs=None if pairs is None else str(pairs),
        clean=None if clean is None else Path(clean),
        start=None if start is None else models.locate(str(start)),
        only_time=rest.get("seconds") is not None and not counted,
        seed=seed,
        precision=precision,
        processes=processes,
        nodes=nodes,
        every=every,
        threads=devices.spare_threads(chosen)
        if threads is None
        else int(checks.in_range("threads", threads, 1)),
        **rest,
    )


def trainable() -> list[str]:
    """The methods that are trained on many images."""
    return [name for name, method in methods.loaded()[0].items() if method.learning is not None]
