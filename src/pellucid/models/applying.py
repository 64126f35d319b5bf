"""A model file on the image at hand: the `steps` of every method that is trained on many images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from pellucid import seeds
from pellucid.engine import placed
from pellucid.learning import Learning
from pellucid.models.loading import Model, fill, load
from pellucid.models.shelf import locate
from pellucid.models.units import factors, report_in, scale_of
from pellucid.noise.report import NoiseReport
from pellucid.steps import Step, Steps, Task


def steps_of(method: str, learning: Learning, kind: type) -> Steps:
    """The `steps` of a method: its published rule, with the network in the file that the task names.

    Args:
        method: its name.
        learning: how it was trained.
        kind: its Config class.
    """

    def steps(task: Task, config: Any, *, seed: int, device: torch.device) -> Iterator[Step]:
        """Apply the trained network; one step."""
        if task.model is None:
            raise ValueError(
                f"{method} needs a model, got none. Train one with `pellucid train {method}` and name it "
                "with --model FILE (model=... in Python)."
            )
        model = load(locate(task.model), method, learning, kind)
        if task.initial is not None:
            fill(model.network, dict(task.initial), task.model)
        placed(model.network, device)
        estimate = apply(model, learning, task.shots.mean(0), task.noise, config, seed=seed, device=device)
        yield Step(iteration=1, phase="apply", loss=None, output=estimate, estimate=lambda: estimate, total=1)

    return steps


def apply(
    model: Model,
    learning: Learning,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Any,
    *,
    seed: int,
    device: torch.device,
) -> Tensor:
    """The estimate (C, H, W), working units, of a noisy picture in working units.

    Raises:
        ValueError: when the model takes another number of channels.
    """
    card = model.card
    groups = _groups(noisy, card.channels)
    scale = 1.0 if noise is None else scale_of(card, noise.scale)
    mean, std = (factor.to(noisy.device) for factor in factors(card))
    parts: list[Tensor] = []
    for number, group in enumerate(groups):
        report = None if noise is None else _of(noise, number, len(groups))
        if report is not None:
            report = report_in(report, float(mean.mean()), float(std.square().mean().sqrt()), scale)
        generator = seeds.generator(seed, "predict", number, device=device)
        with torch.no_grad():
            output = learning.predict(
                model.network,
                ((group * scale - mean) / std)[None].to(device),
                report,
                config,
                generator=generator,
            )
        parts.append((output[0].float().to(noisy.device) * std + mean) / scale)
    return torch.cat(parts)


def _groups(noisy: Tensor, channels: int) -> list[Tensor]:
    """The picture as the model takes it: whole, or channel by channel for a model of one."""
    if noisy.shape[0] == channels:
        return [noisy]
    if channels == 1:
        return list(noisy[:, None])
    raise ValueError(
        f"this model is for {channels} channels, the image has {noisy.shape[0]}. Use a model of 1 "
        "channel, which takes every channel by itself."
    )


def _of(noise: NoiseReport, channel: int, groups: int) -> NoiseReport:
    """The report of one channel where channels are worked on one by one."""
    if groups == 1:
        return noise
    return NoiseReport.white(noise.sigma[channel], 1, scale=noise.scale)
