"""The noise level of every level of a pyramid."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pellucid import checks, seeds
from pellucid.methods.single_image.pyramid import resize
from pellucid.noise import level
from pellucid.noise.report import NoiseReport

LEVELS = ("auto", "chen", "report")


def sigmas(pictures: Sequence[Tensor], noise: NoiseReport, kind: str = "auto") -> list[float]:
    """sigma_{y_n} of the levels of a pyramid, 1.0 = white.

    Chen's estimate reads far too little where neighbouring pixels share noise (8 for a true 25), and the
    finer levels of a pyramid are such pictures when the image is. The level of the NoiseReport is right
    there at the finest level; it is carried down by what the resizing leaves of white noise, the least that
    can be left, as correlated noise survives it better.

    Args:
        pictures: (C, h, w) each, finest first.
        noise: the report of the finest.
        kind: chen, report, or auto: chen, but report where the noise is correlated or its level was stated.

    Returns:
        One standard deviation per level.

    >>> flat = torch.zeros(1, 32, 32)
    >>> sigmas([flat, flat[:, ::2, ::2]], NoiseReport.white(0.1, 1), "report")[0]
    0.1
    """
    checks.one_of("level", kind, LEVELS)
    measured = noise.chen > 0  # a report of a stated level has none
    if kind == "chen" or (kind == "auto" and measured and not noise.correlated):
        return [level.chen(picture) for picture in pictures]
    return [noise.level * share for share in _left([(p.shape[-2], p.shape[-1]) for p in pictures])]


def _left(sizes: Sequence[tuple[int, int]]) -> list[float]:
    """What resizing from the first size to each leaves of the standard deviation of white noise."""
    # Far from the border every pixel is like this one; a fixed draw keeps it simple, within about 1 %.
    white = torch.randn((4, *sizes[0]), generator=seeds.generator(0, "level"))
    whole = float(white.square().mean().sqrt())
    return [float(resize(white, size).square().mean().sqrt()) / whole for size in sizes]
