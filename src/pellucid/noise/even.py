"""Noise that follows a power of the brightness, as speckle does, and values that even it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.noise import apart, flat, reading, values
from pellucid.noise.report import DRAWN

Floats = NDArray[np.float64]

WINDOWS = 6
"""parts of a large picture that are looked at"""
LEAST = 64
"""pixels of a side without which nothing is told"""
FINE = tuple(8 * i + j for i in range(4, 8) for j in range(4, 8))
MIDDLE = tuple(8 * i + j for i in range(8) for j in range(8) if 3 <= i + j <= 5)
LEVEL = 0.3
"""difference of the logarithms of fine and middling noise, of most classes, beyond which it is texture"""
CLASSES = 5
"""classes of brightness without which nothing is told"""
POWERS = (1.0, -1.2)
"""of the brightness: of speckle, and of even noise before a gamma of 1 / 2.2, which lifts the shadows"""
PHOTONS, CLOSER = 0.5, 0.7
"""power of photons, whose law is known elsewhere; share of its distance below which another is closer"""
STEEP = 1.5
"""largest level over the least one"""
CLOSE = {1: 0.07, 3: 0.12}
"""root mean square distance of the logarithms of the levels from the power, of one channel and of three,
which must all follow it"""
BLACKS, NEAR = 60, (0.002, 4.0)
"""places of black that are tried, and how far below the darkest class, of the brightness between classes"""
DARKEST = 0.1
"""of the darkest class, above black: darker values go on along a straight line"""
TABLE = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class Evened:
    """Values f(y) whose noise has one level, where that of y has a (y - black)^p; a Layout.

    f' = 1 / (y - black)^p above `toe`, straight below; scaled so that the least and the largest value stay.

    Attributes:
        power: p.
        black: working units.
        toe: where the straight part begins.
        level: a.
        given: (N, C, H, W) the picture.
        color: whether its channels are display colours.
    """

    power: float
    black: float
    toe: float
    level: float
    given: Tensor
    color: bool = False

    @property
    def words(self) -> str:
        """What was found."""
        if self.power > 0:
            return (
                f"the noise grows in proportion to the brightness (speckle, {self.level:.0%} of it): its "
                "logarithm is filtered"
            )
        return "the noise is weaker where the picture is brighter: values that even it are filtered"

    def lay(self, pixels: Tensor) -> Tensor:
        """(..., H, W) to values that even the noise."""
        low, scale = self._ends()
        even = self._even(pixels.double().numpy())
        return torch.from_numpy(((even - self._even(low)) * scale + low).astype(np.float32))

    def lay_map(self, levels: Tensor) -> Tensor:
        """Levels or flags stay."""
        return levels

    def back(self, laid: Tensor, index: int) -> Tensor:
        """(C, H, W) of the slice `index` as the file has it; what is as it was stays.

        Noise in proportion to the brightness leaves its mean, which every channel keeps: the mean of f(y) is
        f(x) - s'(x) / 2, to the second order of s, the level of the noise of y. Noise from before a curve
        leaves the mean of f(y) instead.
        """
        given = self.given[index]
        before = self.lay(given)
        low, scale = self._ends()
        even = (laid.double().cpu().numpy() - low) / scale + self._even(low)
        found = self._value(even)
        fixed = (laid == before).cpu().numpy()
        if self.power > 0:
            slope = self.power * (found - self.black).clip(self.toe - self.black) ** (self.power - 1)
            found = self._value(even + self.level**2 * slope / 2)
            for own, known, moved in zip(found, given.double().numpy(), ~fixed, strict=True):
                if moved.any():
                    share = (known[moved].mean() - self.black) / (own[moved].mean() - self.black)
                    own[:] = self.black + (own - self.black) * (share if 0.5 < share < 2 else 1.0)
        whole = np.where(fixed, given.numpy(), found.astype(np.float32))
        return torch.from_numpy(whole).to(laid)

    def back_map(self, laid: Tensor, index: int) -> Tensor:
        """A map of standard deviations: times the slope of the way back there."""
        above = (self.given[index].double() - self.black).clamp_min(self.toe - self.black)
        return (laid * above**self.power / self._ends()[1]).to(laid)

    def _ends(self) -> tuple[float, float]:
        low, high = float(self.given.min()), float(self.given.max())
        return low, (high - low) / float(self._even(high) - self._even(low))

    def _even(self, y: NDArray[np.floating] | float) -> Floats:
        above, toe = np.maximum(np.asarray(y, np.float64), self.toe) - self.black, self.toe - self.black
        curve = np.log(above) if self.power == 1 else above ** (1 - self.power) / (1 - self.power)
        return np.asarray(curve + np.minimum(np.asarray(y, np.float64) - self.toe, 0) / toe**self.power)

    def _value(self, even: Floats) -> Floats:
        start, toe = float(self._even(self.toe)), self.toe - self.black
        top = np.maximum(even, start)
        if self.power == 1:
            above = np.exp(top)
        else:
            above = np.maximum(top * (1 - self.power), 1e-300) ** (1 / (1 - self.power))
        return np.asarray(above + self.black + np.minimum(even - start, 0) * toe**self.power)


def find(pixels: Tensor, *, color: bool = False) -> Evened | None:
    """Whether white noise follows a power of the brightness, and not that of photons.

    The level is read in calm blocks of six classes of brightness, of colours by the differences of channels
    (see `noise.apart`). It must follow a (x - black)^p closely, one for all channels, change much, and be as
    strong in middling as in fine detail, which texture is not.

    Args:
        pixels: (N, C, H, W) of one channel or three colours; nothing is told of others.
        color: whether the channels are display colours.

    >>> draws = np.random.default_rng(0)
    >>> scene = np.linspace(1, 5, 128) * np.ones((128, 1))
    >>> speckle = torch.from_numpy(scene * draws.gamma(9, 1 / 9, scene.shape)).float()[None, None]
    >>> round(find(speckle).level, 1)
    0.3
    >>> find(torch.from_numpy(scene + draws.normal(0, 1, scene.shape)).float()[None, None]) is None
    True
    """
    if pixels.shape[1] != 1 and not (color and pixels.shape[1] == 3):
        return None
    rows, columns = values.inside(pixels)
    windows = flat.windows(pixels[..., rows, columns])
    if min(windows[0].shape[-2:]) < LEAST:
        return None
    windows = windows[:: max(1, -(-len(windows) // WINDOWS))]
    seen = values.look(windows)
    if seen.exact > DRAWN:
        return None
    read = _levels([(w - seen.low) / seen.span for w in windows], seen)
    told = None if read is None else _power(*read, CLOSE[pixels.shape[1]])
    if read is None or told is None:
        return None
    power, black, level = told
    toe = black + DARKEST * (float(read[0].min()) - black)
    to_file = seen.span ** (1 - power)
    return Evened(
        power=power,
        black=black * seen.span + seen.low,
        toe=toe * seen.span + seen.low,
        level=level * to_file,
        given=pixels,
        color=color,
    )


def _levels(windows: Sequence[Tensor], seen: values.Values) -> tuple[Floats, Floats] | None:
    """Brightness and level of the noise in classes of brightness, of all channels, or None where it is no
    white noise.
    """
    floor, ceiling = ((end - seen.low) / seen.span for end in (seen.floor, seen.ceiling))
    blocks = flat.collect(windows, seen.usable, floor=floor, ceiling=ceiling)
    classes = flat.by_brightness(blocks)
    if len(classes) < CLASSES:
        return None
    parts = [blocks.coefficients[c] for c in classes]
    alone = parts[0].shape[1] == 1
    fine, bright = zip(*(reading.calm_energy(part, FINE) for part in parts), strict=True)
    own = fine if alone else [apart.energies(part, FINE) for part in parts]
    x, s = (torch.stack(list(part)).double().numpy() for part in (bright, own))
    least = float(s.min())
    if least <= (values.ROUNDING * seen.step / seen.span) ** 2 or float(s.max()) < STEEP**2 * least:
        return None
    middle = [
        reading.calm_energy(part, MIDDLE)[0] if alone else apart.energies(part, MIDDLE) for part in parts
    ]
    unlike = np.log(np.maximum(torch.stack(middle).double().numpy(), 1e-30) / s) / 2
    return (x.ravel(), np.sqrt(s).ravel()) if abs(float(np.median(unlike))) < LEVEL else None


def _power(x: Floats, s: Floats, close: float) -> tuple[float, float, float] | None:
    """Power, black and level of s = level (x - black)^power, where it holds closely, and no photons' does."""
    if float(np.ptp(x)) <= 0:
        return None
    fits = [(*_fitted(x, s, power), power) for power in POWERS]
    miss, black, level, power = min(fits)
    known = _fitted(x, s, PHOTONS)[0]
    return (power, black, level) if miss < min(close, CLOSER * known) else None


def _fitted(x: Floats, s: Floats, power: float) -> tuple[float, float, float]:
    """How far the logarithms of s lie from a power of x - black, black, and the level."""
    blacks = float(x.min()) - np.geomspace(*NEAR, BLACKS) * float(np.ptp(x))
    logs = np.log(s) - power * np.log(x - blacks[:, None])
    level = logs.mean(1)
    miss = np.sqrt(np.square(logs - level[:, None]).mean(1))
    best = int(miss.argmin())
    return float(miss[best]), float(blacks[best]), float(np.exp(level[best]))
