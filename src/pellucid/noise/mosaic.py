"""Mosaics: a picture of one channel that is four of half the size, as the sensor of a camera gives it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.noise.shown import Flags, shown

TILE = 32  # side of the parts of which the middling one decides, pixels
FEWEST = 4  # of them
NEARER = 0.92  # error from pixels two apart over that from the next ones; other pictures have 1 and more
VALUES = 16  # a picture of fewer is drawn: dither and checkers repeat, too
LOOKED_AT = 8  # slices, at the most


@dataclass(frozen=True, kw_only=True)
class Mosaic:
    """The four phases of a picture, each of every second row and column, as channels.

    Attributes:
        height: of the picture, pixels; an odd one is filled up from the row of the same phase.
        width: of the picture, likewise.
        color: False, the phases are no display colours.
        words: what was found.
    """

    height: int
    width: int
    color: bool = False
    words: str = "a mosaic of 2 x 2 pixels, as of a colour sensor: its four phases are filtered apart"

    def lay(self, pixels: Tensor) -> Tensor:
        """(..., 1, H, W) to (..., 4, ⌈H/2⌉, ⌈W/2⌉).

        >>> Mosaic(height=3, width=2).lay(torch.arange(6.0).view(1, 3, 2))[:, :, 0]
        tensor([[0., 4.],
                [1., 5.],
                [2., 2.],
                [3., 3.]])
        """
        if self.height % 2:
            pixels = torch.cat([pixels, pixels[..., -2:-1, :]], -2)
        if self.width % 2:
            pixels = torch.cat([pixels, pixels[..., -2:-1]], -1)
        flat = pixels.reshape(-1, 1, *pixels.shape[-2:])
        phases = F.pixel_unshuffle(flat, 2)
        return phases.reshape(*pixels.shape[:-3], 4, *phases.shape[-2:])

    def lay_map(self, levels: Tensor) -> Tensor:
        """The same for levels or flags of all pixels."""
        return self.lay(levels)

    def back(self, laid: Tensor, index: int) -> Tensor:
        """(..., 4, h, w) to (..., 1, H, W)."""
        flat = F.pixel_shuffle(laid.reshape(-1, 4, *laid.shape[-2:]), 2)
        whole = flat.reshape(*laid.shape[:-3], 1, *flat.shape[-2:])
        return whole[..., : self.height, : self.width]

    def back_map(self, laid: Tensor, index: int) -> Tensor:
        """The same for a map of standard deviations."""
        return self.back(laid, index)


def find(pixels: Tensor, holes: Tensor | None = None) -> Mosaic | None:
    """Whether a picture repeats every two pixels, down and across, over most of its field.

    A pixel of an ordinary picture, and of noise, is told by the next pixels at least as well as by those two
    apart. In a mosaic the next ones have another colour, and those two apart the same.

    Args:
        pixels: (N, 1, H, W), or the shots of a scene (S, N, 1, H, W).
        holes: (N, 1, H, W) where nothing is known, or None.

    Source: ours; over 534 clean and real pictures the largest of the three ratios was 0.999 or more, on raw
    mosaics of five pictures, down to 20 photons at white, 0.88 or less.

    >>> picture = np.random.default_rng(0).normal(0, 0.02, (96, 96)).astype(np.float32)
    >>> find(torch.from_numpy(picture)[None, None]) is None
    True
    >>> picture[::2, ::2] += 0.2
    >>> find(torch.from_numpy(picture)[None, None]).words[:24]
    'a mosaic of 2 x 2 pixels'
    """
    stack = pixels if pixels.ndim == 4 else pixels[0]
    height, width = stack.shape[-2:]
    if stack.shape[1] != 1 or min(height, width) < 2 * TILE:
        return None
    chosen = range(0, len(stack), max(1, len(stack) // LOOKED_AT))
    for axes in ((0,), (1,), (0, 1)):  # the first tells of nearly all other pictures
        ratios = []
        for n in chosen:
            plane = stack[n, 0].numpy()
            known = shown(plane, None if holes is None else holes[n, 0].numpy())
            found = _ratio(plane.astype(np.float64), known, axes)
            if found is not None:
                ratios.append(found)
        if not ratios or float(np.median(ratios)) > NEARER:
            return None
    if len(np.unique(stack[chosen[0], 0, ::3].numpy())) < VALUES:
        return None
    return Mosaic(height=height, width=width)


def _ratio(plane: np.ndarray, known: Flags, axes: tuple[int, ...]) -> float | None:
    """Error from the pixels two apart over that from the next, along these axes."""
    inner = known[2:-2, 2:-2].copy()
    for step in (1, 2):
        for y, x in ((step, 0), (-step, 0), (0, step), (0, -step)):
            inner &= known[2 + y : len(known) - 2 + y, 2 + x : known.shape[1] - 2 + x]

    def middle(step: int, axis: int) -> np.ndarray:
        spans = [slice(2, n - 2) for n in plane.shape]
        before, after = list(spans), list(spans)
        before[axis] = slice(2 - step, plane.shape[axis] - 2 - step)
        after[axis] = slice(2 + step, plane.shape[axis] - 2 + step)
        return np.asarray((plane[tuple(before)] + plane[tuple(after)]) / 2)

    own = plane[2:-2, 2:-2]
    near, far = (np.abs(own - sum(middle(step, axis) for axis in axes) / len(axes)) for step in (1, 2))
    return _middling(near, far, inner)


def _middling(near: np.ndarray, far: np.ndarray, known: Flags) -> float | None:
    """The median over the tiles of the ratio of the two mean errors."""
    rows, columns = (n // TILE for n in near.shape)

    def sums(values: np.ndarray) -> np.ndarray:
        cut = np.where(known, values, 0.0)[: rows * TILE, : columns * TILE]
        return np.asarray(cut.reshape(rows, TILE, columns, TILE).sum((1, 3)))

    close, apart = sums(near), sums(far)
    usable = (close > 0) & (sums(np.ones_like(near)) > TILE**2 / 4)
    return float(np.median(apart[usable] / close[usable])) if usable.sum() >= FEWEST else None
