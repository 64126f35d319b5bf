"""The brightness of the frames of a film or the slices of a volume: bleaching, flicker, depth.

It is part of the data, and stays. But blocks are alike only at the same brightness, so that a filter that
takes frames together sees them evened, and what was taken out is put back after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.nn.functional import avg_pool2d

from pellucid.series.motion import Floats, Places, overlap
from pellucid.shots.brightness import BLOCK, brightness

FARTHEST = 0.3
"""of a side, by which the picture may have moved since the frame that others are compared with"""
SAME, CLEARLY = 0.8, 0.1
"""correlation of two frames below which another is looked for, and by how much more alike that must be"""
EXPLAINED = 0.4
"""of the squared difference of the means over blocks that may be left: else it is the scene that differs"""
FEWEST = 64
"""blocks without which the light cannot be told from the scene"""
MOST = 20.0
"""gain or its inverse beyond which two frames are not compared"""


@dataclass(frozen=True)
class Light:
    """The brightness of every frame: it is gain x + offset, where x has that of the first.

    Attributes:
        gain: (C, T) above 0.
        offset: (C, T) in the units of the film.
    """

    gain: Tensor
    offset: Tensor

    @property
    def even(self) -> bool:
        """Whether all frames have one brightness."""
        return bool((self.gain == 1).all()) and not bool(self.offset.any())

    def out(self, film: Tensor) -> Tensor:
        """(C, T, H, W) at the brightness of the first frame."""
        return film if self.even else (film - self.offset[..., None, None]) / self.gain[..., None, None]

    def back(self, film: Tensor) -> Tensor:
        """The same, each frame at its own again."""
        return film if self.even else film * self.gain[..., None, None] + self.offset[..., None, None]


def none(film: Tensor) -> Light:
    """That of frames (C, T, H, W) of one brightness."""
    return Light(film.new_ones(film.shape[:2]), film.new_zeros(film.shape[:2]))


def drift(film: Tensor, moves: Places, *, together: bool = False) -> Light:
    """The brightness of every frame against the first, where it differs by more than noise explains.

    Means over blocks at the same place of the scene are compared, without those that changed besides
    (`shots.brightness`); so an object that comes into the picture is no drift. A frame is compared with the
    first as long as it shows the same there, and then with a later one, whose own brightness is known.

    Args:
        film: (C, T, H, W).
        moves: (T, 2) pixels by which the picture of each frame lies lower and farther right.
        together: whether the channels are those of one light, the first their mean, the others differences:
            then they have its gain.

    >>> import torch
    >>> ramp = torch.linspace(0, 1, 64).repeat(64, 1)
    >>> found = drift(torch.stack([ramp, 0.5 * ramp + 0.1])[None], np.zeros((2, 2), np.int64))
    >>> round(float(found.gain[0, 1]), 3), round(float(found.offset[0, 1]), 3)
    (0.5, 0.1)
    """
    channels, frames, height, width = film.shape
    gain, offset = np.ones((channels, frames)), np.zeros((channels, frames))

    def pair(c: int, first: int, t: int) -> tuple[Tensor, Tensor]:
        there, back = overlap((height, width), *(int(n) for n in moves[t] - moves[first]))
        return film[c, first][back], film[c, t][there]

    for c in range(1 if together else channels):
        first = 0
        for t in range(1, frames):
            far = np.abs(moves[t] - moves[first]) > FARTHEST * np.array([height, width])
            if far.any() or _left(pair(c, first, t), pair(c, t - 1, t)):
                first = t - 1
            a, b = _matched(*pair(c, first, t))
            gain[c, t], offset[c, t] = a * gain[c, first], a * offset[c, first] + b
    if together:
        gain[:] = gain[0]
    return Light(*(film.new_tensor(part) for part in (gain, offset)))


def _left(far: tuple[Tensor, Tensor], near: tuple[Tensor, Tensor]) -> bool:
    """Whether a frame shows what the one before it does, and no longer what an earlier one did."""
    if far[0] is near[0]:
        return False
    alike = _correlation(*far)
    return alike < SAME and alike < _correlation(*near) - CLEARLY


def _means(picture: Tensor) -> Tensor:
    """Those over blocks of (H, W), as a list."""
    return avg_pool2d(picture[None, None], min(BLOCK, *picture.shape)).double().flatten()


def _correlation(first: Tensor, own: Tensor) -> float:
    """That of the means over blocks."""
    a, b = _means(first), _means(own)
    a, b = a - a.mean(), b - b.mean()
    size = float((a @ a) * (b @ b)) ** 0.5
    return float(a @ b) / size if size > 0 else 1.0


def _matched(first: Tensor, own: Tensor) -> tuple[float, float]:
    """(a, b) with own = a first + b of the brightness."""
    gain, offset = brightness(own, first)
    if (gain, offset) == (1.0, 0.0) or not 1 / MOST < gain < MOST:
        return 1.0, 0.0
    x, y = _means(first), _means(own)
    if len(x) < FEWEST:
        return 1.0, 0.0
    before, after = (float((y - seen).square().median()) for seen in (x, gain * x + offset))
    return (gain, offset) if after < EXPLAINED * before else (1.0, 0.0)


def steps(gain: Floats) -> tuple[float, float]:
    """How much of the brightness is left at the end, and by what share it flickers around its course.

    Args:
        gain: (T,) brightness of every frame over that of the first.

    Returns:
        last over first, by a straight line through the logarithms; standard deviation of what two neighbours
        of a frame do not tell of it, which a course that bends makes none of.

    >>> [round(v, 3) for v in steps(np.exp(-0.01 * np.arange(11.0)))]
    [0.905, 0.0]
    """
    course = np.log(np.maximum(gain, 1e-6))
    if len(course) < 3:
        return float(np.exp(course[-1] - course[0])), 0.0
    slope = np.polyfit(np.arange(len(course)), course, 1)[0]
    bend = course[1:-1] - (course[:-2] + course[2:]) / 2
    return float(np.exp(slope * (len(course) - 1))), float(np.sqrt(np.square(bend).mean() / 1.5))
