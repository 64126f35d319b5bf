"""Forward models in which every value gets its own, independent noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid.noise import draws
from pellucid.noise.draws import Level


@dataclass(frozen=True, kw_only=True)
class Gaussian:
    """y = x + mean + sigma n, n standard normal; a mean that is not 0 is the "shifted" noise.

    Attributes:
        sigma: standard deviation, working units.
        mean: shift, working units.
    """

    sigma: Level
    mean: Level = 0.0

    def __post_init__(self) -> None:
        draws.check("sigma", self.sigma)
        draws.check("mean", self.mean, low=-float("inf"))

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Add the noise to (..., C, H, W); nothing is clipped."""
        sigma = draws.level(self.sigma, clean, generator)
        mean = draws.level(self.mean, clean, generator)
        return clean + mean + sigma * draws.normal(tuple(clean.shape), clean, generator)


@dataclass(frozen=True, kw_only=True)
class Poisson:
    """y = Poisson(peak x) / peak: shot noise, of mean x and variance x / peak.

    Attributes:
        peak: photons that make white (the lambda of the papers).
    """

    peak: Level

    def __post_init__(self) -> None:
        draws.check("peak", self.peak, low_open=True)

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Count photons for (..., C, H, W); values below 0 send none."""
        peak = draws.level(self.peak, clean, generator)
        return draws.poisson(peak * clean, generator) / peak


@dataclass(frozen=True, kw_only=True)
class Speckle:
    """y = x + x n, n uniform of mean 0 and the given variance.

    Attributes:
        variance: of n; relative to the signal, so without a unit.
    """

    variance: Level

    def __post_init__(self) -> None:
        draws.check("variance", self.variance)

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Multiply the noise into (..., C, H, W)."""
        half_width = (3 * draws.level(self.variance, clean, generator)).sqrt()
        return clean * (1 + half_width * (2 * draws.uniform(tuple(clean.shape), clean, generator) - 1))


@dataclass(frozen=True, kw_only=True)
class SaltPepper:
    """A fraction of the values becomes 0 or 1, each half of the time, every channel on its own.

    Attributes:
        fraction: of the values, in [0, 1].
    """

    fraction: Level

    def __post_init__(self) -> None:
        draws.check("fraction", self.fraction, high=1.0)

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Replace values of (..., C, H, W)."""
        half = draws.level(self.fraction, clean, generator) / 2
        chance = draws.uniform(tuple(clean.shape), clean, generator)
        return torch.where(chance < half, 0.0, torch.where(chance >= 1 - half, 1.0, clean))


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What a file does to an image: values outside [0, 1] are cut off and, with `bits`, the rest is rounded.

    Attributes:
        bits: depth of the file, 1 to 16; 0 for no rounding.
    """

    bits: int = 0

    def __post_init__(self) -> None:
        draws.check("bits", self.bits, high=16)

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Cut and round (..., C, H, W); nothing is drawn."""
        cut = clean.clamp(0, 1)
        top = 2 ** int(self.bits) - 1
        return (cut * top).round() / top if top else cut
