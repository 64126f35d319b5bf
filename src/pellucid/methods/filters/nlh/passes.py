"""Passes of NLH over a picture: strips of reference blocks, whose sums meet before the division."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from pellucid import devices
from pellucid.methods.filters.compiled import Floats, Places
from pellucid.methods.filters.nlh import shrinkage
from pellucid.methods.filters.nlh.groups import SPARE

Work = Callable[[Places, Places, int, Floats, Floats], None]
"""adds what the reference blocks at rows × columns make to sums and weights that begin at a line"""


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Which blocks a pass works on.

    Attributes:
        side: of a block, pixels.
        step: pixels between reference blocks.
        radius: of the search, pixels.
        count: blocks in a group.
    """

    side: int
    step: int
    radius: int
    count: int


def thresholded(planes: Floats, guide: Floats, noise: Floats, strength: float, blocks: Blocks) -> Floats:
    """The first stage once over planes (P, H, W): the mean of what their groups make of every pixel.

    Args:
        planes: rows of pixels are compared in the first of them.
        guide: (H, W) in which blocks are compared.
        noise: (P, 2L + 1, 2L + 1) autocovariance of the planes.
        strength: threshold in standard deviations.
        blocks: which.
    """
    wide = _wide(guide)
    del guide

    def work(rows: Places, columns: Places, top: int, total: Floats, weight: Floats) -> None:
        shrinkage.thresholded(
            planes, wide, rows, columns, blocks.side, blocks.radius, blocks.count,
            noise, strength, top, total, weight,
        )  # fmt: skip

    return _together(planes, blocks, work)


def weighed(
    planes: Floats, pilot: Floats, guide: Floats, noise: Floats, gain: float, blocks: Blocks
) -> Floats:
    """The second stage once over planes (P, H, W): means weighed by 1 / ΣW².

    Args:
        planes: what is filtered.
        pilot: (P, H, W) estimate that says how strong each coefficient is; rows are compared in its first
            plane.
        guide: (H, W) in which blocks are compared.
        noise: (P, 2L + 1, 2L + 1) autocovariance of the planes.
        gain: factor on the pilot.
        blocks: which.
    """
    wide = _wide(guide)
    del guide

    def work(rows: Places, columns: Places, top: int, total: Floats, weight: Floats) -> None:
        shrinkage.weighed(
            planes, pilot, wide, rows, columns, blocks.side, blocks.radius, blocks.count,
            noise, gain, top, total, weight,
        )  # fmt: skip

    return _together(planes, blocks, work)


def references(count: int, step: int) -> Places:
    """Positions 0, step, 2 step … and always the last one.

    >>> references(6, 3).tolist(), references(7, 3).tolist()
    ([0, 3, 5], [0, 3, 6])
    """
    places = np.arange(0, count, step)
    return places if places[-1] == count - 1 else np.append(places, count - 1)


def _together(planes: Floats, blocks: Blocks, work: Work) -> Floats:
    """All strips of a picture, on as many threads as torch may use.

    The sums of the strips are added from top to bottom, so that the number of threads changes no bit.
    """
    depth, height, width = planes.shape
    rows = references(height - blocks.side + 1, blocks.step)
    columns = references(width - blocks.side + 1, blocks.step)
    each = max(1, 2 * blocks.radius // blocks.step)

    def strip(part: Places) -> tuple[slice, Floats, Floats]:
        top, bottom = max(0, int(part[0]) - blocks.radius), int(part[-1]) + blocks.radius + blocks.side
        lines = slice(top, min(height, bottom))
        total, weight = (np.zeros((depth, lines.stop - top, width), np.float32) for _ in range(2))
        work(part, columns, top, total, weight)
        return lines, total, weight

    total, weight = np.zeros_like(planes), np.zeros((depth, 0, width), np.float32)
    parts = [rows[i : i + each] for i in range(0, len(rows), each)]
    begins = [max(0, int(part[0]) - blocks.radius) for part in parts[1:]] + [height]
    done = 0  # lines that no further strip reaches; the weights of those below are kept
    for begin, (lines, sums, shares) in zip(
        begins, devices.spread(strip, parts, torch.device("cpu")), strict=True
    ):
        total[:, lines] += sums
        weight = np.pad(weight, ((0, 0), (0, lines.stop - done - weight.shape[1]), (0, 0)))
        weight[:, lines.start - done :] += shares
        total[:, done:begin] /= weight[:, : begin - done]
        weight, done = weight[:, begin - done :], begin
    return total


def _wide(guide: Floats) -> Floats:
    return np.pad(guide, ((0, 0), (0, SPARE)))
