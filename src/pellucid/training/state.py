"""Checkpoints: all that a training needs to go on as if nothing had happened."""

from __future__ import annotations

import dataclasses
import io
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pellucid import fields
from pellucid.files.replace import replaced

FORMAT = "pellucid checkpoint 1"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where a training stands.

    Attributes:
        settings: what it was asked for, by name; a resumed run must be asked for the same.
        step: steps done.
        steps: steps planned.
        seconds: spent.
        network: weights.
        average: their running average, or None.
        optimizer: its state.
        mean: per channel, of the standardisation.
        std: per channel.
        marks: when the plan was last thought over and will be next, see `Plan.marks`; empty for not at all.
    """

    settings: Mapping[str, Any]
    step: int
    steps: int
    seconds: float
    network: Mapping[str, Tensor]
    average: Mapping[str, Tensor] | None
    optimizer: Mapping[str, Any]
    mean: list[float] = field(default_factory=list)
    std: list[float] = field(default_factory=list)
    marks: Mapping[str, float] = field(default_factory=dict)


def save(path: Path, state: Checkpoint) -> None:
    """Write a checkpoint; it takes the place of the last one whole or not at all."""
    content = {"format": FORMAT, **state.__dict__, "settings": json.dumps(dict(state.settings))}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with replaced(path) as file:
        file.write(buffer.getvalue())


def load(path: Path) -> Checkpoint:
    """Read a checkpoint; nothing in it is run.

    Raises:
        ValueError: when it is damaged or of something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content.pop("format") != FORMAT:
            raise ValueError("it is of another version")
        return Checkpoint(**content | {"settings": json.loads(content["settings"])})
    except (
        pickle.UnpicklingError,
        RuntimeError,
        KeyError,
        TypeError,
        EOFError,
        AttributeError,
        ValueError,
    ) as error:
        words = " ".join(str(error).split())[:120]
        raise ValueError(
            f"{path} is damaged or no checkpoint of this version ({words}). Start anew without --resume."
        ) from error


def check_same(
    state: Checkpoint, settings: Mapping[str, Any], path: Path, config: type | None = None
) -> None:
    """Raise a ValueError that names what differs between a checkpoint and what is asked for now.

    Args:
        state: the checkpoint.
        settings: what is asked for now.
        path: of the checkpoint, for the message.
        config: class of the configuration, for fields that are younger than the checkpoint, or renamed since.

    >>> blank = {"step": 0, "steps": 1, "seconds": 0.0, "network": {}, "average": None, "optimizer": {}}
    >>> state = Checkpoint(settings={"seed": 1}, **blank)
    >>> check_same(state, {"seed": 2}, Path("run"))
    Traceback (most recent call last):
    ...
    ValueError: run was made with seed=1, got seed=2. Ask for the same, or start anew without --resume.
    """
    wanted, made = _flat(settings), _flat(state.settings)
    if config is not None:
        kept = fields.kept(config, state.settings.get("config", {}))
        made = _flat({**state.settings, "config": {**dataclasses.asdict(config()), **kept}})
    wanted, made = (json.loads(json.dumps(one)) for one in (wanted, made))
    for name in {**wanted, **made}:
        if wanted.get(name) != made.get(name):
            raise ValueError(
                f"{path} was made with {name}={made.get(name)!r}, got {name}={wanted.get(name)!r}. Ask "
                "for the same, or start anew without --resume."
            )


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the configuration beside the other settings; no name is in both."""
    return {**settings.get("config", {}), **{k: v for k, v in settings.items() if k != "config"}}
