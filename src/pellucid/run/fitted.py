"""`adapt`: from the slices of an image to a model that is fitted to them, or not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from pellucid import auto, methods, models
from pellucid.models.units import factors, report_in, scale_of
from pellucid.noise.report import NoiseReport
from pellucid.run.adapting import Adapted, adapt
from pellucid.run.blind import View
from pellucid.run.drive import Progress
from pellucid.run.settings import Settings
from pellucid.steps import Method


def fitted(
    pixels: Tensor,
    method: Method,
    choice: auto.Choice,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
) -> Adapted:
    """Fit the model of the settings to all slices at once.

    Args:
        pixels: (N, C, H, W), working units, S shots averaged.
        method: that the model belongs to.
        choice: how the model is told of the noise.
        settings: with `model` and `adapt`.
        progress: called at every step.
    """
    learning, limit = methods.load(method.name).learning, settings.adapt
    if learning is None or settings.model is None or limit is None:
        raise ValueError(f"adapt needs a trained method with its model, got {method.name}.")
    model = models.load(settings.model, method.name, learning, method.config)
    started = time.perf_counter()

    def watch(step: int, loss: Tensor) -> None:
        if progress is not None:
            progress(
                Progress(
                    slice=1,
                    slices=1,
                    iteration=step,
                    total=settings.adapting.steps or None,
                    phase="adapt",
                    loss=loss,
                    statistic=None,
                    seconds=time.perf_counter() - started,
                    limit=limit,
                )
            )

    return adapt(
        model.network,
        [view for image in pixels for view in _views(image, choice, model.card)],
        settings.adapting,
        seconds=limit,
        seed=settings.seed,
        device=settings.device,
        watch=watch,
    )


def _views(image: Tensor, choice: auto.Choice, card: models.Card) -> list[View]:
    """One slice (C, H, W) as the network takes it: whole, or channel by channel for a model of one."""
    told, measured = choice.noise, choice.measured or choice.noise
    if choice.stabilise is not None:
        image, told = choice.stabilise.forward(image), choice.stabilise.noise
    if len(image) != card.channels and card.channels != 1:
        raise ValueError(
            f"this model is for {card.channels} channels, the image has {len(image)}. Use another model."
        )
    scale = scale_of(card, told.scale)
    mean, std = factors(card)
    center, spread = float(mean.mean()), float(std.square().mean().sqrt())
    alone = len(image) != card.channels
    views: list[View] = []
    for number, group in enumerate(image[:, None] if alone else [image]):
        mine = [_channel(r, number) if alone else r for r in (told, measured)]
        seen = [report_in(r, center, spread, scale) for r in mine]
        views.append(View(noisy=(group * scale - mean) / std, told=seen[0], measured=seen[1]))
    return views


def _channel(noise: NoiseReport, number: int) -> NoiseReport:
    """The report of one channel."""
    one = slice(number, number + 1)
    return replace(
        noise,
        sigma=noise.sigma[one],
        gain=noise.gain[one],
        offset=noise.offset[one],
        spectrum=np.asarray(noise.spectrum[one]),
        kernel=np.asarray(noise.kernel[one, one]),
        covariance=np.asarray(noise.covariance[one, one]),
    )
