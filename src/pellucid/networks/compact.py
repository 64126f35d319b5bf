"""A small hourglass for Deep Image Prior on a processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pellucid import checks
from pellucid.networks.padding import with_any_size


def _block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    # The border is zero, which the convolution does for nothing: reflecting it costs a copy of every map.
    # Bias is left out, as the normalisation takes it away again.
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )


class Compact(nn.Module):
    """The plan of `Skip` with the work taken out: one 3x3 convolution down, one up, few channels.

    At each scale: 3x3 convolution of stride 2, what lies below, bilinear enlargement, joined with a 1x1 skip
    branch, 3x3 convolution; normalised, leaky ReLU. Last a 1x1 convolution and a sigmoid. The bilinear
    enlargement is kept: it is what makes the network slow to learn noise. A step costs about a tenth of that
    of `Skip`.

    Any image size is taken: it is padded by reflection to a multiple of ``2 ** scales`` and cropped back.

    Args:
        inputs: channels of the code.
        outputs: channels of the picture.
        widths: channels per scale, finest first.
        skip: channels of each skip branch.

    Raises:
        ValueError: when there is no scale or no skip branch.

    >>> Compact(16, 3)(torch.zeros(1, 16, 33, 70)).shape
    torch.Size([1, 3, 33, 70])
    """

    def __init__(
        self, inputs: int, outputs: int, *, widths: Sequence[int] = (32,) * 5, skip: int = 4
    ) -> None:
        super().__init__()
        checks.in_range("number of widths", len(widths), 1)
        checks.in_range("skip", skip, 1)
        above = (inputs, *widths[:-1])
        below = (*widths[1:], widths[-1])
        self.multiple: int = 2 ** len(widths)
        self.down = nn.ModuleList(_block(a, w, stride=2) for a, w in zip(above, widths, strict=True))
        self.skip = nn.ModuleList(_block(a, skip, kernel=1) for a in above)
        self.up = nn.ModuleList(_block(skip + b, w) for b, w in zip(below, widths, strict=True))
        self.last = nn.Sequential(nn.Conv2d(widths[0], outputs, 1), nn.Sigmoid())

    def forward(self, code: Tensor) -> Tensor:
        """The picture (B, outputs, H, W) in (0, 1) that the code (B, inputs, H, W) leads to."""
        return with_any_size(self._hourglass, code, self.multiple)

    def _hourglass(self, features: Tensor) -> Tensor:
        beside = []
        for down, skip in zip(self.down, self.skip, strict=True):
            beside.append(skip(features))
            features = down(features)
        for up, thin in zip(reversed(self.up), reversed(beside), strict=True):
            large = interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
            features = up(torch.cat([thin, large], dim=1))
        return cast(Tensor, self.last(features))
