"""DBSN: a network that does not see the pixel it predicts, by the way its convolutions are masked."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, relu

from pellucid import checks


class CentreMasked(nn.Conv2d):
    """A convolution whose middle weight counts as zero.

    >>> layer = CentreMasked(1, 1, 3)
    >>> only = torch.zeros(1, 1, 3, 3)
    >>> only[..., 1, 1] = 1
    >>> bool(layer(only)[0, 0, 1, 1] == layer.bias)
    True
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2)
        seen = torch.ones(1, 1, kernel, kernel)
        seen[..., kernel // 2, kernel // 2] = 0
        self.register_buffer("seen", seen, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        weight = self.weight * cast(Tensor, self.seen)
        return conv2d(features, weight, self.bias, padding=self.padding)


class _Dilated(nn.Module):
    """A dilated convolution, ReLU and a 1x1 convolution, added to what came in."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.last = nn.Conv2d(width, width, 1)

    def forward(self, features: Tensor) -> Tensor:
        return features + cast(Tensor, self.last(relu(self.first(features), inplace=True)))


def _branch(width: int, step: int, blocks: int) -> nn.Sequential:
    parts: list[nn.Module] = [CentreMasked(width, width, 2 * step - 1), nn.ReLU(inplace=True)]
    for _ in range(2):
        parts += [nn.Conv2d(width, width, 1), nn.ReLU(inplace=True)]
    parts += [_Dilated(width, step) for _ in range(blocks)]
    return nn.Sequential(*parts, nn.Conv2d(width, width, 1), nn.ReLU(inplace=True))


class DBSN(nn.Module):
    """Two branches of dilated convolutions after a centre-masked one, then 1x1 convolutions.

    A masked convolution of side 2s - 1 hides the middle pixel; the dilated ones after it step by s, and no
    number of such steps leads back to the middle. So the output at a pixel does not depend on that pixel.

    Args:
        inputs: channels of the picture.
        outputs: channels of the result.
        width: channels inside.
        blocks: dilated blocks per branch.

    Source: Wu and others, ECCV 2020, in the light form of Lee, Son, Lee, "AP-BSN", CVPR 2022.

    >>> sum(p.numel() for p in DBSN(3, 3).parameters())
    3656131
    """

    def __init__(self, inputs: int, outputs: int, *, width: int = 128, blocks: int = 9) -> None:
        super().__init__()
        checks.in_range("width", width, 2)
        checks.in_range("blocks", blocks, 0)
        self.head = nn.Sequential(nn.Conv2d(inputs, width, 1), nn.ReLU(inplace=True))
        self.branches = nn.ModuleList(_branch(width, step, blocks) for step in (2, 3))
        half = width // 2
        self.tail = nn.Sequential(
            nn.Conv2d(2 * width, width, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, half, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, outputs, 1),
        )
        # He's weights: with PyTorch's own the signal dies out over so many layers.
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(cast(Tensor, module.bias))
        for module in self.modules():
            if isinstance(module, _Dilated):
                module.last.weight.data.mul_(0.1)

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, H, W) of any size to (B, outputs, H, W)."""
        features = self.head(image)
        return cast(Tensor, self.tail(torch.cat([branch(features) for branch in self.branches], dim=1)))


def small(inputs: int, outputs: int) -> DBSN:
    """A DBSN for two cores: 24 channels, four blocks per branch.

    >>> sum(p.numel() for p in small(3, 3).parameters())
    71463
    """
    return DBSN(inputs, outputs, width=24, blocks=4)
