"""`@best`: the step of an iterative method that is nearest the truth. An oracle: no stop rule can know it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import auto
from pellucid.image import Image
from pellucid.noise import analysis
from pellucid.run import Settings
from pellucid.run.whole import keep_mean
from pellucid.steps import Step, Task

LOOKS = 200
"""how often a fit is compared with the truth, evenly spread over the iterations that it plans"""
EVERY = 10
"""iterations between two looks where it does not say how many it plans"""


def best(
    settings: Settings, images: list[Image], clean: Tensor
) -> tuple[Settings, Callable[[], tuple[int, float]]]:
    """Settings whose method runs to its end without a stop rule and gives the best estimate on its way.

    The estimates are compared as they would come out: in the working range, after the inverse of a
    variance-stabilising transform where the run uses one, and with the mean that the run gives them.

    Args:
        settings: of an iterative method.
        images: the shots.
        clean: (C, H, W) working range.

    Returns:
        the settings; and what tells the best iteration and its mean square error, once it has run.

    Raises:
        ValueError: when the method is cut into tiles, so that no estimate shows the whole picture.
    """
    method = settings.method
    if method is None:
        raise ValueError("@best needs a method, got auto. Name one.")
    back = inverse(settings, images[0])
    noisy = torch.from_numpy(np.mean([image.pixels[0] for image in images], axis=0))
    integers = np.issubdtype(np.dtype(images[0].dtype), np.integer)
    found: list[tuple[int, float]] = []

    def steps(task: Task, config: Any, *, seed: int, device: torch.device) -> Iterator[Step]:
        kept: Tensor | None = None
        for step in method.steps(task, config, seed=seed, device=device):
            ends = [n for n in (step.total, settings.budget.iterations) if n is not None]
            every = max(1, -(-min(ends) // LOOKS)) if ends else EVERY
            if step.iteration % every == 0 or step.iteration in (1, *ends):
                estimate = step.estimate().detach()
                if estimate.shape == clean.shape:
                    seen = back(estimate).cpu()
                    if method.keeps(config, task.noise):
                        seen = keep_mean(seen, noisy, clips=integers)
                    seen = seen.double().clamp(0, 1)
                    error = float((seen - clean).square().mean())
                    if not found or error < found[-1][1]:
                        found.append((step.iteration, error))
                        kept = estimate.clone()
            held = step.estimate if kept is None else (lambda kept=kept: kept)
            yield replace(step, estimate=held)

    def told() -> tuple[int, float]:
        if not found:
            raise ValueError(
                "@best saw no estimate of the whole picture. Give --crop, so that it is not cut."
            )
        return found[-1]

    return replace(settings, method=replace(method, steps=steps, stop=""), rule=""), told


def inverse(settings: Settings, image: Image) -> Callable[[Tensor], Tensor]:
    """The way back from the range in which the method works, as the run itself decides it."""
    method = settings.method
    measured = method is not None and method.uses_noise and settings.sigma is None
    if not measured or settings.level != "auto" or settings.near_clean:
        return lambda estimate: estimate
    report = analysis.analyse(torch.from_numpy(image.pixels.copy()), color=image.color, scale=image.scale)
    stabilise = auto.around(method.name, report) if method else None
    return (lambda estimate: estimate) if stabilise is None else stabilise.inverse
