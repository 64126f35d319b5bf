"""Forward models of noise: text such as "poisson:30+gaussian:5" to something that makes an image noisy.

| text | meaning |
|---|---|
| gaussian:SIGMA | white Gaussian |
| shifted:SIGMA,MEAN | Gaussian whose mean is not 0 |
| poisson:PEAK | shot noise, PEAK photons at white |
| poisson-gaussian:PEAK,SIGMA | shot noise, then Gaussian |
| speckle:VARIANCE | x + x n, n uniform |
| salt-pepper:FRACTION | values replaced by 0 or 1 |
| correlated:SIGMA,BLUR[,CHANNELS] | Gaussian blurred by BLUR pixels; CHANNELS: correlation between channels |
| spectrum:SIGMA[,BLUR[,CHANNELS[,COARSE]]] | Gaussian of a random spectrum, drawn for every image |
| banding:AMPLITUDE,PERIOD[,ANGLE] | sinusoid, PERIOD in pixels, ANGLE in degrees |
| camera:PEAK[,READ[,QUALITY]] | Bayer mosaic, demosaicing, gamma, clipping, JPEG |
| clip[:BITS] | cut to [0, 1], rounded to BITS |

SIGMA, MEAN, AMPLITUDE and READ are in 8-bit units (25 is 25/255). A level may be a range, "gaussian:10-50",
from which every image of a batch draws its own; so may BLUR and CHANNELS. Those of `spectrum`, and its COARSE
(the share of the variance that is coarse), are the ranges of its own draws; left out, they are 0-2, 0-0.8 and
0-0.5. "+" chains models in the order in which they happen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pellucid import checks
from pellucid.noise.camera import Camera
from pellucid.noise.draws import Level
from pellucid.noise.grain import Spectrum
from pellucid.noise.pointwise import Clip, Gaussian, Poisson, SaltPepper, Speckle
from pellucid.noise.structured import Banding, Correlated

__all__ = [
    "Banding",
    "Camera",
    "Chain",
    "Clip",
    "Correlated",
    "Gaussian",
    "Noise",
    "Poisson",
    "SaltPepper",
    "Speckle",
    "Spectrum",
    "parse",
]


class Noise(Protocol):
    """Anything that makes an image noisy; all randomness comes from the generator."""

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """The noisy version of (..., C, H, W) float32; the argument is left alone."""
        ...


@dataclass(frozen=True)
class Chain:
    """Several models, one after the other.

    Attributes:
        models: in the order in which they happen.
    """

    models: tuple[Noise, ...]

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """The noisy version of (..., C, H, W)."""
        for model in self.models:
            clean = model.apply(clean, generator)
        return clean


def _grey(level: Level) -> Level:
    """8-bit units to working units."""
    return (level[0] / 255, level[1] / 255) if isinstance(level, tuple) else level / 255


def _range(level: Level) -> tuple[float, float]:
    """A range, from a number to itself where there is one."""
    return level if isinstance(level, tuple) else (level, level)


def _one(name: str, level: Level) -> float:
    """A value that cannot be a range."""
    if isinstance(level, tuple):
        raise ValueError(f"{name} must be one number, got the range {level[0]:g}-{level[1]:g}.")
    return level


# name: (fewest levels, most levels, what they are, the model)
_MODELS: dict[str, tuple[int, int, str, Callable[..., Noise]]] = {
    "gaussian": (1, 1, "SIGMA", lambda s: Gaussian(sigma=_grey(s))),
    "shifted": (2, 2, "SIGMA,MEAN", lambda s, m: Gaussian(sigma=_grey(s), mean=_grey(m))),
    "poisson": (1, 1, "PEAK", lambda p: Poisson(peak=p)),
    "poisson-gaussian": (2, 2, "PEAK,SIGMA", lambda p, s: Chain((Poisson(peak=p), Gaussian(sigma=_grey(s))))),
    "speckle": (1, 1, "VARIANCE", lambda v: Speckle(variance=v)),
    "salt-pepper": (1, 1, "FRACTION", lambda f: SaltPepper(fraction=f)),
    "correlated": (
        2,
        3,
        "SIGMA,BLUR[,CHANNELS]",
        lambda s, b, c=0.0: Correlated(sigma=_grey(s), blur=b, channels=c),
    ),
    "spectrum": (
        1,
        4,
        "SIGMA[,BLUR[,CHANNELS[,COARSE]]]",
        lambda s, *ranges: Spectrum(
            sigma=_grey(s), **dict(zip(("blur", "channels", "coarse"), map(_range, ranges), strict=False))
        ),
    ),
    "banding": (
        2,
        3,
        "AMPLITUDE,PERIOD[,ANGLE]",
        lambda a, p, d=0.0: Banding(amplitude=_grey(a), period=p, angle=d),
    ),
    "camera": (
        1,
        3,
        "PEAK[,READ[,QUALITY]]",
        lambda p, r=0.0, q=0.0: Camera(peak=p, read=_grey(r), quality=int(_one("QUALITY", q))),
    ),
    "clip": (0, 1, "[BITS]", lambda b=0.0: Clip(bits=int(_one("BITS", b)))),
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"


def parse(text: str) -> Noise:
    """The model that a text describes (the grammar is in this module's docstring).

    Raises:
        ValueError: naming the part that is not understood, and the form that would be.

    >>> parse("gaussian:51")
    Gaussian(sigma=0.2, mean=0.0)
    >>> parse("poisson:30 + clip:8")
    Chain(models=(Poisson(peak=30.0), Clip(bits=8)))
    >>> parse("gaussian")
    Traceback (most recent call last):
    ...
    ValueError: noise 'gaussian' must look like gaussian:SIGMA, got 0 levels.
    """
    parts = re.split(r"\+(?![\d.])", text.replace(" ", "").lower())
    models = tuple(_parse_one(part) for part in parts)
    return models[0] if len(models) == 1 else Chain(models)


def _parse_one(text: str) -> Noise:
    name, _, rest = text.partition(":")
    checks.one_of("noise", name, list(_MODELS))
    fewest, most, form, make = _MODELS[name]
    levels = [_level(text, part) for part in rest.split(",")] if rest else []
    if not fewest <= len(levels) <= most:
        raise ValueError(f"noise {text!r} must look like {name}:{form}, got {len(levels)} levels.")
    try:
        return make(*levels)
    except ValueError as error:
        raise ValueError(
            f"noise {text!r}: {error} (Sigma, mean, amplitude and read are divided by 255.)"
        ) from error


def _level(text: str, part: str) -> Level:
    found = re.fullmatch(f"({_NUMBER})(?:-({_NUMBER}))?", part)
    if not found:
        raise ValueError(f"noise {text!r}: {part!r} must be a number or a range such as 10-50.")
    low, high = found.groups()
    return float(low) if high is None else (float(low), float(high))
