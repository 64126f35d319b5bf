"""The U-Nets of Self2Self: partial convolutions down, dropout on every convolution up."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu, max_pool2d

from pellucid import checks
from pellucid.networks.padding import mirrored


class PartialConvolution(nn.Module):
    """y = W (m ⊙ x) / share + b, with the share of the pixels under the kernel that are known.

    Missing pixels and what lies beyond the border count alike: they are left out, and the sum is scaled up
    for them. Where nothing is known the result is 0 and stays unknown.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel: side of the kernel, odd.

    Source: Liu et al., "Image Inpainting for Irregular Holes Using Partial Convolutions", ECCV 2018, equation
    1, with the share taken over all channels: a mask may differ from channel to channel.

    >>> import torch
    >>> convolution = PartialConvolution(1, 1)
    >>> _ = nn.init.ones_(convolution.weights.weight)
    >>> out, known = convolution(torch.ones(1, 1, 3, 3), torch.eye(3).view(1, 1, 3, 3))
    >>> out.detach().flatten()  # a constant stays a constant, whatever is missing
    tensor([9., 9., 9., 9., 9., 9., 9., 9., 9.])
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3) -> None:
        super().__init__()
        checks.in_range("kernel", kernel, 1)
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, got {kernel}. Use {kernel + 1}.")
        self.kernel = kernel
        self.weights = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bias = nn.Parameter(self.weights.weight.new_zeros(outputs, 1, 1))

    def forward(self, image: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """The result (B, outputs, H, W), and where something was known (B, 1, H, W).

        Args:
            image: (B, inputs, H, W).
            known: (B, inputs or 1, H, W), 1 or 0; unknown pixels may hold anything finite.
        """
        share = avg_pool2d(known.mean(1, keepdim=True), self.kernel, 1, self.kernel // 2)
        seen = (share > 0).to(image.dtype)
        # Any share is at least one pixel of one channel; the bound only keeps 0 / 0 out.
        sums = self.weights(image * known) / share.clamp_min(1e-6)
        return (sums + self.bias) * seen, seen


SLOPE = 0.1
BLURS = (1.0, 2.0, 4.0)
"""standard deviations of the blurs in pixels, as in the pyramid code of Deep Image Prior"""


def _convolution(inputs: int, outputs: int, *, bias: bool = True) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _active(features: Tensor) -> Tensor:
    return leaky_relu(features, SLOPE, inplace=True)


def dropped(features: Tensor, share: float, draws: torch.Generator) -> Tensor:
    """Dropout with a generator of its own: a share of the values is 0, the others grow to keep the mean.

    >>> out = dropped(torch.ones(1000), 0.25, torch.Generator().manual_seed(0))
    >>> sorted(set(out.tolist())) == [0.0, float(torch.tensor(4 / 3))]
    True
    """
    if share == 0:
        return features
    kept = torch.empty_like(features).bernoulli_(1 - share, generator=draws)
    return features * kept.div_(1 - share)


def fit_to(image: Tensor, multiple: int) -> tuple[Tensor, slice, slice]:
    """(B, C, H, W) mirrored to sides that are multiples, and the rows and columns of what it was."""
    height, width = image.shape[-2:]
    tall, wide = (max(2, -(-side // multiple)) * multiple for side in (height, width))
    rows, columns = mirrored(height, tall).to(image.device), mirrored(width, wide).to(image.device)
    top, left = (tall - height) // 2, (wide - width) // 2
    larger = image.index_select(-2, rows).index_select(-1, columns)
    return larger, slice(top, top + height), slice(left, left + width)


class PartialUNet(nn.Module):
    """The paper's network: six partial convolutions and five poolings down, ten convolutions up.

    Every convolution but the last is followed by a leaky ReLU of slope 0.1. Enlargement repeats pixels;
    skips hold what each pooling gave, the finest the masked picture itself. Dropout acts on the input of
    every convolution on the way up, in training and after it.

    Args:
        inputs: channels of the picture.
        outputs: channels of the result.
        width: channels on the way down; twice that on the way up.
        dropout: fraction of the inputs that is dropped.

    Source: Quan, Chen, Pang, Ji, "Self2Self With Dropout", CVPR 2020, figure 2.

    >>> picture, draws = torch.rand(1, 3, 33, 40), torch.Generator().manual_seed(0)
    >>> PartialUNet(3, 3, width=3)(picture, torch.ones_like(picture), draws).shape
    torch.Size([1, 3, 33, 40])
    """

    multiple = 32

    def __init__(self, inputs: int, outputs: int, *, width: int = 48, dropout: float = 0.3) -> None:
        super().__init__()
        checks.in_range("width", width, 2)
        self.dropout = checks.in_range("dropout", dropout, 0, 1, high_open=True)
        self.first = PartialConvolution(inputs, width)
        self.down = nn.ModuleList(PartialConvolution(width, width) for _ in range(6))
        for layer in (self.first, *self.down):
            nn.init.kaiming_normal_(cast(PartialConvolution, layer).weights.weight, a=SLOPE)
        wide = 2 * width
        before = (2 * width, *(3 * width,) * 3)
        self.up = nn.ModuleList(
            nn.ModuleList([_convolution(a, wide), _convolution(wide, wide)]) for a in before
        )
        last = (wide + inputs, 4 * width // 3, 2 * width // 3, outputs)
        self.last = nn.ModuleList(_convolution(a, b) for a, b in pairwise(last))

    def forward(self, image: Tensor, known: Tensor, draws: torch.Generator) -> Tensor:
        """(B, outputs, H, W) in (0, 1) from (B, inputs, H, W) and where it is known (same shape, 1 or 0)."""
        image, rows, columns = fit_to(image, self.multiple)
        known, _, _ = fit_to(known, self.multiple)
        skips = [image * known]
        features, seen = self.first(image, known)
        features = _active(features)
        for layer in self.down[:-1]:
            features, seen = layer(features, seen)
            features, seen = max_pool2d(_active(features), 2), max_pool2d(seen, 2)
            skips.append(features)
        skips.pop()
        features = _active(self.down[-1](features, seen)[0])
        for pair in self.up:
            features = torch.cat([interpolate(features, scale_factor=2.0), skips.pop()], dim=1)
            for layer in cast(nn.ModuleList, pair):
                features = _active(layer(dropped(features, self.dropout, draws)))
        features = torch.cat([interpolate(features, scale_factor=2.0), skips.pop()], dim=1)
        for layer in self.last[:-1]:
            features = _active(layer(dropped(features, self.dropout, draws)))
        return torch.sigmoid(self.last[-1](dropped(features, self.dropout, draws)))[..., rows, columns]


class QuickUNet(nn.Module):
    """A U-Net for few steps: it starts from a blur of the known pixels, and its layers are normalised.

    The first layer is a partial convolution over the picture and its blurs, each taken over known pixels
    alone, so that what a hidden pixel held reaches nothing. What the network adds to the finest blur is zero
    at first: the fit begins with a smoothed picture instead of grey.

    Args:
        inputs: channels of the picture.
        outputs: channels of the result, as many.
        width: channels of every layer.
        levels: how often the size is halved.
        dropout: fraction of the inputs of the convolutions on the way up that is dropped.

    >>> grey, draws = torch.full((1, 3, 20, 20), 0.5), torch.Generator().manual_seed(0)
    >>> QuickUNet(3, 3)(grey, torch.ones_like(grey), draws).mean().detach()
    tensor(0.5000)
    """

    def __init__(
        self, inputs: int, outputs: int, *, width: int = 32, levels: int = 4, dropout: float = 0.1
    ) -> None:
        super().__init__()
        checks.in_range("width", width, 1)
        checks.in_range("levels", levels, 1)
        self.dropout = checks.in_range("dropout", dropout, 0, 1, high_open=True)
        self.multiple: int = 2**levels
        self.first = PartialConvolution(inputs * (1 + len(BLURS)), width)
        self.down = nn.ModuleList(self._block(width, width) for _ in range(levels + 1))
        self.up = nn.ModuleList(
            nn.ModuleList([self._block(2 * width, width), self._block(width, width)]) for _ in range(levels)
        )
        self.last = nn.Conv2d(width, outputs, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(cast(Tensor, self.last.bias))

    @staticmethod
    def _block(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            _convolution(inputs, outputs, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(SLOPE, inplace=True),
        )

    def forward(self, image: Tensor, known: Tensor, draws: torch.Generator) -> Tensor:
        """(B, outputs, H, W), from (B, inputs, H, W) and where it is known (the same shape, 1 or 0)."""
        image, rows, columns = fit_to(image, self.multiple)
        known, _, _ = fit_to(known, self.multiple)
        smooth = [blurred(image, known, sigma) for sigma in BLURS]
        everywhere = torch.ones_like(known)
        features, _ = self.first(
            torch.cat([image * known, *smooth], dim=1), torch.cat([known, *[everywhere] * len(BLURS)], dim=1)
        )
        features = _active(features)
        skips = []
        for layer in self.down[:-1]:
            skips.append(layer(features))
            features = avg_pool2d(skips[-1], 2)
        features = self.down[-1](features)
        for pair in self.up:
            large = interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)
            features = torch.cat([large, skips.pop()], dim=1)
            for layer in cast(nn.ModuleList, pair):
                features = layer(dropped(features, self.dropout, draws))
        change = self.last(dropped(features, self.dropout, draws))
        result: Tensor = smooth[0].float() + change.float()
        return result[..., rows, columns]


def blurred(image: Tensor, known: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of each channel over its known pixels, cut off at three standard deviations.

    Args:
        image: (B, C, H, W).
        known: the same shape, 1 or 0.
        sigma: in pixels.

    Returns:
        (B, C, H, W); 0 where nothing is known that near.
    """
    reach = int(3 * sigma + 0.5)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image.device) / sigma) ** 2)
    stack = torch.cat([image * known, known], dim=1)
    groups = stack.shape[1]
    kernel = kernel.expand(groups, 1, -1)
    stack = conv2d(stack, kernel[:, :, :, None], padding=(reach, 0), groups=groups)
    stack = conv2d(stack, kernel[:, :, None, :], padding=(0, reach), groups=groups)
    sums, weights = stack.chunk(2, dim=1)
    return sums / weights.clamp_min(1e-6)
