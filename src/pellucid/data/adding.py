"""Noise that is added to clean crops: a level drawn for each, and what the level was."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pellucid.noise import models
from pellucid.noise.camera import Camera
from pellucid.noise.grain import Spectrum
from pellucid.noise.pointwise import Clip, Gaussian
from pellucid.noise.structured import Correlated


@dataclass(frozen=True, kw_only=True)
class Added:
    """A crop made noisy.

    Attributes:
        noisy: (C, H, W).
        clean: (C, H, W), the truth; for a camera, what it makes without noise.
        sigma: standard deviation of the noise: as drawn where a model states it (gaussian, correlated,
            spectrum), else as it came out.
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

    Each call draws anew: the model among alternatives, its levels, its spectrum. The two views of a pair
    come from two calls: they share the law of these draws and nothing else, and their levels and spectra
    differ. Noise2Noise asks of the second view only that its noise has mean 0 and is independent of that of
    the first. `sigma` of the first is what the network is told.

    >>> crop = torch.full((1, 64, 64), 0.5)
    >>> added = add(parse("gaussian:25"), crop, torch.Generator().manual_seed(0))
    >>> round(added.sigma * 255), round(float((added.noisy - crop).std()) * 255)
    (25, 25)
    """
    return _added(_drawn(kinds, generator), clean, generator)


def pair(
    kinds: tuple[models.Noise, ...], clean: Tensor, generator: torch.Generator, draws: int
) -> tuple[Added, Tensor]:
    """Two views of (C, H, W): one noisy version, and another or the mean of several others.

    One other is drawn as by `add`. Several are of the level that the first has, as several shots are, and
    their mean has 1 / draws of its variance: as a target it has the same expectation, so that the gradient
    is the same on average, with less noise.

    >>> crop = torch.full((1, 64, 64), 0.5)
    >>> _, of_16 = pair(parse("gaussian:40"), crop, torch.Generator().manual_seed(0), 16)
    >>> round(float((of_16 - crop).std()) * 255)
    10
    """
    if draws == 1:
        return add(kinds, clean, generator), add(kinds, clean, generator).noisy
    model = _drawn(kinds, generator)
    first = _added(model, clean, generator)
    total = model.apply(clean, generator)
    for _ in range(draws - 1):
        total = total + model.apply(clean, generator)
    return first, total / draws


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


def _drawn(kinds: tuple[models.Noise, ...], generator: torch.Generator) -> models.Noise:
    """One of the models, with a number in place of every range."""
    place = int(torch.randint(len(kinds), (), generator=generator)) if len(kinds) > 1 else 0
    return _settled(kinds[place], generator)


def _added(model: models.Noise, clean: Tensor, generator: torch.Generator) -> Added:
    noisy = model.apply(clean, generator)
    truth = _truth(model, clean)
    sigma = _stated(model)
    if sigma is None:
        sigma = float((noisy - truth).square().mean().sqrt())
    return Added(noisy=noisy, clean=truth, sigma=sigma)


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
    """The standard deviation that a settled model promises, or None."""
    if isinstance(model, Gaussian | Correlated | Spectrum) and isinstance(model.sigma, float):
        return model.sigma
    return None


def _truth(model: models.Noise, clean: Tensor) -> Tensor:
    for part in model.models if isinstance(model, models.Chain) else (model,):
        if isinstance(part, Camera):
            clean = part.reference(clean)
        elif isinstance(part, Clip):
            clean = clean.clamp(0, 1)
    return clean
