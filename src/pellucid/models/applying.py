"""A model file on the image at hand: the `steps` of every method that is trained on many images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import devices, seeds
from pellucid.engine import placed
from pellucid.learning import Learning, depth_of
from pellucid.models.card import Card
from pellucid.models.exported import Exported
from pellucid.models.loading import Model, fill, load, shared
from pellucid.models.shelf import locate
from pellucid.noise.report import NoiseReport
from pellucid.series import stacks
from pellucid.steps import Step, Steps, Task


def scale_of(card: Card, white: float) -> float:
    """What pixels of an image are multiplied by, so that a stored value means what it meant in training.

    A stack of 16-bit counts is worked on relative to 1023, 4095 or 65535, as its own maximum demands; the
    model knows counts relative to the `white` of its training. For 8-bit and ordinary float images, and for
    models that were trained on such, nothing is changed.

    >>> scale_of(Card(method="n2n", config={}, channels=1, white=4095.0), 1023.0) == 1023 / 4095
    True
    >>> scale_of(Card(method="n2n", config={}, channels=1), 1023.0)
    1.0
    """
    return white / card.white if card.white > 255 and white > 255 else 1.0


def factors(card: Card) -> tuple[Tensor, Tensor]:
    """(C, 1, 1) mean and standard deviation; 0 and 1 where values are not standardised."""
    mean = torch.tensor(card.mean or (0.0,) * card.channels).view(-1, 1, 1)
    std = torch.tensor(card.std or (1.0,) * card.channels).view(-1, 1, 1)
    return mean, std


def report_in(noise: NoiseReport, mean: float, std: float, scale: float = 1.0) -> NoiseReport:
    """The report of scale * image, standardised: z = (scale x - mean) / std.

    var(x) = a x + b becomes var(z) = (a s / std) z + (a s mean + b s^2) / std^2 with s = scale.

    >>> report_in(NoiseReport.white(0.1, 2), 0.5, 0.2).sigma
    (0.5, 0.5)
    """
    if (mean, std, scale) == (0.0, 1.0, 1.0):
        return noise
    factor = scale / std
    return replace(
        noise,
        sigma=tuple(v * factor for v in noise.sigma),
        gain=tuple(v * factor for v in noise.gain),
        offset=tuple(
            (a * scale * mean + b * scale**2) / std**2 for a, b in zip(noise.gain, noise.offset, strict=True)
        ),
        spectrum=np.asarray(noise.spectrum * factor**2),
        kernel=np.asarray(noise.kernel * factor**2),
        covariance=np.asarray(noise.covariance * factor**2),
        sigma_per_scale=tuple(tuple(v * factor for v in row) for row in noise.sigma_per_scale),
        mad=tuple(v * factor for v in noise.mad),
        chen=noise.chen * factor,
        periodic=tuple(replace(p, amplitude=p.amplitude * factor) for p in noise.periodic),
    )


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
        path = locate(task.model)
        if task.initial is None:
            model = shared(path, method, learning, kind, device)
        else:  # weights of its own
            model = load(path, method, learning, kind)
            if isinstance(model.network, Exported):
                raise ValueError(
                    f"model {task.model!r} is exported: it has no weights to replace. "
                    "Name the model that it was made of."
                )
            fill(model.network, dict(task.initial), task.model)
            placed(model.network, device)
        with devices.arithmetic(task.precision, device):
            estimate = apply(
                model, learning, task.shots.mean(0), task.noise, config, seed=seed, device=device
            )
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

    A model that sees several slices at once is given all of a film or volume (C, D, H, W), and gives as many;
    beyond the ends of the stack it sees those before them again, in the order turned round.

    Raises:
        ValueError: when the model takes another number of channels, or slices and is given a picture.
    """
    depth = depth_of(model.config)
    if depth > 1:
        if noisy.ndim != 4:
            raise ValueError(
                f"this model sees {depth} slices of a stack at once, and was given a single picture. Give it "
                "the stack, or use a model of single pictures."
            )
        count = noisy.shape[1]
        windows = (noisy[:, stacks.around(place, count, depth)] for place in range(count))
        made = [_applied(model, learning, one, noise, config, seed, device) for one in windows]
        return torch.stack(made, 1)
    return _applied(model, learning, noisy[:, None], noise, config, seed, device)


def _applied(
    model: Model,
    learning: Learning,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Any,
    seed: int,
    device: torch.device,
) -> Tensor:
    """(C, H, W) the middle of the slices (C, D, H, W) that the model sees at once."""
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
        given = (group.transpose(0, 1) * scale - mean) / std  # (D, c, H, W)
        with torch.no_grad():
            output = learning.predict(
                model.network,
                given.flatten(0, 1)[None].to(device),
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
