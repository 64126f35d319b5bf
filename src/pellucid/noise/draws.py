"""Random draws that the forward models share: levels (fixed or from a range) and fields of numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid import checks

Level = float | tuple[float, float]
"""A level, or a range (low, high) from which every image of a batch draws its own."""


def check(
    name: str, level: Level, low: float = 0.0, high: float = float("inf"), *, low_open: bool = False
) -> None:
    """Raise a ValueError unless the level, or both ends of its range, lie in the interval."""
    ends = level if isinstance(level, tuple) else (level,)
    for end in ends:
        checks.in_range(name, end, low, high, low_open=low_open)
    if ends[0] > ends[-1]:
        raise ValueError(f"{name} must be a range from low to high, got {ends[0]} to {ends[-1]}. Swap them.")


def level(value: Level, image: Tensor, generator: torch.Generator) -> Tensor:
    """The level for each image of a (..., C, H, W) batch, as (..., 1, 1, 1); drawn evenly from a range.

    >>> level((1.0, 2.0), torch.zeros(5, 3, 2, 2), torch.Generator()).shape
    torch.Size([5, 1, 1, 1])
    """
    shape = (*image.shape[:-3], 1, 1, 1)
    if not isinstance(value, tuple):
        return torch.full(shape, value, device=image.device)
    low, high = value
    return low + (high - low) * uniform(shape, image, generator)


def normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers, drawn where the generator lives, on the device of ``like``."""
    return torch.randn(shape, generator=generator, device=generator.device).to(like.device)


def uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers spread evenly over [0, 1), drawn where the generator lives, on the device of ``like``."""
    return torch.rand(shape, generator=generator, device=generator.device).to(like.device)


def poisson(rate: Tensor, generator: torch.Generator) -> Tensor:
    """Poisson counts of the given rates; a negative rate, which no light has, counts as 0."""
    return torch.poisson(rate.clamp(min=0).to(generator.device), generator=generator).to(rate.device)
