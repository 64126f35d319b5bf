"""Forward model of noise whose spectrum nobody knows: every image draws a power spectrum of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid.noise import draws
from pellucid.noise.draws import Level

Range = tuple[float, float]

STRETCH = 1.25
"""most by which the blur is wider along one axis, and narrower across it, than on average"""
COARSE = (2.0, 6.0)
"""blur of the coarse part, pixels"""
UNEVEN = 1.5
"""most by which the noise of one channel is stronger than that of another"""
QUIET_GREEN = 0.5
"""share of the images in which green is made the quietest of three channels; in the others chance decides"""
ONE_GRAIN = 0.5
"""share of the images in which what the channels share has the spectrum of what they do not"""
NEAR = 0.1
"""how far a channel may lie from the correlation that is drawn for the image"""
MARGIN = 12
"""pixels around the image: a periodic field is drawn, and its border left out"""


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """Gaussian noise of a random spectrum, to train one model for cameras that nobody here has seen.

    Each image of a batch draws, besides its level:

    - a power spectrum for what the channels share and, in half of the images, another one for what each has
      of its own. A spectrum is a sum of white, fine and coarse: S = w + (1 - w - c) G(blur) + c G(coarse),
      with G(b) proportional to exp(-4 pi² f' Q f), that of white noise after a Gaussian blur whose width is
      b sqrt(r) along and b / sqrt(r) across a random direction. Narrow blurs and small shares w and c are
      drawn more often: u^1.5 and u³ with u even in [0, 1);
    - a correlation for each channel, all within 0.1 of one value: channels i and j have sqrt(k_i k_j);
    - a strength for each channel, the strongest at most 1.5 times the weakest; of three channels the second
      (green) is often the quietest.

    The root mean square of the channels' standard deviations is `sigma`.

    Attributes:
        sigma: standard deviation over all channels, working units.
        blur: narrowest and widest blur, standard deviation in pixels.
        channels: smallest and largest correlation coefficient between channels, in [0, 1].
        coarse: smallest and largest share of the variance that is coarse, in [0, 1].
    """

    sigma: Level
    blur: Range = (0.0, 2.0)
    channels: Range = (0.0, 0.8)
    coarse: Range = (0.0, 0.5)

    def __post_init__(self) -> None:
        draws.check("sigma", self.sigma)
        draws.check("blur", self.blur, high=COARSE[1])
        draws.check("channels", self.channels, high=1.0)
        draws.check("coarse", self.coarse, high=1.0)

    def apply(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Add the noise to (..., C, H, W)."""
        sigma = draws.level(self.sigma, clean, generator)
        images = clean.reshape(-1, *clean.shape[-3:])
        noise = torch.stack([self._noise(image, generator) for image in images])
        return clean + sigma * noise.reshape(clean.shape)

    def _noise(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Noise for (C, H, W), of standard deviation 1 over the channels."""
        channels, height, width = image.shape
        size = (height + 2 * MARGIN, width + 2 * MARGIN)

        one = self._power(size, generator)
        two = one if _chance(ONE_GRAIN, generator) else self._power(size, generator)

        def field(count: int, power: Tensor) -> Tensor:
            white = draws.normal((count, *size), image, generator)
            coloured = torch.fft.irfft2(torch.fft.rfft2(white) * power.sqrt().to(image.device), s=size)
            cut: Tensor = coloured[:, MARGIN : MARGIN + height, MARGIN : MARGIN + width]
            return cut

        share = self._shares(channels, generator).to(image.device)
        gain = _strengths(channels, generator).to(image.device)
        return gain * (share.sqrt() * field(1, one) + (1 - share).sqrt() * field(channels, two))

    def _power(self, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """A power spectrum on the grid of `rfft2`, whose mean over all frequencies is 1."""
        u = _even(6, generator).tolist()
        blur = _within(self.blur, u[0] ** 1.5)
        coarse = _within(self.coarse, u[1] ** 3)
        white = (1 - coarse) * u[2] ** 3
        wide = COARSE[0] * (COARSE[1] / COARSE[0]) ** u[3]
        stretch, turn = STRETCH ** u[4], math.pi * u[5]
        down, across = torch.fft.fftfreq(size[0]).view(-1, 1), torch.fft.rfftfreq(size[1]).view(1, -1)
        along = math.cos(turn) * down + math.sin(turn) * across
        beside = math.cos(turn) * across - math.sin(turn) * down
        square = stretch * along.square() + beside.square() / stretch
        twice = torch.full((across.shape[1],), 2.0)  # rfft2 leaves out the mirrored half
        twice[0] = 1.0
        if size[1] % 2 == 0:
            twice[-1] = 1.0

        def normal(width: float) -> Tensor:
            power = torch.exp(-4 * math.pi**2 * width**2 * square)
            return power * (size[0] * size[1] / (power * twice).sum())

        mixed: Tensor = white + (1 - white - coarse) * normal(blur) + coarse * normal(wide)
        return mixed

    def _shares(self, channels: int, generator: torch.Generator) -> Tensor:
        """The part of each channel's variance that all share (C, 1, 1)."""
        low, high = self.channels
        middle = _within(self.channels, float(_even(1, generator)))
        ends = max(low, middle - NEAR), min(high, middle + NEAR)
        return ends[0] + (ends[1] - ends[0]) * _even(channels, generator).view(-1, 1, 1)


def _strengths(channels: int, generator: torch.Generator) -> Tensor:
    """The standard deviation of each channel (C, 1, 1); their root mean square is 1."""
    gain = torch.pow(UNEVEN, _even(channels, generator))
    if _chance(QUIET_GREEN, generator) and channels == 3:
        quiet = int(gain.argmin())
        gain[[1, quiet]] = gain[[quiet, 1]]
    return (gain / gain.square().mean().sqrt()).view(-1, 1, 1)


def _within(ends: Range, part: float) -> float:
    """The value a part of the way through a range."""
    return ends[0] + (ends[1] - ends[0]) * part


def _even(count: int, generator: torch.Generator) -> Tensor:
    """Numbers spread evenly over [0, 1), drawn where the generator lives, on the CPU."""
    return torch.rand(count, generator=generator, device=generator.device).cpu()


def _chance(part: float, generator: torch.Generator) -> bool:
    """True in this part of the draws."""
    return float(_even(1, generator)) < part
