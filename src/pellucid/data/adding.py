"""Noise that is added to clean crops: a level drawn for each, and what the level was."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pellucid.noise import models
from pellucid.noise.camera import Camera
from pellucid.noise.pointwise import Clip, Gaussian


@dataclass(frozen=True, kw_only=True)
class Added:
    """A crop made noisy.

    Attributes:
        noisy: (C, H, W).
        clean: (C, H, W), the truth; for a camera, what it makes without noise.
        sigma: standard deviation of the noise: as drawn for Gaussian noise, else as it came out.
    """

    noisy: Tensor
    clean: Tensor
    sigma: float


def parse(text: str) -> tuple[models.Noise, ...]:
    """The models of a text; "|" stands between alternatives of which each crop gets one.

    The grammar is that of `pellucid.noise.models`, e.g. "gaussian:0-50|correlated:0-50,1".

    >>> len(parse("gaussian:0-50 | poisson:5-50"))
    2
    """
    return tuple(models.parse(part) for part in text.split("|"))


def add(kinds: tuple[models.Noise, ...], clean: Tensor, generator: torch.Generator) -> Added:
    """Make (C, H, W) noisy with one of the models, at levels drawn from its ranges.

    >>> crop = torch.full((1, 64, 64), 0.5)
    >>> added = add(parse("gaussian:25"), crop, torch.Generator().manual_seed(0))
    >>> round(added.sigma * 255), round(float((added.noisy - crop).std()) * 255)
    (25, 25)
    """
    place = int(torch.randint(len(kinds), (), generator=generator)) if len(kinds) > 1 else 0
    model = _settled(kinds[place], generator)
    noisy = model.apply(clean, generator)
    truth = _truth(model, clean)
    sigma = _stated(model)
    if sigma is None:
        sigma = float((noisy - truth).square().mean().sqrt())
    return Added(noisy=noisy, clean=truth, sigma=sigma)


def levels(kinds: tuple[models.Noise, ...]) -> tuple[float, float] | None:
    """(lowest, highest) standard deviation that a text allows, or None where it depends on the picture.

    >>> levels(parse("gaussian:0-51")), levels(parse("poisson:30"))
    ((0.0, 0.2), None)
    """
    ends: list[float] = []
    for model in kinds:
        sigma = getattr(model, "sigma", None)
        if sigma is None:
            return None
        ends += sigma if isinstance(sigma, tuple) else (sigma,)
    return min(ends), max(ends)


def _settled(model: Any, generator: torch.Generator) -> models.Noise:
    """The model with a number in place of every range."""
    if isinstance(model, models.Chain):
        return models.Chain(tuple(_settled(part, generator) for part in model.models))
    drawn: dict[str, float] = {}
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        if field.type == "Level" and isinstance(value, tuple):
            drawn[field.name] = value[0] + (value[1] - value[0]) * float(torch.rand((), generator=generator))
    settled: models.Noise = dataclasses.replace(model, **drawn)
    return settled


def _stated(model: models.Noise) -> float | None:
    return float(model.sigma) if isinstance(model, Gaussian) and isinstance(model.sigma, float) else None


def _truth(model: models.Noise, clean: Tensor) -> Tensor:
    for part in model.models if isinstance(model, models.Chain) else (model,):
        if isinstance(part, Camera):
            clean = part.reference(clean)
        elif isinstance(part, Clip):
            clean = clean.clamp(0, 1)
    return clean
