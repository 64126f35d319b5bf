"""Chains of convolutions at full size: plain, shallow, and of residual blocks."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from pellucid import checks
from pellucid.networks.padding import with_any_size


class Plain(nn.Module):
    """`layers` 3x3 convolutions at full size; batch normalisation and a leaky ReLU between, last a sigmoid.

    As a prior it says only that pixels are alike near by: the picture is not made from coarse to fine.

    Args:
        inputs: channels of the code.
        outputs: channels of the picture.
        layers: number of convolutions; 5 for simple pictures, 15 for rich texture, says the source.
        width: channels between.

    Source: the advice for Deep Image Prior of a blog post (see docs/methods/dip.md): 9 layers of 64 channels.

    >>> sum(isinstance(m, nn.Conv2d) for m in Plain(32, 3, layers=5).modules())
    5
    """

    def __init__(self, inputs: int, outputs: int, *, layers: int = 9, width: int = 64) -> None:
        super().__init__()
        checks.in_range("layers", layers, 2)
        checks.in_range("width", width, 1)
        parts: list[nn.Module] = []
        for above in (inputs, *(width,) * (layers - 2)):
            # The normalisation takes a bias away again.
            parts += [
                nn.Conv2d(above, width, 3, padding=1, padding_mode="reflect", bias=False),
                nn.BatchNorm2d(width),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        last = nn.Conv2d(width, outputs, 3, padding=1, padding_mode="reflect")
        self.body = nn.Sequential(*parts, last, nn.Sigmoid())

    def forward(self, code: Tensor) -> Tensor:
        """The picture (B, outputs, H, W) in (0, 1) that the code (B, inputs, H, W) leads to."""
        return with_any_size(lambda image: cast(Tensor, self.body(image)), code, 1)


REACH = 2
"""pixels on each side that an output pixel depends on"""


class Shallow(nn.Module):
    """Two 3x3 convolutions with leaky ReLU (slope 0.2), then a 1x1 convolution; the border is zero.

    So few weights cannot learn one picture's noise by heart.

    Args:
        inputs: channels of the picture.
        outputs: channels of what is predicted.
        width: channels between.

    Source: Mansour, Heckel, "Zero-Shot Noise2Noise", CVPR 2023, section 3.

    >>> sum(p.numel() for p in Shallow(3, 3).parameters())
    22275
    """

    def __init__(self, inputs: int, outputs: int, *, width: int = 48) -> None:
        super().__init__()
        checks.in_range("width", width, 1)
        self.body = nn.Sequential(
            nn.Conv2d(inputs, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, outputs, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        return cast(Tensor, self.body(image))


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
