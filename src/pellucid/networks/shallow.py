"""The small network of Zero-Shot Noise2Noise."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from pellucid import checks

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
