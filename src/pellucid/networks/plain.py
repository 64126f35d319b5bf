"""A plain chain of convolutions, without change of size or skip connection."""

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
