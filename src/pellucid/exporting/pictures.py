"""Noisy pictures with known truth, for measuring and for calibrating: those that scikit-image brings."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid import seeds
from pellucid.models import Card

NAMES = ("astronaut", "chelsea", "coffee", "rocket")
LEVEL = 0.1
"""standard deviation where a card names none"""


def clean(channels: int, name: str = NAMES[0], *, side: int = 512) -> Tensor:
    """A picture (1, C, side, side), 0 to 1: in colour for three channels, else its luma in each."""
    import skimage.data  # not before it is asked for: every denoise passes by here

    pixels = torch.from_numpy(getattr(skimage.data, name)().copy()).float().permute(2, 0, 1) / 255
    if channels != 3:
        pixels = pixels.mean(0, keepdim=True).expand(channels, -1, -1)
    rows, columns = (torch.arange(side) % length for length in pixels.shape[1:])
    return pixels.index_select(1, rows).index_select(2, columns)[None].contiguous()


def levels(card: Card, count: int) -> list[float]:
    """Levels across the range that a card names, the ends left out.

    >>> [round(v, 2) for v in levels(Card(method="n2n", config={}, channels=1, sigma=(0.0, 0.3)), 2)]
    [0.1, 0.2]
    """
    low, high = card.sigma or (LEVEL, LEVEL)
    return [low + (high - low) * (n + 1) / (count + 1) for n in range(count)]


def noisy(picture: Tensor, level: float, *, seed: int = 0) -> Tensor:
    """The picture with white noise."""
    return picture + level * torch.randn(picture.shape, generator=seeds.generator(seed, "exporting"))
