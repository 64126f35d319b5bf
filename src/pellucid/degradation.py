"""What happened to the picture besides noise: nothing, missing pixels, or downsampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from pellucid import checks


class Degradation(Protocol):
    """A known linear operator D in y = D(x) + n."""

    def apply(self, image: Tensor) -> Tensor:
        """D(x) for x of shape (..., C, H, W)."""
        ...


@dataclass(frozen=True)
class Identity:
    """Nothing but noise: D(x) = x."""

    def apply(self, image: Tensor) -> Tensor:
        """Return the image as it is."""
        return image


@dataclass(frozen=True)
class Mask:
    """Missing pixels: D(x) = x where `hidden` is False, 0 elsewhere.

    Attributes:
        hidden: (H, W) bool, True where the pixel is missing.
    """

    hidden: Tensor

    def apply(self, image: Tensor) -> Tensor:
        """Blank the hidden pixels of (..., C, H, W).

        >>> import torch
        >>> Mask(torch.tensor([[True, False]])).apply(torch.ones(1, 1, 2))
        tensor([[[0., 1.]]])
        """
        checks.same_shape("mask", self.hidden.shape, "image", image.shape[-2:])
        return image.masked_fill(self.hidden, 0.0)
