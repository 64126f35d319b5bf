"""Where a film shows another scene, or nothing: no frame helps one on the other side of a cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from pellucid.noise.report import NoiseReport
from pellucid.series.motion import signs

Run = tuple[int, ...]
"""slices by index, in the order of the axis along which they follow each other"""
COARSE = 4.0
"""pixels of the Gaussian by which frames are smoothed before they are compared"""
STEP = 3
"""every such pixel of it is kept"""
SCENE = 0.5
"""correlation of two frames, without their noise, over that of most neighbours, below which they show another
scene; also the least of most, or they are pictures of many things"""
SURE = 2.0
"""standard errors of it that are allowed for"""
EMPTY = 0.05
"""contrast, squared, of that of most frames, below which a frame may show nothing"""
SURER = 3.0
"""the same for what a faint frame shows of the scene"""
TINY = 1e-9
MOST = 75
"""percentile of the contrast of all frames that stands for most"""


@dataclass(frozen=True)
class Coarse:
    """A frame, smoothed.

    Attributes:
        picture: every third row and column, mean 0.
        seen: variance of it that is no noise.
        noise: variance of the noise in it.
        places: independent ones that it has.
    """

    picture: NDArray[np.float64]
    seen: float
    noise: float
    places: float

    @property
    def doubt(self) -> float:
        """Standard error of `seen`."""
        return self.noise * math.sqrt(2 / self.places)


def cut(film: Tensor, run: Sequence[int], noise: Sequence[NoiseReport] = ()) -> tuple[list[Run], Run]:
    """A run of slices of (N, C, H, W), cut where the next one shows another scene or nothing.

    Noise makes two frames less alike, and has no say: their correlation is that of what is no noise, by the
    reports. Where hardly anything but noise is seen, nothing says that there is a cut. In a volume of fine
    structure each slice is half like the next: a cut is where they are much less alike than is usual there.

    Args:
        film: all slices.
        run: those that follow each other.
        noise: a report for every slice of the film, or one for all; none where there is no noise.

    Returns:
        the scenes, those of a blank frame alone included; the blank frames.

    >>> import torch
    >>> ramp = torch.linspace(0, 1, 64).repeat(64, 1)[None]
    >>> cut(torch.stack([ramp, ramp, ramp.mT, torch.zeros(1, 64, 64)]), range(4))
    ([(0, 1), (2,), (3,)], (3,))
    """
    sign = signs(film[list(run)])
    found = [coarse(film[i], noise[i if len(noise) > 1 else 0] if noise else None, sign) for i in run]
    most = float(np.percentile([one.seen for one in found], MOST))
    faint = [one.seen + SURE * one.doubt < EMPTY * most for one in found]
    clear = [one for one, dark in zip(found, faint, strict=True) if not dark]
    alike = sum(_same(*pair) for pair in pairwise(clear))
    goes_on = 2 * alike >= len(clear) - 1 > 0  # else the slices are pictures of many things, some of them dim
    blank = [goes_on and faint[t] and not _shows(found, t, faint) for t in range(len(found))]
    usual = _usual(clear) if goes_on else 1.0
    scenes = [[run[0]]]
    for t in range(1, len(run)):
        apart = blank[t] or blank[t - 1] or not _same(found[t - 1], found[t], usual)
        if apart:
            scenes.append([run[t]])
        else:
            scenes[-1].append(run[t])
    return [tuple(scene) for scene in scenes], tuple(i for i, none in zip(run, blank, strict=True) if none)


def coarse(frame: Tensor, noise: NoiseReport | None, sign: Tensor) -> Coarse:
    """The channels of (C, H, W) together, each with its sign (C,), smoothed."""
    frame = frame * sign.view(-1, 1, 1)
    whole = gaussian_filter(frame.double().mean(0).numpy(), COARSE)
    smooth = whole[::STEP, ::STEP] - whole[::STEP, ::STEP].mean()
    left = 0.0
    if noise is not None:
        lag = np.arange(noise.kernel.shape[-1]) - noise.kernel.shape[-1] // 2
        line = np.exp(-np.square(lag) / (4 * COARSE**2))
        kernel = (noise.kernel * np.outer(sign, sign)[..., None, None]).mean((0, 1))
        left = float((kernel * line[:, None] * line).sum()) / (4 * math.pi * COARSE**2)
    places = max(1.0, whole.size / (4 * math.pi * COARSE**2))
    spread = float(np.square(smooth).mean())
    tiny = 1e-18 * max(1.0, float(frame.double().square().mean()))
    return Coarse(smooth, spread - left if spread > tiny else 0.0, max(left, 0.0), places)


def _shows(found: Sequence[Coarse], t: int, faint: Sequence[bool]) -> bool:
    """Whether a faint frame surely shows, darker, what the nearest frames that are not faint show."""
    before = next((found[i] for i in range(t - 1, -1, -1) if not faint[i]), None)
    after = next((found[i] for i in range(t + 1, len(found)) if not faint[i]), None)
    for other in (before, after):
        if other is not None:
            shared, doubt = _shared(found[t], other)
            if shared > SURER * doubt + TINY * other.seen:
                return True
    return False


def _shared(one: Coarse, other: Coarse) -> tuple[float, float]:
    """The covariance of two frames, which their noise does not share, and its standard error."""
    a, b = (max(each.seen, 0.0) for each in (one, other))
    doubt = math.sqrt((one.noise * b + other.noise * a + one.noise * other.noise) / one.places)
    return float((one.picture * other.picture).mean()), doubt


def _usual(clear: Sequence[Coarse]) -> float:
    """The correlation of most neighbours, 1 where it cannot be told or they are pictures of many things."""
    alike = [
        _shared(one, other)[0] / math.sqrt(one.seen * other.seen)
        for one, other in pairwise(clear)
        if all(each.seen > SURE * each.doubt for each in (one, other))
    ]
    # of three frames the nearer pair: the other may be the cut
    most = float(np.percentile(alike, 50, method="higher")) if alike else 1.0
    return min(most, 1.0) if most >= SCENE else 1.0


def _same(one: Coarse, other: Coarse, usual: float = 1.0) -> bool:
    """Whether two frames may show one scene, where neighbours are usually so much alike."""
    if all(each.seen <= SURE * each.doubt for each in (one, other)):
        return True  # neither shows anything that stands out
    shared, doubt = _shared(one, other)
    both = SCENE * usual * math.sqrt(max(one.seen, 0.0) * max(other.seen, 0.0))
    return shared + SURE * doubt > TINY * max(one.seen, other.seen) and shared + SURE * doubt >= both
