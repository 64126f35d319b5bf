"""Pairs from neighbouring frames of a sequence; where something moved between them, no pair is made."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from pellucid import seeds
from pellucid.data.cache import Cache
from pellucid.data.crops import Region
from pellucid.data.folder import images_in, of_one_white, open_all, same_channels
from pellucid.data.pool import Facts, read
from pellucid.data.source import Source
from pellucid.noise.level import detail

BLOCK = 8
"""pixels; over such a square the noise of a pixel falls to an eighth"""
TRIED = 256
"""crops that tell what stillness looks like in this sequence"""
MORE = 2.0
"""how much more than the quietest quarter of all crops may have changed"""


class Frames:
    """A stack, several stacks, or a folder of pictures of one size, in order of time.

    Args:
        place: a stack, or a folder.
        cache: for compressed files.
        side: of the crops.
        seed: of the crops that tell what stillness is.
        data_range: what white is in the files.

    Raises:
        ValueError: when there are not two frames of one size.
    """

    def __init__(
        self, place: Path, cache: Cache, *, side: int, seed: int = 0, data_range: float | None = None
    ) -> None:
        opened = open_all(images_in(place), cache, data_range=data_range)
        sources, white = of_one_white(opened.sources)
        self.sequences = _sequences(sources)
        long = [i for i, frames in enumerate(self.sequences) if len(frames) > 1]
        if not long:
            raise ValueError(
                f"{place} must hold a stack, or pictures of one size, of two or more frames; got "
                f"{len(sources)} files without a neighbour. Use --pairs shots for shots of scenes."
            )
        regions = []
        for i in long:
            _, _, height, width = self.sequences[i][0][0].shape
            regions.append(
                Region(
                    source=i,
                    first=0,
                    last=len(self.sequences[i]) - 1,
                    top=0,
                    bottom=height,
                    left=0,
                    right=width,
                )
            )
        self.facts = Facts(
            regions=tuple(regions),
            groups=tuple(self.sequences[i][0][0].name for i in long),
            channels=same_channels(sources),
            color=all(source.color for source in sources),
            white=white,
            pictures=len(sources),
            left_out=opened.left_out,
            gap=2,  # the last pair before the gap shows one frame more
        )
        self.limit = math.inf
        self.limit = self._stillness(side, seed)

    def _stillness(self, side: int, seed: int) -> float:
        """The change beyond which something moved: what noise alone leaves, or what is usual here."""
        scores = []
        fitting = [r for r in self.facts.regions if r.holds(side)]
        for trial in range(TRIED if fitting else 0):
            draws = seeds.generator(seed, "stillness", trial)
            region = fitting[int(torch.randint(len(fitting), (), generator=draws))]
            place = [
                int(torch.randint(high, (), generator=draws))
                for high in (
                    region.last - region.first,
                    region.bottom - region.top - side + 1,
                    region.right - region.left - side + 1,
                )
            ]
            scores.append(change(*self._pair(region, place[0], place[1], place[2], side)))
        quiet = float(np.quantile(scores, 0.25)) if scores else 1.0
        return MORE * max(1.0, quiet)

    def name(self, region: Region) -> str:
        """The name of the first file of the sequence."""
        return self.sequences[region.source][0][0].name

    def _pair(self, region: Region, number: int, top: int, left: int, side: int) -> tuple[Tensor, Tensor]:
        frames = self.sequences[region.source]
        one, two = (read(*frames[n], top, left, side) for n in (number, number + 1))
        return one, two

    def views(
        self, region: Region, number: int, top: int, left: int, side: int, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None] | None:
        """A frame and the next, either way round; None where something moved."""
        one, two = self._pair(region, number, top, left, side)
        if change(one, two) > self.limit:
            return None
        swap = bool(torch.randint(2, (), generator=generator))
        return (two, one) if swap else (one, two)


def change(one: Tensor, two: Tensor) -> float:
    """How much more squares of two frames differ than their noise explains; about 1 where nothing moved.

    The largest square mean of their difference over `BLOCK`² pixels, relative to what white noise of the
    level of their finest detail would leave on average at the largest of as many squares.

    Args:
        one: (C, H, W).
        two: the same shape.

    >>> draws = torch.Generator().manual_seed(0)
    >>> still = [torch.randn(1, 64, 64, generator=draws) for _ in range(2)]
    >>> change(*still) < 1.5 < change(still[0], still[1] + 2)
    True
    """
    difference = (one - two)[None]
    level = detail(difference).flatten(2).abs().median(-1).values / 0.6745  # MAD
    block = min(BLOCK, *difference.shape[-2:])
    means = avg_pool2d(difference, block).flatten(2)
    largest = means.abs().max(-1).values * block
    usual = math.sqrt(2 * math.log(max(means.shape[-1], 2)))  # of the largest of n normal numbers
    ratio = largest / (level * usual).clamp_min(1e-12)
    return float(ratio.max())


def _sequences(sources: tuple[Source, ...]) -> list[list[tuple[Source, int]]]:
    """Frames in order of time: each stack is one sequence, single pictures of one size are one together."""
    found: list[list[tuple[Source, int]]] = []
    single: dict[tuple[int, ...], list[tuple[Source, int]]] = {}
    for source in sources:
        count = source.shape[0]
        if count > 1:
            found.append([(source, n) for n in range(count)])
        else:
            single.setdefault(source.shape, []).append((source, 0))
    return [*found, *single.values()]
