"""Bicubic and Lanczos interpolation: enlargement by a fixed formula, the rivals to beat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor

from pellucid import fields
from pellucid.degradation import Downsample
from pellucid.methods.table import described
from pellucid.steps import Method, Recipe, Step, Task


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of an interpolation."""

    back_projection: int = fields.option(0, low=0)
    """rounds of adding the enlarged difference between the input and the reduced result; 0 for plain
    interpolation"""

    def __post_init__(self) -> None:
        fields.check(self)


def back_project(estimate: Tensor, small: Tensor, degradation: Downsample, rounds: int) -> Tensor:
    """Make an estimate explain its input, x <- x + U(y - D(x)), with U the bicubic enlargement.

    Args:
        estimate: (..., C, f H, f W).
        small: (..., C, H, W), y.
        degradation: D.
        rounds: how often.

    Source: Irani, Peleg, "Improving resolution by image registration", CVGIP 1991.

    >>> small = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> half = Downsample(2)
    >>> first = half.enlarge(small)
    >>> better = back_project(first, small, half, 10)
    >>> bool((half.apply(better) - small).norm() < 0.1 * (half.apply(first) - small).norm())
    True
    """
    for _ in range(rounds):
        estimate = estimate + degradation.enlarge(small - degradation.apply(estimate))
    return estimate


def lanczos(image: Tensor, factor: int) -> Tensor:
    """(C, H, W) enlarged by Lanczos-3 interpolation, pixel centres aligned, weights sum to 1."""
    size = (image.shape[-1] * factor, image.shape[-2] * factor)
    planes = [
        Pillow.fromarray(np.ascontiguousarray(p)).resize(size, Pillow.Resampling.LANCZOS)
        for p in image.numpy()
    ]
    return torch.from_numpy(np.stack([np.asarray(p) for p in planes]))


def _factor(task: Task, name: str) -> Downsample:
    if not isinstance(task.degradation, Downsample):
        raise ValueError(f"{name} needs a factor to enlarge by, got none. Use it with upscale.")
    return task.degradation


def _bicubic(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """X = U(y) with Keys' kernel of a = -1/2, pixel centres aligned."""
    degradation, small = _factor(task, "bicubic"), task.shots.mean(0).to(device)
    yield _step(back_project(degradation.enlarge(small), small, degradation, config.back_projection))


def _lanczos(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """X = U(y) with the Lanczos kernel of three lobes, pixel centres aligned."""
    degradation, small = _factor(task, "lanczos"), task.shots.mean(0).to(device)
    large = lanczos(small.cpu(), degradation.factor).to(device)
    yield _step(back_project(large, small, degradation, config.back_projection))


def _step(estimate: Tensor) -> Step:
    return Step(iteration=1, phase="filter", loss=None, output=estimate, estimate=lambda: estimate, total=1)


_PRESETS = {"paper": Config(), "fast": Config(), "consistent": Config(back_projection=10)}

BICUBIC = Method(
    **described("bicubic"),
    config=Config,
    steps=_bicubic,
    presets=_PRESETS,
    restores={"downsample": Recipe(presets=_PRESETS, cost="0.1 s")},
    uses_noise=False,
)
LANCZOS = Method(
    **described("lanczos"),
    config=Config,
    steps=_lanczos,
    presets=_PRESETS,
    restores={"downsample": Recipe(presets=_PRESETS, cost="0.1 s")},
    uses_noise=False,
)
