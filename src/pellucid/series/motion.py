"""How the whole picture of a film moves from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d

from pellucid.shots import registering

Places = NDArray[np.int64]
Floats = NDArray[np.float64]

BETTER = 0.8
"""of the squared difference of two frames that must be left, at the most, when the picture is moved"""
SQUARE = 4
"""pixels a side of the means by which channels are compared"""
SMALLEST = 32
"""pixels a side from which on it is looked whether the whole picture moves"""


def pans(film: Tensor) -> Places:
    """By how many pixels the whole picture has moved since the first frame, (T, 2): down, to the right.

    The peak of the cross-correlation of two neighbouring frames is believed where the frames are much more
    alike after that move than without; noise, which no move explains, is on both sides. Frames are compared
    at the same mean and contrast, so that flicker hides no movement.

    Args:
        film: (T, H, W).

    >>> import torch
    >>> scene = torch.rand(40, 50, generator=torch.Generator().manual_seed(0))
    >>> pans(torch.stack([scene[0:36, 2:], scene[3:39, :-2]])).tolist()
    [[0, 0], [-3, 2]]
    """
    moves = np.zeros((len(film), 2), np.int64)
    if min(film.shape[-2:]) < SMALLEST:
        return moves
    for t, (before, own) in enumerate(_pairs(film), 1):
        down, across = registering.whole_pixels(own, before)
        moves[t] = moves[t - 1] + ((down, across) if _explains(before, own, down, across) else (0, 0))
    return moves


def signs(film: Tensor) -> Tensor:
    """(C,) 1, and -1 of a channel of (T, C, H, W) that is dark where the one of most contrast is bright.

    A mean over channels so signed shows what both show; else a bright field and its fluorescence cancel.

    >>> import torch
    >>> ramp = torch.linspace(0, 1, 64).repeat(2, 1, 32, 1)
    >>> signs(torch.cat([ramp, 0.5 - 0.5 * ramp], 1))
    tensor([ 1., -1.])
    """
    if film.shape[1] == 1:
        return film.new_ones(1)
    small = avg_pool2d(film.float(), min(SQUARE, *film.shape[-2:])).double()
    small = small - small.mean((2, 3), keepdim=True)
    lead = int(small.square().mean((0, 2, 3)).argmax())
    shared = (small * small[:, lead : lead + 1]).mean((0, 2, 3))
    return (1 - 2 * (shared < 0).double()).to(film)


def overlap(shape: tuple[int, int], down: int, across: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """What two frames share where the second shows the scene so many pixels lower and farther right.

    Returns:
        rows and columns of the second frame, and of the first.

    >>> overlap((10, 10), 3, -2)
    ((slice(3, 10, None), slice(0, 8, None)), (slice(0, 7, None), slice(2, 10, None)))
    """
    spans = [slice(max(0, d), n + min(0, d)) for n, d in zip(shape, (down, across), strict=True)]
    back = [slice(s.start - d, s.stop - d) for s, d in zip(spans, (down, across), strict=True)]
    return tuple(spans), tuple(back)


def _pairs(film: Tensor) -> Iterator[tuple[Floats, Floats]]:
    """Each frame and the next, of mean 0 and standard deviation 1."""
    before: Floats | None = None
    for frame in film:
        own = frame.double().numpy()
        own = (own - own.mean()) / max(float(own.std()), 1e-12)
        if before is not None:
            yield before, own
        before = own


def _explains(first: Floats, second: Floats, down: int, across: int) -> bool:
    """Whether two frames are much more alike where the second is moved back."""
    if not (down or across):
        return False
    there, back = overlap((first.shape[0], first.shape[1]), down, across)
    one, other = registering.smoothed(first), registering.smoothed(second)
    moved, still = other[there] - one[back], other[there] - one[there]
    return float(np.square(moved).mean()) < BETTER * float(np.square(still).mean())
