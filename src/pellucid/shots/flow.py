"""Where a place of a frame lies in another one: motion by Lucas and Kanade, where the frames prove it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, grid_sample, interpolate, pad

CELL = 4
"""pixels a side of the squares that share a motion"""
LEVELS = 3
"""sizes at which frames are compared: whole, half, a quarter"""
WINDOW = 5.0
"""standard deviation in pixels of the window over which a motion is told"""
ROUNDS = 3
"""Gauss-Newton steps per size"""
STEP = 1.0
"""pixels by which a step may go at most"""
FALL = 16.0
"""fall of the squared difference in units of its variance from which a motion is believed; wholly at twice
that. What two needless parameters explain of noise is chi-squared with 2 degrees of freedom; a
search over some pixels finds more where there is nothing but noise, and may: a limit of 56 gains 0.2 dB on
still films and loses as much, up to 0.6, on what moves."""
TINY = 1e-6


def pyramid(frame: Tensor) -> list[Tensor]:
    """A frame (1, H, W), H and W multiples of `grid()`, and its means over 2 x 2 and 4 x 4 pixels."""
    found = [frame]
    while len(found) < LEVELS:
        found.append(avg_pool2d(found[-1][None], 2)[0])
    return found


def grid() -> int:
    """Of what the sides of a frame must be multiples.

    >>> grid()
    16
    """
    return int(CELL * 2 ** (LEVELS - 1))


def between(
    first: Sequence[Tensor], second: Sequence[Tensor], start: tuple[float, float], variance: float
) -> Tensor:
    """The motion f with first(p) = second(p + f(p)), one of every `CELL` x `CELL` pixels.

    Coarse to fine, each step is that of Lucas and Kanade, with the gradient of the mean of both frames. At
    every size a motion is believed where it explains more of the difference than noise lets it; else that of
    the coarser size stands, at last `start`. So places
    that are still are moved little by their noise.

    Args:
        first: its pyramid.
        second: the same of the other frame.
        start: pixels down and to the right, the motion of the whole picture.
        variance: of the difference of the two frames' noise, at a pixel.

    Returns:
        (2, H / CELL, W / CELL): pixels down, to the right.

    Source: Lucas, Kanade, "An iterative image registration technique", IJCAI 1981, in a pyramid; the test is
    ours.

    >>> scene = torch.rand(1, 70, 70, generator=torch.Generator().manual_seed(0))
    >>> scene = smooth(scene, 2.0)
    >>> found = between(pyramid(scene[:, 2:66, 2:66]), pyramid(scene[:, 3:67, 1:65]), (0.0, 0.0), 1e-6)
    >>> [round(float(f), 1) for f in found.mean((1, 2))]
    [-1.0, 1.0]
    """
    height, width = (side // CELL for side in first[-1].shape[-2:])
    flow: Tensor = torch.tensor(start).view(2, 1, 1).expand(2, height, width) / 2 ** (LEVELS - 1)
    for level in reversed(range(LEVELS)):
        if level < LEVELS - 1:
            flow = 2 * enlarged(flow, 2)
        flow = refined(first[level], second[level], flow, variance / 4**level, rounds=ROUNDS)
    return flow


def refined(first: Tensor, second: Tensor, start: Tensor, variance: float, *, rounds: int) -> Tensor:
    """A motion made better by some steps at one size, where that is proven; arguments as for `between`."""
    flow, moved = start, at(second, enlarged(start, CELL))
    before = _unlike(first, moved, start, variance)
    for _ in range(rounds):
        flow = flow + _step(first, moved)
        moved = at(second, enlarged(flow, CELL))
    fall = before - _unlike(first, moved, flow, variance)
    area = 4 * math.pi * WINDOW**2
    sure = ((area * fall / max(variance, 1e-12) - FALL) / FALL).clamp(0, 1)
    return start + sure * (flow - start)


def then(first: Tensor, second: Tensor) -> Tensor:
    """The motion from one frame to a third, of those from it to a second and from there to the third."""
    return first + at(second, first / CELL)


def enlarged(flow: Tensor, times: int) -> Tensor:
    """A motion (2, h, w) on a grid so many times finer; its lengths stay."""
    made: Tensor = interpolate(flow[None], scale_factor=float(times), mode="bilinear", align_corners=False)[0]
    return made


def at(picture: Tensor, flow: Tensor, *, cubic: bool = False) -> Tensor:
    """(C, H, W) at p + flow(p), mirrored at the border; `flow` (2, H, W) in pixels down and to the right.

    >>> at(torch.tensor([[[1.0, 2.0, 4.0]]]), torch.tensor([[[0.0] * 3], [[1.0] * 3]])).flatten()
    tensor([2., 4., 4.])
    """
    height, width = picture.shape[-2:]
    places = flow.new_empty(1, height, width, 2)
    torch.sub((torch.arange(width).view(1, -1) + 0.5 + flow[1]).mul_(2 / width), 1, out=places[0, ..., 0])
    torch.sub((torch.arange(height).view(-1, 1) + 0.5 + flow[0]).mul_(2 / height), 1, out=places[0, ..., 1])
    found: Tensor = grid_sample(
        picture[None],
        places,
        mode="bicubic" if cubic else "bilinear",
        padding_mode="border",
        align_corners=False,
    )[0]
    return found


def smooth(planes: Tensor, scale: float) -> Tensor:
    """(C, H, W) under a Gaussian of so many pixels, the border repeated."""
    line = _line(scale).to(planes)
    reach = len(line) // 2
    rows = pad(planes[:, None], (0, 0, reach, reach), mode="replicate")
    rows = conv2d(rows, line.view(1, 1, -1, 1))
    return conv2d(pad(rows, (reach, reach, 0, 0), mode="replicate"), line.view(1, 1, 1, -1))[:, 0]


def left_of_noise(scale: float) -> float:
    """Standard deviation of white noise of level 1 after `smooth`.

    >>> noise = torch.randn(1, 500, 500, generator=torch.Generator().manual_seed(0))
    >>> abs(float(smooth(noise, 1.3).std()) / left_of_noise(1.3) - 1) < 0.02
    True
    """
    return float(_line(scale).square().sum())


@cache
def _line(scale: float) -> Tensor:
    reach = max(1, math.ceil(2.5 * scale))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / scale).square())
    return line / line.sum()


def _step(first: Tensor, moved: Tensor) -> Tensor:
    """The next step of Lucas and Kanade on the grid, pixels, (2, h, w)."""
    mean = ((first + moved) / 2)[None]
    rows, columns = pad(mean, (0, 0, 1, 1), mode="replicate"), pad(mean, (1, 1, 0, 0), mode="replicate")
    down, across = (rows[0, :, 2:] - rows[0, :, :-2]) / 2, (columns[0, ..., 2:] - columns[0, ..., :-2]) / 2
    left = first - moved
    products = torch.cat([down * down, across * across, down * across, down * left, across * left])
    yy, xx, yx, yd, xd = smooth(avg_pool2d(products[None], CELL)[0], WINDOW / CELL)
    yy, xx = yy + TINY, xx + TINY
    whole = yy * xx - yx * yx
    return torch.stack([xx * yd - yx * xd, yy * xd - yx * yd]).div(whole).clamp(-STEP, STEP)


def _unlike(first: Tensor, moved: Tensor, flow: Tensor, variance: float) -> Tensor:
    """Mean squared difference around each place of the grid, without what its noise is expected to be.

    Interpolation takes noise off the moved frame: (1 - u)² + u² of it is left per axis, with u
    the part of a pixel.
    """
    found = smooth(avg_pool2d((first - moved).square()[None], CELL)[0], WINDOW / CELL)
    part = flow - flow.floor()
    kept = (1 - 2 * part * (1 - part)).prod(0)
    return found - variance * (1 + kept) / 2
