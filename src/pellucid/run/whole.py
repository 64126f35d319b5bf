"""A whole image, from settings to Result: analysis, choice of method, every slice, mean kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pellucid import auto, methods, seeds
from pellucid.image import Image
from pellucid.noise import analysis
from pellucid.noise.report import NoiseReport
from pellucid.noise.shift import relit
from pellucid.run import trusting
from pellucid.run.adapting import Adapted
from pellucid.run.doubt import brighter, too_much
from pellucid.run.drive import Driven, Progress
from pellucid.run.guiding import fitting
from pellucid.run.near_clean import Prepared, Source, prepare
from pellucid.run.settings import Settings, level_of
from pellucid.run.slices import each, numbered
from pellucid.run.stack import stack
from pellucid.shots import Aligned, align
from pellucid.steps import Budget, Result

IMPULSES = 1e-3
"""fraction of salt-and-pepper pixels above which the mean of the noisy image is no longer worth keeping"""


def carry_out(
    shots: Sequence[Image],
    settings: Settings,
    *,
    guide: Image | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Denoise one image, or the shots of one scene, as the settings say.

    Args:
        shots: one image, or several of one scene.
        settings: from `settle`.
        guide: another picture of the scene, of the same size, for methods that take one.
        progress: called at every step.

    Raises:
        ValueError: when the shots or the guide do not fit together, or sigma does not fit the image.
    """
    pixels, first = stack(shots)
    if settings.data_range is not None and not math.isclose(settings.data_range, first.scale):
        raise ValueError(
            f"data_range is {settings.data_range:g}, but 1.0 in {first.name} stands for {first.scale:g}. "
            "Give the same data_range when reading it."
        )
    steering = None if guide is None else fitting(guide, first)
    started = time.perf_counter()
    aligned = align(pixels, _names(shots))
    average = aligned.average()
    takes_shots = settings.method is not None and settings.method.needs != "one image"
    pixels = aligned.shots if takes_shots else average[None]
    warnings = [*settings.notes, *aligned.warnings]
    noise = _noise(average, first, settings, len(shots))
    choice = _choice(noise, first, settings)
    warnings += choice.notes
    prepared = None
    if settings.near_clean and choice.method != "none":
        prepared = _prepared(aligned, average, first, settings, progress)
        warnings += [w for w in prepared.warnings if not any(w.endswith(n) for n in noise.warnings)]
    integers = np.issubdtype(np.dtype(first.dtype), np.integer)

    def work(choice: auto.Choice, adapted: Adapted | None = None) -> list[Driven]:
        """What the choice makes of every slice."""
        method, own = trusting.tools(choice, settings)
        if adapted is not None and adapted.weights is not None:
            own = replace(own, initial=adapted.weights)
        parts = each(
            pixels,
            method,
            choice.config,
            choice.noise,
            own,
            color=first.color,
            stabilise=choice.stabilise,
            guide=steering,
            near_clean=None if prepared is None else prepared.images,
            progress=progress,
            warnings=warnings,
        )
        if noise.impulse <= IMPULSES and methods.load(choice.method).keeps(choice.config, noise):
            parts = [
                replace(p, estimate=keep_mean(p.estimate, s, clips=integers and not choice.light))
                for p, s in zip(parts, average, strict=True)
            ]
        if choice.light:
            parts = [replace(p, estimate=relit(s, p.estimate)) for p, s in zip(parts, average, strict=True)]
        return parts

    adapted = None
    if settings.adapt is not None:
        adapted = trusting.adapted(average, choice, settings, progress, warnings)
    if choice.method == "none":
        parts = [Driven(estimate=s) for s in average]
    elif choice.model is None or settings.method is not None:
        parts = work(choice, adapted)
    else:
        parts, choice = trusting.trusted(work, choice, adapted, average, noise, first, warnings)
    if adapted is not None and adapted.interrupted:
        parts = [replace(p, stopped_by="interrupted") for p in parts]
    estimate = torch.stack([p.estimate for p in parts])
    if choice.method != "none":
        found = [too_much(average, estimate, noise)]
        method = methods.load(choice.method)
        if choice.light or not method.keeps(choice.config, noise):
            taught = method.learning is not None and method.learning.sees == "clean pairs"
            found.append(brighter(average, estimate, noise, taught=taught))
        warnings += [warning for warning in found if warning]
    extras = numbered([p.extras for p in parts]) | (prepared.extras() if prepared is not None else {})
    if choice.model is not None:
        extras["model"] = Path(choice.model).stem
    if adapted is not None:
        extras["adapt"] = adapted.to_json()
    if len(shots) > 1:
        extras["shots"] = aligned.placements
    return Result(
        estimate=estimate.numpy().astype(np.float32),
        method=choice.method,
        reason=f"{aligned.words}: {choice.reason}" if len(shots) > 1 else choice.reason,
        config=choice.config,
        seed=settings.seed,
        device=str(settings.device),
        seconds=time.perf_counter() - started,
        iterations=max(p.iterations for p in parts),
        stopped_by=", ".join(dict.fromkeys(p.stopped_by for p in parts)),
        curves=numbered([p.curves for p in parts]),
        noise=noise,
        warnings=(*warnings, *dict.fromkeys(w for p in parts for w in p.warnings), *noise.warnings),
        extras=extras,
    )


def _names(shots: Sequence[Image]) -> list[str] | None:
    """What to call the shots in messages; arrays are all called alike, and are numbered."""
    names = [shot.name for shot in shots]
    return names if len(set(names)) == len(names) else None


def _prepared(
    aligned: Aligned,
    average: Tensor,
    image: Image,
    settings: Settings,
    progress: Callable[[Progress], None] | None,
) -> Prepared:
    """Every near-clean image is what `denoise` makes of the shot with that method and nothing else said."""

    def denoise(shot: Image, source: Source, place: int, averaged: int) -> Result:
        stated = settings.sigma if source.method.uses_noise else None
        own = Settings(
            method=source.method,
            config=source.method.presets["fast"],
            device=settings.device,
            sigma=None if stated is None else stated / math.sqrt(averaged),
            data_range=settings.data_range,
            level=settings.level if source.method.uses_noise else "auto",
            model=source.model,
            seed=settings.seed if place == 0 else seeds.child(settings.seed, "near-clean", place),
            budget=Budget(),
        )
        return carry_out([shot], own, progress=progress)

    shots = [image.with_pixels(shot.numpy()) for shot in aligned.shots]
    return prepare(shots, image.with_pixels(average.numpy()), settings.near_clean, denoise)


def _noise(pixels: Tensor, image: Image, settings: Settings, shots: int) -> NoiseReport:
    """The report of (N, C, H, W): what the user stated, for each shot, or what is measured."""
    sigma = level_of(settings.sigma, settings.data_range)
    if sigma is not None:
        sigma /= math.sqrt(shots)  # what is left in their average
        return NoiseReport.white(sigma, pixels.shape[1], scale=image.scale)
    report = analysis.analyse(pixels, color=image.color, scale=image.scale)
    if settings.level == "auto":
        return report
    levels = report.mad if settings.level == "mad" else (report.chen,) * pixels.shape[1]
    return replace(NoiseReport.white(levels, pixels.shape[1], scale=image.scale), warnings=report.warnings)


def _choice(noise: NoiseReport, image: Image, settings: Settings) -> auto.Choice:
    if settings.sigma == 0:
        return auto.Choice(method="none", config=None, noise=noise, reason="the stated noise level is 0")
    if settings.method is None:
        return auto.choose(noise, color=image.color, channels=image.pixels.shape[1])
    from_card = trusting.of_card(noise, image, settings)
    if from_card is not None:
        return from_card
    if settings.sigma is not None:
        reason = f"asked for, at the stated level {settings.sigma:g}"
    elif settings.level != "auto":
        reason = f"asked for, at the level that {settings.level} reads"
    else:
        reason = "asked for"
    measured = settings.sigma is None and settings.level == "auto" and settings.method.uses_noise
    measured = measured and settings.method.learning is None  # it learnt the noise as it is in the files
    measured = measured and not settings.near_clean  # these are made in the domain of the file
    return auto.Choice(
        method=settings.method.name,
        config=settings.config,
        noise=noise,
        reason=reason,
        stabilise=auto.around(settings.method.name, noise) if measured else None,
    )


def keep_mean(estimate: Tensor, noisy: Tensor, *, clips: bool) -> Tensor:
    """Noise of zero mean has no say in the brightness of a channel, so the method has none either.

    Args:
        estimate: (C, H, W).
        noisy: the same shape.
        clips: whether values beyond [0, 1] will be cut off on writing; then the mean after the cut is kept.
    """
    wanted = noisy.double().mean((-2, -1), keepdim=True)
    for _ in range(3 if clips else 1):
        seen = estimate.clamp(0, 1) if clips else estimate
        estimate = estimate + (wanted - seen.double().mean((-2, -1), keepdim=True)).float()
    return estimate
