"""What was asked for, checked before any image is read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pellucid import checks, devices, fields, methods, models
from pellucid.data import Options, Windows
from pellucid.files.replace import free
from pellucid.learning import Learning, depth_of
from pellucid.noise import calibration
from pellucid.request import Train
from pellucid.steps import Method


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """A request with all that follows from it.

    Attributes:
        asked: what was asked for.
        method: what to train.
        learning: how it learns.
        config: its configuration.
        options: how crops are drawn.
        device: where to run.
        start: model file whose weights are taken over, or None.
        threads: that make batches.
        remarks: what the user should know of the request, such as old names of fields.
        windows: how many slices of a stack the network sees at once, where it is more than one.
    """

    asked: Train
    method: Method
    learning: Learning
    config: Any
    options: Options
    device: torch.device
    start: Path | None = None
    threads: int = 1
    remarks: tuple[str, ...] = ()
    windows: Windows | None = None

    @property
    def place(self) -> Path:
        """The images."""
        return Path(self.asked.data)

    @property
    def out(self) -> Path:
        """The model file."""
        return Path(self.asked.out)

    @property
    def only_time(self) -> bool:
        """Whether `seconds` alone says how long, and the steps of the configuration do not count."""
        asked = self.asked
        counted = asked.steps is not None or asked.epochs is not None or "steps" in (asked.set or {})
        return asked.seconds is not None and not counted

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
            "pairs": None if self.asked.pairs is None else str(self.asked.pairs),
            "epochs": self.asked.epochs,
            "from": None if self.start is None else self.start.name,
            "axes": self.asked.axes,
            "axis": None if self.asked.axis == "auto" else self.asked.axis,
            "seed": self.asked.seed,
            "precision": self.asked.precision,
            "processes": self.asked.processes * self.asked.nodes,
            "data": fingerprint,
        }


def settle(asked: Train) -> TrainSettings:
    """Check a request and load its method.

    Raises:
        ValueError: for anything that is unknown, or does not apply.
        FileExistsError: when the model file exists and may not be replaced.
    """
    if asked.method in methods.names():
        methods.load(asked.method)  # a plug-in says why it cannot be loaded
    if asked.noise is not None and asked.noise.lower().endswith(".npz"):
        asked = dataclasses.replace(asked, noise=calibration.read(asked.noise).text())
    method = methods.load(checks.one_of("method", asked.method, trainable()))
    if method.learning is None:
        raise ValueError(
            f"{asked.method} is not trained on many images. Choose one of {', '.join(trainable())}."
        )
    config = _config(asked, method)
    _check_target(asked, Path(asked.out))
    device = devices.choose(asked.device)
    return TrainSettings(
        asked=asked,
        method=method,
        learning=method.learning,
        config=config,
        options=Options(
            patch=config.patch,
            batch=config.batch,
            draws=getattr(config, "draws", 1),
            seed=asked.seed,
            noise=asked.noise or "",
            fixed=asked.fixed,
            share=asked.share,
            flips=asked.flips,
            scales=tuple(asked.scales),
            gray=asked.gray,
            held_out=asked.held_out,
        ),
        device=device,
        start=None if asked.start is None else models.locate(str(asked.start)),
        threads=devices.spare_threads(device) if asked.threads is None else asked.threads,
        remarks=fields.current(type(config), asked.set or {})[1],
        windows=_windows(asked, config),
    )


def _windows(asked: Train, config: Any) -> Windows | None:
    """How many slices are seen at once, None for one; what only says along which axis needs several."""
    depth = depth_of(config)
    if depth == 1:
        for name in ("axes", "axis"):
            if getattr(asked, name) != getattr(Train, name):
                raise ValueError(
                    f"{name}={getattr(asked, name)!r} is for a network that sees several slices of a stack "
                    "at once (--set depth=5, of n2v), and this one sees single ones. Leave it out."
                )
        return None
    return Windows(depth=depth, axis=asked.axis, axes=asked.axes, across=bool(config.across))


def _config(asked: Train, method: Method) -> Any:
    """The preset with its changes."""
    config = method.presets[checks.one_of("preset", asked.preset or "fast", list(method.presets))]
    short = {name: getattr(asked, name) for name in ("network", "steps")}
    short = {name: value for name, value in short.items() if value is not None}
    for name in short:
        if name in (asked.set or {}):
            raise ValueError(f"{name} is given twice, by --{name} and by --set. Keep one of them.")
    return fields.change(config, {**short, **(asked.set or {})})


def _check_target(asked: Train, target: Path) -> None:
    """Refuse a model file that cannot be written, before anything is learnt."""
    if not models.is_model(target):
        raise ValueError(f"the model must be a file that ends in .safetensors, got {str(target)!r}.")
    free(target, overwrite=asked.overwrite or asked.resume)


def trainable() -> list[str]:
    """The methods that are trained on many images."""
    return [name for name, method in methods.loaded()[0].items() if method.learning is not None]
