"""Models around a run: how a named one is applied, one that is fitted first, and one that is not trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from pellucid import auto, methods, models
from pellucid.image import Image
from pellucid.noise.report import NoiseReport
from pellucid.run.adapting import Adapted
from pellucid.run.doubt import failed
from pellucid.run.drive import Driven, Progress
from pellucid.run.fitted import fitted
from pellucid.run.settings import Settings
from pellucid.run.trained import as_trained
from pellucid.steps import Method


def of_card(noise: NoiseReport, image: Image, settings: Settings) -> auto.Choice | None:
    """How a named model is applied where its card says how for this kind of noise, else None."""
    if settings.model is None or settings.method is None or settings.method.learning is None:
        return None
    path = Path(settings.model)
    card = models.read_card(path)
    if auto.shipped.kind_of(noise) not in card.kinds or card.channels != image.pixels.shape[1]:
        return None
    choice = auto.shipped.with_model(path, card, noise, color=image.color)
    return replace(choice, config=settings.config, reason=f"asked for; {choice.reason}")


def tools(choice: auto.Choice, settings: Settings) -> tuple[Method, Settings]:
    """The method of a choice, and the settings with the model that it brings."""
    if settings.method is not None:
        return settings.method, settings
    method = methods.load(choice.method)
    if choice.model is None:
        return method, settings
    method, _ = as_trained(method, models.read_card(choice.model), choice.model, None, choice.config)
    return method, replace(settings, model=choice.model)


def adapted(
    average: Tensor,
    choice: auto.Choice,
    settings: Settings,
    progress: Callable[[Progress], None] | None,
    warnings: list[str],
) -> Adapted | None:
    """The model fitted to the image, where the choice is one; what came of it goes to the warnings."""
    method, own = tools(choice, settings) if choice.method != "none" else (None, settings)
    if method is None or method.learning is None or own.model is None or not method.learning.direct:
        what = "nothing was removed" if method is None else f"{choice.method} was chosen, which is no model"
        warnings.append(f"adapt did nothing: {what}")
        return None
    adapted = fitted(average, method, choice, own, progress)
    warnings.append(adapted.words)
    return adapted


def trusted(
    work: Callable[[auto.Choice, Adapted | None], list[Driven]],
    choice: auto.Choice,
    adapted: Adapted | None,
    average: Tensor,
    noise: NoiseReport,
    image: Image,
    warnings: list[str],
) -> tuple[list[Driven], auto.Choice]:
    """What a model that auto chose makes of the image; a filter where what it removed says that it failed."""
    try:
        parts = work(choice, adapted)
        wrong = failed(average, torch.stack([p.estimate for p in parts]), noise)
        if any(p.interrupted for p in parts):
            wrong = None
    except ArithmeticError:
        wrong = "its values were not finite"
    if wrong is None:
        return parts, choice
    name = Path(str(choice.model)).stem
    other = auto.choose(noise, color=image.color, channels=image.pixels.shape[1], trained=False)
    warnings.append(f"model {name} was tried and is not used, {wrong}: {other.method} took its place")
    return work(other, None), other
