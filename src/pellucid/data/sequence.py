"""Pairs from neighbouring frames of a sequence: what moved is laid on its place; where that fails, none."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from pellucid import seeds
from pellucid.data.cache import Cache
from pellucid.data.crops import Region
from pellucid.data.folder import images_in, of_one_white, open_all, same_channels
from pellucid.data.pool import Facts, read
from pellucid.data.source import Source
from pellucid.noise.level import detail
from pellucid.shots import flow

BLOCK = 8
"""pixels; over such a square the noise of a pixel falls to an eighth"""
TRIED = 256
"""crops that tell what stillness looks like in this sequence"""
MORE = 2.0
"""how much more than the quietest quarter of all crops may have changed"""
MARGIN = 16
"""pixels around a crop from which what moved may come"""
RESTLESS = 2.0
"""change of the quietest quarter beyond which frames do not show the same, however they are moved"""


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
        quiet = self._stillness(side, seed)
        self.limit = MORE * max(1.0, quiet)
        if quiet > RESTLESS:
            note = (
                "neighbouring frames differ by more than their noise nearly everywhere, also where what "
                f"moves is laid on its place ({quiet:.1f} times as much): a model learns from that to blur. "
                "Look at samples/, and take frames that lie closer in time, or n2v, which needs no pairs"
            )
            self.facts = replace(self.facts, notes=(note,))

    def _stillness(self, side: int, seed: int) -> float:
        """The change of the quietest quarter of the crops, once what moves is laid on its place."""
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
            one, two = self._pair(region, place[0], place[1], place[2], side)
            score = change(one, two)
            if score > MORE:
                score = min(score, self._laid(region, place[0], place[1], place[2], side, one, two, False)[1])
            scores.append(score)
        return float(np.quantile(scores, 0.25)) if scores else 1.0

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
        """A frame and the next, either way round, the other laid on it; None where that does not fit."""
        one, two = self._pair(region, number, top, left, side)
        swap = bool(torch.randint(2, (), generator=generator))
        first, other = (two, one) if swap else (one, two)
        if change(one, two) > self.limit:
            other, score = self._laid(region, number, top, left, side, one, two, swap)
            if score > self.limit:
                return None
        return first, other

    def _laid(
        self,
        region: Region,
        number: int,
        top: int,
        left: int,
        side: int,
        one: Tensor,
        two: Tensor,
        swap: bool,
    ) -> tuple[Tensor, float]:
        """The other frame of a pair where the first shows its content, and what is left of change.

        The motion is that of `flow`, which the noise of flat places moves little. Cubic interpolation takes
        some noise off the target and none of the input, so that nothing is learnt from it.
        """
        spans = ((top, region.top, region.bottom), (left, region.left, region.right))
        wide = min(side + 2 * MARGIN, *(high - low for _, low, high in spans))
        row, column = (min(max(low, at - MARGIN), high - wide) for at, low, high in spans)
        pair = self._pair(region, number, row, column, wide)
        a, b = pair[::-1] if swap else pair
        unit = -wide % flow.grid()
        seen = [pad(f.mean(0, keepdim=True)[None], (0, unit, 0, unit), mode="replicate")[0] for f in (a, b)]
        levels = level(one - two)
        variance = float(levels.square().mean()) / len(levels)
        found = flow.between(flow.pyramid(seen[0]), flow.pyramid(seen[1]), (0.0, 0.0), variance)
        path = flow.enlarged(found, flow.CELL)[:, :wide, :wide]
        inside = (..., slice(top - row, top - row + side), slice(left - column, left - column + side))
        laid = flow.at(b, path, cubic=True)[inside].contiguous()
        return laid, change(two if swap else one, laid, levels)


def change(one: Tensor, two: Tensor, levels: Tensor | None = None) -> float:
    """How much more squares of two frames differ than their noise explains; about 1 where nothing moved.

    The largest square mean of their difference over `BLOCK`² pixels, relative to what white noise of the
    level of their finest detail would leave on average at the largest of as many squares.

    Args:
        one: (C, H, W).
        two: the same shape.
        levels: (C,) of the noise of their difference, where it is known; else it is read there.

    >>> draws = torch.Generator().manual_seed(0)
    >>> still = [torch.randn(1, 64, 64, generator=draws) for _ in range(2)]
    >>> change(*still) < 1.5 < change(still[0], still[1] + 2)
    True
    """
    difference = (one - two)[None]
    known = level(one - two) if levels is None else levels
    block = min(BLOCK, *difference.shape[-2:])
    means = avg_pool2d(difference, block).flatten(2)
    largest = means.abs().max(-1).values * block
    usual = math.sqrt(2 * math.log(max(means.shape[-1], 2)))  # of the largest of n normal numbers
    ratio = largest / (known * usual).clamp_min(1e-12)
    return float(ratio.max())


def level(difference: Tensor) -> Tensor:
    """(C,) standard deviation of the noise of a difference (C, H, W), by its finest detail."""
    return detail(difference[None]).flatten(2).abs().median(-1).values[0] / 0.6745  # MAD


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
