"""What happened to the picture besides noise: nothing, missing pixels, or downsampling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from pellucid import checks
from pellucid.request import Kind as Kind

FACTORS = (2, 4, 8)


class Degradation(Protocol):
    """A known linear operator D in y = D(x) + n."""

    @property
    def kind(self) -> Kind:
        """What a method must be able to undo."""
        ...

    @property
    def factor(self) -> int:
        """How many times larger the sides of x are than those of y."""
        ...

    def apply(self, image: Tensor) -> Tensor:
        """D(x) for x of shape (..., C, H, W)."""
        ...

    def to(self, device: torch.device) -> Degradation:
        """The same operator for images on ``device``."""
        ...


@dataclass(frozen=True)
class Identity:
    """Nothing but noise: D(x) = x."""

    kind: Kind = field(default="noise", init=False)
    factor: int = field(default=1, init=False)

    def apply(self, image: Tensor) -> Tensor:
        """Return the image as it is."""
        return image

    def to(self, device: torch.device) -> Identity:
        """Itself: it holds no tensor."""
        return self


@dataclass(frozen=True)
class Mask:
    """Missing pixels: D(x) = x where `hidden` is False, 0 elsewhere.

    Attributes:
        hidden: (H, W) bool, True where the pixel is missing.
    """

    hidden: Tensor
    kind: Kind = field(default="mask", init=False)
    factor: int = field(default=1, init=False)

    def apply(self, image: Tensor) -> Tensor:
        """Blank the hidden pixels of (..., C, H, W).

        >>> import torch
        >>> Mask(torch.tensor([[True, False]])).apply(torch.ones(1, 1, 2))
        tensor([[[0., 1.]]])
        """
        checks.same_shape("mask", self.hidden.shape, "image", image.shape[-2:])
        return image.masked_fill(self.hidden, 0.0)

    def to(self, device: torch.device) -> Mask:
        """The same mask on ``device``."""
        return Mask(self.hidden.to(device))


@dataclass(frozen=True)
class Downsample:
    """Reduction by a factor after a Lanczos-2 low-pass, D(x)_n = sum_i x_i w((i - n f - (f - 1) / 2) / f).

    Every low-resolution pixel is centred on its f x f block (phase 1/2), so the picture neither shifts nor
    shrinks; at the border the last pixel is repeated.

    Attributes:
        factor: f, 2, 4 or 8.

    Source: the operator of Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", IJCV 2020, section 4.1.

    >>> bool(torch.allclose(Downsample(2).apply(torch.ones(1, 6, 8)), torch.ones(1, 3, 4)))
    True
    """

    factor: int = 4
    kind: Kind = field(default="downsample", init=False)

    def __post_init__(self) -> None:
        if self.factor not in FACTORS:
            raise ValueError(f"factor must be 2, 4 or 8, got {self.factor}. Choose one of them.")

    def apply(self, image: Tensor) -> Tensor:
        """(..., C, H, W) reduced to (..., C, H / f, W / f).

        Raises:
            ValueError: when a side is no multiple of the factor.
        """
        height, width = image.shape[-2:]
        if height % self.factor or width % self.factor:
            raise ValueError(
                f"the sides of the image must be multiples of {self.factor}, got {height} x {width}. "
                "Crop it first."
            )
        weights = lanczos2(self.factor).to(image)
        margin = (len(weights) - self.factor) // 2
        planes = image.reshape(-1, 1, height, width)
        planes = pad(planes, (margin,) * 4, mode="replicate")
        planes = conv2d(planes, weights.view(1, 1, -1, 1), stride=(self.factor, 1))
        planes = conv2d(planes, weights.view(1, 1, 1, -1), stride=(1, self.factor))
        return planes.reshape(*image.shape[:-2], height // self.factor, width // self.factor)

    def to(self, device: torch.device) -> Downsample:
        """Itself: it holds no tensor."""
        return self

    def enlarge(self, image: Tensor) -> Tensor:
        """A first guess at x: (..., C, H, W) enlarged by bicubic interpolation, not clipped.

        >>> Downsample(2).enlarge(torch.ones(3, 4, 5)).shape
        torch.Size([3, 8, 10])
        """
        planes = image.reshape(-1, 1, *image.shape[-2:])
        large = interpolate(
            planes, scale_factor=float(self.factor), mode="bicubic", antialias=True, align_corners=False
        )
        return large.reshape(*image.shape[:-2], *large.shape[-2:])


def lanczos2(factor: int) -> Tensor:
    """The taps of a Lanczos-2 low-pass for a reduction by an even factor, sinc(d) sinc(d / 2), sum 1.

    Args:
        factor: even.

    Returns:
        (4 factor,) float64, at the distances (1 - 4 factor) / 2 ... (4 factor - 1) / 2 pixels.

    >>> [round(float(w), 4) for w in lanczos2(2)]
    [-0.0089, -0.0419, 0.1165, 0.4343, 0.4343, 0.1165, -0.0419, -0.0089]
    """
    distance = (torch.arange(4 * factor, dtype=torch.float64) - (4 * factor - 1) / 2) / factor
    weights = torch.sinc(distance) * torch.sinc(distance / 2)
    return weights / weights.sum()
