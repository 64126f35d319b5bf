"""Crops: the regions that they may be cut from, those held out, and their views turned, resized or gray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from pellucid import checks, seeds

FRAMES = 10
"""slices from which a single stack is split by slices, not by rows"""
GAP = 16
"""rows between the two parts of a single picture: noise may be correlated"""


@dataclass(frozen=True, kw_only=True)
class Region:
    """Slices `first` to `last` of a source (or scene), rows `top` to `bottom`, columns `left` to `right`.

    The ends are left out, as in a Python slice.
    """

    source: int
    first: int
    last: int
    top: int
    bottom: int
    left: int
    right: int

    @property
    def pixels(self) -> int:
        """How many pixels it holds."""
        return (self.last - self.first) * (self.bottom - self.top) * (self.right - self.left)

    def holds(self, side: int) -> bool:
        """Whether a square crop of that side fits in."""
        return min(self.bottom - self.top, self.right - self.left) >= side and self.last > self.first


@dataclass(frozen=True, kw_only=True)
class Split:
    """Regions to learn from and regions held out; no pixel, no frame and no scene is in both."""

    training: tuple[Region, ...]
    held_out: tuple[Region, ...]


def split(
    regions: Sequence[Region], groups: Sequence[str], *, fraction: float, side: int, seed: int, gap: int = 1
) -> Split:
    """Hold a fraction out: whole groups (files, scenes), or frames or rows where there is but one.

    Args:
        regions: one or more per group.
        groups: the group of each region.
        fraction: to be held out, in [0, 1); 0 for none.
        side: of the crops; a part of a picture must hold one.
        seed: which groups are held out depends on it and on their names alone.
        gap: slices between the two parts of a stack.

    Raises:
        ValueError: for a fraction out of range, or when no crop fits into any region.
    """
    checks.in_range("held_out", fraction, 0, 1, high_open=True)
    kept = [(r, g) for r, g in zip(regions, groups, strict=True) if r.holds(side)]
    if not kept:
        largest = max((min(r.bottom - r.top, r.right - r.left) for r in regions), default=0)
        raise ValueError(
            f"crops of {side} pixels do not fit into any image, the largest is {largest} pixels on its "
            f"shorter "
            f"side. Choose a smaller crop (--set patch={max(8, largest // 8 * 8)})."
        )
    names = sorted({g for _, g in kept}, key=lambda name: (seeds.child(seed, "held-out", name), name))
    if fraction == 0:
        return Split(training=tuple(r for r, _ in kept), held_out=())
    if len(names) > 1:
        out = set(names[: min(len(names) - 1, max(1, round(fraction * len(names))))])
        return Split(
            training=tuple(r for r, g in kept if g not in out), held_out=tuple(r for r, g in kept if g in out)
        )
    parts = [_cut(r, fraction, side, gap) for r, _ in kept]
    return Split(
        training=tuple(train for train, _ in parts),
        held_out=tuple(out for _, out in parts if out is not None),
    )


def _cut(region: Region, fraction: float, side: int, gap: int) -> tuple[Region, Region | None]:
    """The last block of frames, or the lowest rows; None where the picture is too small to give any away."""
    count = region.last - region.first
    if count >= FRAMES:
        # At least one frame is left to learn from, however much was to be held out.
        last = region.last - min(count - gap - 1, max(1 + gap, round(fraction * count)))
        return replace(region, last=last - gap), replace(region, first=last)
    height = region.bottom - region.top
    rows = max(side, round(fraction * height))
    if height < rows + GAP + side:
        return region, None
    return (
        replace(region, bottom=region.bottom - rows - GAP),
        replace(region, top=region.bottom - rows),
    )


LUMINANCE = (0.299, 0.587, 0.114)
"""of R, G and B in gray, ITU-R BT.601"""


def turned(image: Tensor, way: int) -> Tensor:
    """One of the eight ways to lay a square (..., S, S): turned `way % 4` times, from 4 on mirrored too.

    >>> turned(torch.tensor([[1, 2], [3, 4]]), 5)
    tensor([[2, 1],
            [4, 3]])
    """
    image = torch.rot90(image, way % 4, (-2, -1))
    return image.transpose(-2, -1) if way >= 4 else image


def resized(image: Tensor, side: int) -> Tensor:
    """(C, S, S) at another size; reduced without aliasing, enlarged by cubic interpolation."""
    if image.shape[-1] == side:
        return image
    result: Tensor = interpolate(
        image[None], (side, side), mode="bicubic", antialias=side < image.shape[-1], align_corners=False
    )[0]
    return result


def gray(image: Tensor) -> Tensor:
    """(1, H, W) of (C, H, W): the luminance of colours, the mean of other channels.

    >>> gray(torch.ones(3, 1, 1)).shape
    torch.Size([1, 1, 1])
    """
    if image.shape[0] == 3:
        return torch.einsum("c,chw->hw", torch.tensor(LUMINANCE), image)[None]
    return image.mean(0, keepdim=True)
