"""Networks of others: whatever a weight file holds, known by its content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid import fields
from pellucid.methods.table import described
from pellucid.models import zoo
from pellucid.noise.sigma_map import sigma_map
from pellucid.steps import Method, Step, Task, Tiling


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of a network of others."""

    strength: float = fields.option(1.0, low=0, low_open=True)
    """factor on the level, for a network that is told one (DRUNet, FDnCNN)"""

    def __post_init__(self) -> None:
        fields.check(self)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Give the picture to the network in the file, with a map of the noise level where it takes one.

    A network of one channel takes every channel by itself. One of three takes three as they are, and any
    other number one by one, each as three that are equal, of which the mean is taken.

    Raises:
        ValueError: when no file is named, or `strength` is set for a network that is told no level.
    """
    if task.model is None:
        raise ValueError("zoo needs a file of weights, got none. Pass --model FILE (model=... in Python).")
    noisy = task.shots.mean(0)
    network = zoo.load(task.model, device)
    known = network.known
    if config.strength != 1 and not known.levels:
        raise ValueError(
            f"strength does not apply to {known.name}, which is told no noise level. Leave it out; "
            "--strength of denoise blends the result with the input."
        )
    # the report is about one shot; the mean of several has less noise
    level = sigma_map(noisy[None], task.noise)[0].expand_as(noisy)
    level = level * config.strength / len(task.shots) ** 0.5
    repeated = known.channels > 1 and noisy.shape[0] != known.channels
    groups = [noisy] if noisy.shape[0] == known.channels else list(noisy[:, None])
    levels = [level] if noisy.shape[0] == known.channels else list(level[:, None])
    made: list[Tensor] = []
    with torch.inference_mode():
        for group, own in zip(groups, levels, strict=True):
            fed = group.expand(known.channels, -1, -1)[None].to(device)
            told = own.square().mean(0, keepdim=True).sqrt()[None].to(device)
            output = network(fed, told)[0]
            made.append(output.mean(0, keepdim=True) if repeated else output)
    estimate = torch.cat(made).to(noisy.device).clone()
    notes: tuple[str, ...] = ()
    if repeated:
        notes = (
            f"{known.name} in this file is for {known.channels} channels: each of the image's was given "
            f"{known.channels} times, which it has not learnt",
        )
    yield Step.once(estimate, notes=notes)


ZOO = Method(
    **described("zoo"),
    config=Config,
    steps=steps,
    presets={"paper": Config(), "fast": Config()},
    tiling=Tiling(kind="approximate", halo=32),  # that of the network takes its place when the file is known
    needs_model=True,
)
