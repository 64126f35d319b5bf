"""A chain of residual blocks, the network of Noisy-As-Clean."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from pellucid import checks
from pellucid.networks.padding import with_any_size


def _convolution(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)


class _Block(nn.Module):
    """Two convolutions, each normalised, whose result is added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(width, width, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2, inplace=True),
            _convolution(width, width, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + cast(Tensor, self.body(features))


class Residual(nn.Module):
    """3x3 convolution, residual blocks, 3x3 convolution with normalisation, 3x3 convolution, sigmoid.

    Batch normalisation stays in training mode: the statistics are those of the one image.

    Args:
        inputs: channels of the picture.
        outputs: channels of the result.
        width: channels between.
        blocks: residual blocks.

    Source: Xu et al., "Noisy-As-Clean", IEEE TIP 2020, and its authors' code.

    >>> sum(p.numel() for p in Residual(3, 3).parameters())
    780419
    """

    def __init__(self, inputs: int, outputs: int, *, width: int = 64, blocks: int = 10) -> None:
        super().__init__()
        checks.in_range("width", width, 1)
        checks.in_range("blocks", blocks, 0)
        self.body = nn.Sequential(
            _convolution(inputs, width),
            nn.LeakyReLU(0.2, inplace=True),
            *(_Block(width) for _ in range(blocks)),
            _convolution(width, width),
            nn.BatchNorm2d(width),
            _convolution(width, outputs),
            nn.Sigmoid(),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W) in (0, 1)."""
        return with_any_size(self.body, image, 1)
