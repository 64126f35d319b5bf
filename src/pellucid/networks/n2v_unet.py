"""The U-Net of Noise2Void, and that of N2V2 without its checkerboards."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, max_pool2d, pad

from pellucid import checks
from pellucid.networks.padding import with_any_size


def blurred_pool(features: Tensor) -> Tensor:
    """Largest of 2 x 2 pixels at full size, then the binomial filter (1, 2, 1) x (1, 2, 1) / 16, then half.

    Halving without a low pass, as the usual pooling does, turns fine patterns into coarse ones.

    Args:
        features: (B, C, H, W), H and W even.

    Returns:
        (B, C, H / 2, W / 2).

    Source: Zhang, "Making convolutional networks shift-invariant again", ICML 2019.

    >>> blurred_pool(torch.ones(1, 1, 4, 4)).flatten()
    tensor([1., 1., 1., 1.])
    """
    largest = max_pool2d(pad(features, (0, 1, 0, 1), mode="replicate"), 2, stride=1)
    line = torch.tensor([0.25, 0.5, 0.25], dtype=features.dtype, device=features.device)
    kernel = (line[:, None] * line).expand(features.shape[1], 1, 3, 3)
    bordered = pad(largest, (1, 1, 1, 1), mode="reflect")
    return conv2d(bordered, kernel, stride=2, groups=features.shape[1])


class N2VUNet(nn.Module):
    """Two normalised convolutions per size, down and up, enlarged by repetition; a 1x1 convolution last.

    Args:
        inputs: channels of the picture.
        outputs: channels of the result.
        width: channels at full size; twice as many at each size below.
        levels: how often the size is halved.
        kernel: side of the convolutions.
        blur_pool: halve by `blurred_pool` instead of plain pooling.
        top_skip: whether the finest features are handed across.

    Source: Krull, Buchholz, Jug, "Noise2Void", CVPR 2019, and its authors' code.

    >>> N2VUNet(1, 1, width=4)(torch.zeros(1, 1, 5, 9)).shape
    torch.Size([1, 1, 5, 9])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 32,
        levels: int = 2,
        kernel: int = 3,
        blur_pool: bool = False,
        top_skip: bool = True,
    ) -> None:
        super().__init__()
        checks.in_range("levels", levels, 1)
        self.multiple, self.blur_pool, self.top_skip = 2**levels, blur_pool, top_skip

        def block(*sizes: int) -> nn.Sequential:
            parts: list[nn.Module] = []
            for a, b in pairwise(sizes):
                # The normalisation takes a bias away again.
                parts += [nn.Conv2d(a, b, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(b)]
                parts += [nn.ReLU(inplace=True)]
            return nn.Sequential(*parts)

        widths = [width * 2**level for level in range(levels)]
        above = [inputs, *widths[:-1]]
        self.down = nn.ModuleList(block(a, w, w) for a, w in zip(above, widths, strict=True))
        self.middle = block(widths[-1], 2 * widths[-1], widths[-1])
        self.up = nn.ModuleList()
        for level in reversed(range(levels)):
            joined = widths[level] * (2 if level or top_skip else 1)
            self.up.append(block(joined, widths[level], widths[max(0, level - 1)]))
        self.last = nn.Conv2d(width, outputs, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(cast(Tensor, self.last.bias))

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, H, W) of any size to (B, outputs, H, W)."""
        return with_any_size(self._hourglass, image, self.multiple)

    def _hourglass(self, features: Tensor) -> Tensor:
        skips = []
        for layer in self.down:
            features = layer(features)
            skips.append(features)
            features = blurred_pool(features) if self.blur_pool else max_pool2d(features, 2)
        features = self.middle(features)
        for layer in self.up:
            features, skip = interpolate(features, scale_factor=2.0), skips.pop()
            if skips or self.top_skip:
                features = torch.cat([features, skip], dim=1)
            features = layer(features)
        return cast(Tensor, self.last(features))


def n2v2(inputs: int, outputs: int, *, width: int = 32) -> N2VUNet:
    """The network of N2V2: blurred pooling, and no skip at full size.

    Source: Höck and others, "N2V2: Fixing Noise2Void Checkerboard Artifacts", ECCV workshops 2022.

    >>> n2v2(1, 1, width=4).top_skip
    False
    """
    return N2VUNet(inputs, outputs, width=width, blur_pool=True, top_skip=False)


def small(inputs: int, outputs: int) -> N2VUNet:
    """That of N2V2 for two cores: 12 channels.

    >>> sum(p.numel() for p in small(3, 3).parameters())
    46131
    """
    return n2v2(inputs, outputs, width=12)
