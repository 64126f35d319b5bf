"""Restormer: four levels of Transformer blocks whose attention compares channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from pellucid import checks
from pellucid.networks.restormer import TransformerBlock


class Restormer(nn.Module):
    """An encoder and a decoder of four levels; what it gives is added to the picture.

    From level to level a 3x3 convolution halves the channels and 2x2 pixels become channels of one place; on
    the way back the other way round. What the encoder had is joined to what comes up, and brought to half its
    channels by a 1x1 convolution, but at the full size, where all channels stay.

    Args:
        channels: of the picture.
        width: channels of the features at full size; twice as many at each further level.
        blocks: Transformer blocks of each level, on both ways.
        refinement: blocks at full size at the end.
        heads: of the attention of each level.
        expansion: hidden channels of the feed-forward parts over the width.
        centred: take the mean off in the layer normalisation, and add a bias; not in the networks for noise.

    Source: Zamir et al., "Restormer", CVPR 2022.

    >>> small = Restormer(1, width=8, blocks=(1, 1, 1, 1), refinement=1)
    >>> small(torch.zeros(1, 1, 8, 16)).shape
    torch.Size([1, 1, 8, 16])
    """

    multiple = 8

    def __init__(
        self,
        channels: int,
        *,
        width: int = 48,
        blocks: Sequence[int] = (4, 6, 6, 8),
        refinement: int = 4,
        heads: Sequence[int] = (1, 2, 4, 8),
        expansion: float = 2.66,
        centred: bool = False,
    ) -> None:
        super().__init__()
        for name, value in (("blocks", blocks), ("heads", heads)):
            if len(value) != 4:
                raise ValueError(f"{name} must be four numbers, one per level, got {tuple(value)}.")
        checks.in_range("width", width, 1)
        self.channels = channels

        def level(number: int, factor: int, depth: int) -> nn.Sequential:
            made = (
                TransformerBlock(factor * width, heads=heads[number], expansion=expansion, centred=centred)
                for _ in range(depth)
            )
            return nn.Sequential(*made)

        def three(inputs: int, outputs: int) -> nn.Conv2d:
            return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)

        self.first = three(channels, width)
        self.encoder = nn.ModuleList(level(i, 2**i, blocks[i]) for i in range(4))
        self.down = nn.ModuleList(three(2**i * width, 2**i * width // 2) for i in range(3))
        self.up = nn.ModuleList(three(2 ** (i + 1) * width, 2 ** (i + 2) * width) for i in range(3))
        self.join = nn.ModuleList(
            nn.Conv2d(2 ** (i + 1) * width, 2**i * width, 1, bias=False) for i in (1, 2)
        )
        self.decoder = nn.ModuleList(level(i, max(2, 2**i), blocks[i]) for i in range(3))
        self.refinement = level(0, 2, refinement)
        self.last = three(2 * width, channels)

    def forward(self, noisy: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape; H and W are multiples of 8."""
        features: Tensor = self.first(noisy)
        passed: list[Tensor] = []
        for number, blocks in enumerate(self.encoder):
            features = blocks(features)
            if number < 3:
                passed.append(features)
                features = nn.functional.pixel_unshuffle(self.down[number](features), 2)
        for number in (2, 1, 0):
            above = nn.functional.pixel_shuffle(self.up[number](features), 2)
            features = torch.cat([above, passed.pop()], 1)
            if number:
                features = self.join[number - 1](features)
            features = self.decoder[number](features)
        return cast(Tensor, self.last(self.refinement(features)) + noisy)
