"""Forward models whose noise has structure: correlated between pixels and channels, or periodic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from pellucid.noise import draws
from pellucid.noise.draws import Level


@dataclass(frozen=True, kw_only=True)
class Correlated:
    """Gaussian noise that neighbouring pixels, and the channels, share.

    White noise is blurred by a Gaussian of `blur` pixels and brought back to the standard deviation `sigma`;
    its autocorrelation at distance d is close to exp(-d^2 / (4 blur^2)).

    Attributes:
        sigma: standard deviation, working units.
        blur: standard deviation of the blur, pixels.
        channels: correlation coefficient between any two channels, in [0, 1].
    """

    sigma: Level
    blur: Level
    channels: Level = 0.0

    def __post_init__(self) -> None:
        draws.check("sigma", self.sigma)
        draws.check("blur", self.blur, high=100.0)
        draws.check("channels", self.channels, high=1.0)

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Add the noise to (..., C, H, W)."""
        sigma, blur, shared = (
            draws.level(v, clean, generator) for v in (self.sigma, self.blur, self.channels)
        )
        radius = math.ceil(4 * float(blur.max()))
        *batch, channels, height, width = clean.shape
        # blurred without padding: the variance is the same up to the border and no two borders are tied
        size = (height + 2 * radius, width + 2 * radius)
        own = draws.normal((*batch, channels, *size), clean, generator)
        common = draws.normal((*batch, 1, *size), clean, generator)
        white = (1 - shared).sqrt() * own + shared.sqrt() * common
        places = torch.arange(-radius, radius + 1, device=clean.device)
        kernel = torch.exp(-0.5 * (places / blur.reshape(-1, 1).clamp(min=1e-6)) ** 2)
        kernel = kernel / kernel.square().sum(1, keepdim=True).sqrt()
        # every image has its own kernel: all planes are the channels of one grouped convolution
        kernel = kernel.repeat_interleave(channels, 0).view(-1, 1, 1, 2 * radius + 1)
        planes = white.reshape(1, -1, *size)
        smooth = conv2d(conv2d(planes, kernel, groups=len(kernel)), kernel.mT, groups=len(kernel))
        return clean + sigma * smooth.reshape(clean.shape)


@dataclass(frozen=True, kw_only=True)
class Banding:
    """A sinusoidal pattern of random phase, the same in all channels, as interference leaves it.

    Attributes:
        amplitude: of the sinusoid, working units; its variance is amplitude^2 / 2.
        period: pixels.
        angle: direction in which the pattern varies, degrees; 0 down the image (horizontal bands), 90 across.
    """

    amplitude: Level
    period: Level
    angle: Level = 0.0

    def __post_init__(self) -> None:
        draws.check("amplitude", self.amplitude)
        draws.check("period", self.period, low=2.0)
        draws.check("angle", self.angle, low=-360.0, high=360.0)

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Add the pattern to (..., C, H, W)."""
        amplitude, period, degrees = (
            draws.level(v, clean, generator) for v in (self.amplitude, self.period, self.angle)
        )
        angle = torch.deg2rad(degrees)
        phase = 2 * math.pi * draws.level((0.0, 1.0), clean, generator)
        down = torch.arange(clean.shape[-2], device=clean.device).view(-1, 1)
        across = torch.arange(clean.shape[-1], device=clean.device).view(1, -1)
        distance = down * torch.cos(angle) + across * torch.sin(angle)
        return clean + amplitude * torch.sin(2 * math.pi * distance / period + phase)
