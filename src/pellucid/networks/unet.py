"""The U-Net of Noise2Noise, and what Neighbor2Neighbor and Blind2Unblind made of it."""

from __future__ import annotations

from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, max_pool2d

from pellucid import checks
from pellucid.networks.padding import with_any_size


class UNet(nn.Module):
    """A convolution more than poolings on the way down, two after each enlargement, skips at every size.

    Levels of the way down have `width` channels, those of the way up twice as many. The finest skip is the
    picture itself. The output is linear. No normalisation.

    Args:
        inputs: channels of the picture.
        outputs: channels of the result.
        width: channels on the way down.
        levels: how often the size is halved.
        slope: of the leaky ReLU.
        learnt_up: enlarge by transposed convolutions instead of repeated pixels.
        pointwise: end by three 1x1 convolutions at twice the width instead of 3x3 ones that grow thinner.
        gain: factor on He's initial weights.

    Source: Lehtinen and others, "Noise2Noise", ICML 2018, table 2.

    >>> sum(p.numel() for p in UNet(3, 3).parameters())
    991203
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 48,
        levels: int = 5,
        slope: float = 0.1,
        learnt_up: bool = False,
        pointwise: bool = False,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        checks.in_range("width", width, 3)
        checks.in_range("levels", levels, 1)
        self.slope, self.levels, self.multiple = slope, levels, 2**levels
        wide = 2 * width

        def conv(a: int, b: int, size: int = 3) -> nn.Conv2d:
            return nn.Conv2d(a, b, size, padding=size // 2)

        self.down = nn.ModuleList([conv(inputs, width), *(conv(width, width) for _ in range(levels + 1))])
        below = [width] + [wide] * (levels - 1)
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(n, n, 2, stride=2) for n in below if learnt_up)
        self.up = nn.ModuleList(
            nn.ModuleList([conv(n + width, wide), conv(wide, wide)]) for n in below[: levels - 1]
        )
        thin = (wide, wide, 1, 1) if pointwise else (4 * width // 3, 2 * width // 3, 3, 3)
        # With one level what is enlarged last comes from the way down.
        last = [conv(below[-1] + inputs, thin[0]), conv(thin[0], thin[1])]
        if pointwise:
            last += [conv(wide, wide, 1), conv(wide, wide, 1), conv(wide, outputs, 1)]
        else:
            last += [conv(thin[1], outputs)]
        self.last = nn.ModuleList(last)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, a=slope)
                module.weight.data.mul_(gain)
                nn.init.zeros_(cast(Tensor, module.bias))

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, H, W) of any size to (B, outputs, H, W)."""
        return with_any_size(self._hourglass, image, self.multiple)

    def _hourglass(self, image: Tensor) -> Tensor:
        active = partial(leaky_relu, negative_slope=self.slope, inplace=True)
        skips = [image]
        features = active(self.down[0](image))
        for layer in self.down[1:-1]:
            features = max_pool2d(active(layer(features)), 2)
            skips.append(features)
        skips.pop()
        features = active(self.down[-1](features))
        for level in range(self.levels):
            if len(self.enlarge):
                features = self.enlarge[level](features)
            else:
                features = interpolate(features, scale_factor=2.0)
            features = torch.cat([features, skips.pop()], dim=1)
            if level < self.levels - 1:
                for layer in cast(nn.ModuleList, self.up[level]):
                    features = active(layer(features))
        for layer in self.last[:-1]:
            features = active(layer(features))
        return cast(Tensor, self.last[-1](features))


def nb2nb(inputs: int, outputs: int, *, width: int = 48) -> UNet:
    """The U-Net of Neighbor2Neighbor: learnt enlargement, 1x1 convolutions last, small initial weights.

    Source: Huang and others, "Neighbor2Neighbor", CVPR 2021, and its authors' code.

    >>> sum(p.numel() for p in nb2nb(3, 3).parameters())
    1259475
    """
    return UNet(inputs, outputs, width=width, slope=0.2, learnt_up=True, pointwise=True, gain=0.1)


def b2u(inputs: int, outputs: int, *, width: int = 48) -> UNet:
    """The U-Net of Blind2Unblind: that of Noise2Noise with 1x1 convolutions last.

    Source: Wang, Liu, Li, Han, "Blind2Unblind", CVPR 2022, and its authors' code.

    >>> sum(p.numel() for p in b2u(3, 3).parameters())
    1102371
    """
    return UNet(inputs, outputs, width=width, pointwise=True)


def small(inputs: int, outputs: int) -> UNet:
    """The U-Net of Noise2Noise for two cores: 16 channels, three poolings.

    >>> sum(p.numel() for p in small(3, 3).parameters())
    60137
    """
    return UNet(inputs, outputs, width=16, levels=3)
