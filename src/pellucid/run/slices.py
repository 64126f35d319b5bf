"""Every slice of a stack in turn, sharing the time; after an interrupt the rest stays as it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from torch import Tensor

from pellucid import seeds
from pellucid.auto import Stabiliser
from pellucid.degradation import Degradation
from pellucid.noise.report import NoiseReport
from pellucid.run.drive import Driven, Progress, drive
from pellucid.run.settings import Settings
from pellucid.steps import Method


def each(
    pixels: Tensor,
    method: Method,
    config: Any,
    noise: NoiseReport,
    settings: Settings,
    *,
    color: bool,
    stabilise: Stabiliser | None = None,
    degradation: Degradation | None = None,
    guide: Tensor | None = None,
    near_clean: Tensor | None = None,
    untouched: Callable[[Tensor], Tensor] | None = None,
    progress: Callable[[Progress], None] | None = None,
    warnings: list[str],
) -> list[Driven]:
    """Run a method on every slice.

    Args:
        pixels: (S, N, C, H, W), S shots of N slices.
        method: what to run.
        config: its configuration.
        noise: one report for all.
        settings: from `settle`.
        color: whether the channels are display colours.
        stabilise: change of values around the method, or None.
        degradation: what happened besides noise, or None.
        guide: (N, C', H', W') second picture of the scene, or None.
        near_clean: (K, N, C, H, W) what other methods made of the shots, or None.
        untouched: what a slice (C, H, W) becomes where an interrupt kept the method from it; None for itself.
        progress: called at every step.
        warnings: gets a line when slices are left.

    Returns:
        One Driven per slice.
    """
    parts: list[Driven] = []
    count = pixels.shape[1]
    left = settings.budget.seconds
    for index in range(count):
        started = time.perf_counter()
        parts.append(
            drive(
                pixels[:, index],
                method,
                config,
                noise,
                settings,
                color=color,
                seed=settings.seed if index == 0 else seeds.child(settings.seed, "slice", index),
                stabilise=stabilise,
                degradation=degradation,
                guide=None if guide is None else guide[index],
                near_clean=None if near_clean is None else near_clean[:, index],
                seconds=None if left is None else left / (count - index),
                place=(index + 1, count),
                progress=progress,
            )
        )
        if left is not None:
            left = max(left - (time.perf_counter() - started), 1e-3)
        if parts[-1].interrupted and index + 1 < count:
            warnings.append(f"interrupted: slices {index + 2} to {count} of {count} are as they came")
            rest = pixels.mean(0)[index + 1 :]
            parts += [
                Driven(estimate=s if untouched is None else untouched(s), stopped_by="interrupted")
                for s in rest
            ]
            break
    return parts


def numbered(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One dict for all slices; with several, the names carry the number of the slice, from 1.

    >>> numbered([{"loss": 1}, {"loss": 2}])
    {'loss (slice 1)': 1, 'loss (slice 2)': 2}
    """
    if len(parts) == 1:
        return parts[0]
    return {f"{name} (slice {i})": value for i, part in enumerate(parts, 1) for name, value in part.items()}
