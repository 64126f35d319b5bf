"""CycleISP's network for pictures: blocks whose features are weighed by channel and by place.

The names of its parts are those of the authors' files, so that these are taken as they are.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


def _three(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class DualAttention(nn.Module):
    """x + W [u * s(u), u * c(u)] with u two 3x3 convolutions of x.

    s(u) is a number per place, the sigmoid of a convolution over maximum and mean of the channels; c(u) a
    number per channel, the sigmoid of two 1x1 convolutions of the mean over the places; W is 1x1.

    Args:
        features: channels.
        reduction: channels over those between the two 1x1 convolutions.
        side: of the convolution in s, odd.
        activation: between the two 3x3 convolutions; one for the whole network.

    Source: Zamir et al., "CycleISP", CVPR 2020; sizes as in the authors' code.

    >>> DualAttention(8, reduction=4, side=3, activation=nn.PReLU(8))(torch.zeros(1, 8, 5, 7)).shape
    torch.Size([1, 8, 5, 7])
    """

    def __init__(self, features: int, *, reduction: int, side: int, activation: nn.Module) -> None:
        super().__init__()
        few = features // reduction
        place = nn.Conv2d(2, 1, side, padding=side // 2, bias=False)
        self.SA = nn.ModuleDict({"spatial": nn.ModuleDict({"conv": place})})
        weigh = nn.Sequential(nn.Conv2d(features, few, 1), nn.ReLU(), nn.Conv2d(few, features, 1))
        self.CA = nn.ModuleDict({"conv_du": weigh})
        self.body = nn.Sequential(_three(features, features), activation, _three(features, features))
        self.conv1x1 = nn.Conv2d(2 * features, features, 1)
        self._place, self._weigh = [place], [weigh]  # in lists, so that they are no further parts

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        found: Tensor = self.body(features)
        pooled = torch.cat([found.amax(1, keepdim=True), found.mean(1, keepdim=True)], 1)
        by_place = found * self._place[0](pooled).sigmoid()
        by_channel = found * self._weigh[0](found.mean((-2, -1), keepdim=True)).sigmoid()
        return cast(Tensor, self.conv1x1(torch.cat([by_place, by_channel], 1)) + features)


class Group(nn.Module):
    """Recursive residual group: x + a 3x3 convolution of dual attention blocks of x."""

    def __init__(
        self, features: int, *, blocks: int, reduction: int, side: int, activation: nn.Module
    ) -> None:
        super().__init__()
        made = [
            DualAttention(features, reduction=reduction, side=side, activation=activation)
            for _ in range(blocks)
        ]
        self.body = nn.Sequential(*made, _three(features, features))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return cast(Tensor, self.body(features) + features)


class CycleISP(nn.Module):
    """The denoiser of pictures that CycleISP trained on noise which went through a camera's processing.

    Args:
        channels: of the picture.
        features: channels inside.
        groups: recursive residual groups.
        blocks: dual attention blocks in each.
        reduction: see `DualAttention`.
        side: see `DualAttention`.

    Source: Zamir et al., "CycleISP: real image restoration via improved data synthesis", CVPR 2020.

    >>> CycleISP(3, features=8, groups=1, blocks=1, reduction=4)(torch.zeros(1, 3, 5, 7)).shape
    torch.Size([1, 3, 5, 7])
    """

    def __init__(
        self,
        channels: int,
        *,
        features: int = 64,
        groups: int = 4,
        blocks: int = 8,
        reduction: int = 16,
        side: int = 3,
    ) -> None:
        super().__init__()
        self.channels = channels
        activation = nn.PReLU(features)
        made = [
            Group(features, blocks=blocks, reduction=reduction, side=side, activation=activation)
            for _ in range(groups)
        ]
        self.head = nn.Sequential(_three(channels, features))
        self.body = nn.Sequential(*made, _three(features, features), activation)
        self.tail = nn.Sequential(_three(features, channels))

    def forward(self, noisy: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape, any size."""
        return cast(Tensor, noisy + self.tail(self.body(self.head(noisy))))
