"""The hourglass of Deep Image Prior, with the forms that its authors and others give it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from pellucid import checks
from pellucid.networks.padding import with_any_size


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect")


def _block(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        _conv(inputs, outputs, kernel, stride), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)
    )


def _pooled(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """The same as a block of stride 2, with a mean over 2 x 2 pixels in place of the stride."""
    convolution, *rest = _block(inputs, outputs, kernel)
    return nn.Sequential(convolution, nn.AvgPool2d(2), *rest)


class _Level(nn.Module):
    """One scale: a thin branch at this size, beside everything below at half of it."""

    def __init__(
        self,
        inputs: int,
        width: int,
        skip: int,
        below: nn.Module,
        below_width: int,
        upsample: str,
        kernel: int,
        pointwise: bool,
        pool: bool,
    ) -> None:
        super().__init__()
        halve = _pooled(inputs, width, kernel) if pool else _block(inputs, width, kernel, stride=2)
        self.down = nn.Sequential(halve, _block(width, width, kernel))
        self.below = below
        self.enlarge = nn.Upsample(
            scale_factor=2, mode=upsample, align_corners=False if upsample == "bilinear" else None
        )
        self.skip = _block(inputs, skip, 1) if skip else None
        self.norm = nn.BatchNorm2d(skip + below_width)
        last = [_block(width, width, 1)] if pointwise else []
        self.merge = nn.Sequential(_block(skip + below_width, width, 3), *last)

    def forward(self, features: Tensor) -> Tensor:
        deeper = self.enlarge(self.below(self.down(features)))
        if self.skip is not None:
            deeper = torch.cat([self.skip(features), deeper], dim=1)
        return cast(Tensor, self.merge(self.norm(deeper)))


class Skip(nn.Module):
    """The encoder-decoder of Deep Image Prior, with thin skip connections.

    At each scale: 3x3 convolution of stride 2, 3x3 convolution, what lies below, bilinear enlargement, joined
    with a 1x1 skip branch, normalised, 3x3 and 1x1 convolutions; each convolution is followed by batch
    normalisation and a leaky ReLU of slope 0.2. Borders are reflected. Last comes a 1x1 convolution and a
    sigmoid. Batch normalisation stays in training mode: the statistics are those of the one image.

    Any image size is taken: it is padded by reflection to a multiple of ``2 ** scales`` and cropped back.

    Args:
        inputs: channels of the code.
        outputs: channels of the picture.
        widths: channels per scale, finest first.
        skips: channels of the skip branch per scale; 0 for none.
        upsample: "bilinear", or "nearest", which fits detail (and noise) faster; one for all scales, or one
            per scale.
        kernel: side of the encoder's convolutions, odd.
        pointwise: whether a 1x1 convolution follows the 3x3 one on the way up.
        pool: whether to halve by a mean over 2 x 2 pixels instead of a stride.

    Raises:
        ValueError: when the lists are empty or differ in length, or an argument is out of range.

    Source: Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", IJCV 2020, figure 21.

    >>> sum(p.numel() for p in Skip(32, 3).parameters())
    2217831
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        widths: Sequence[int] = (128,) * 5,
        skips: Sequence[int] = (4,) * 5,
        upsample: str | Sequence[str] = "bilinear",
        kernel: int = 3,
        pointwise: bool = True,
        pool: bool = False,
    ) -> None:
        super().__init__()
        if not widths or len(widths) != len(skips):
            raise ValueError(
                f"widths and skips must have one entry per scale, got {len(widths)} and {len(skips)}. "
                "Give both the same length."
            )
        enlarge = (upsample,) * len(widths) if isinstance(upsample, str) else tuple(upsample)
        if len(enlarge) != len(widths):
            raise ValueError(
                f"upsample must be one word or one per scale, got {len(enlarge)} for {len(widths)} scales. "
                "Give both the same length."
            )
        for word in enlarge:
            checks.one_of("upsample", word, ["bilinear", "nearest"])
        self.multiple: int = 2 ** len(widths)
        body: nn.Module = nn.Identity()
        below_width = widths[-1]
        for scale in reversed(range(len(widths))):
            above = widths[scale - 1] if scale else inputs
            body = _Level(
                above, widths[scale], skips[scale], body, below_width, enlarge[scale], kernel, pointwise, pool
            )
            below_width = widths[scale]
        self.body = nn.Sequential(body, _conv(widths[0], outputs, 1), nn.Sigmoid())

    def forward(self, code: Tensor) -> Tensor:
        """The picture (B, outputs, H, W) in (0, 1) that the code (B, inputs, H, W) leads to."""
        return with_any_size(self.body, code, self.multiple)


def snail(inputs: int, outputs: int) -> Skip:
    """The small network that the authors use against JPEG artefacts (their snail picture).

    >>> sum(p.numel() for p in snail(3, 3).parameters())
    572827
    """
    return Skip(inputs, outputs, widths=(8, 16, 32, 64, 128), skips=(0, 0, 0, 4, 4))


def kate(inputs: int, outputs: int) -> Skip:
    """The network that the authors use to fill small holes (their picture of Kate).

    >>> sum(p.numel() for p in kate(32, 3).parameters())
    3002627
    """
    return Skip(inputs, outputs, skips=(128,) * 5, upsample="nearest")


def vase(inputs: int, outputs: int) -> Skip:
    """The network that the authors use to fill one large hole (their vase): nothing passes beside the waist.

    >>> Skip(2, 3, skips=(0,) * 5)(__import__("torch").zeros(1, 2, 64, 64)).shape
    torch.Size([1, 3, 64, 64])
    """
    return Skip(inputs, outputs, skips=(0,) * 5, upsample="nearest")


def library(inputs: int, outputs: int) -> Skip:
    """The network that the authors use for a large hole amid fine structure (their library): six scales.

    >>> library(1, 3).multiple
    64
    """
    return Skip(
        inputs, outputs, widths=(16, 32, 64, 128, 128, 128), skips=(0,) * 6, upsample="nearest", kernel=5,
        pointwise=False,
    )  # fmt: skip


def sparse(inputs: int, outputs: int) -> Skip:
    """The network that the authors use where 98 % of the pixels are missing."""
    return Skip(inputs, outputs, widths=(16, 32, 64, 128, 128), skips=(0,) * 5, pool=True)


def flash(inputs: int, outputs: int) -> Skip:
    """The network that the authors use to carry the light of one photograph to the detail of another."""
    return Skip(inputs, outputs, upsample=("nearest", "nearest", "bilinear", "bilinear", "bilinear"))
