"""Swift: a small denoiser made for two cores, told the noise level at every pixel."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle, relu

from pellucid import checks
from pellucid.networks.padding import with_any_size


class _Block(nn.Module):
    """Two convolutions with a ReLU between, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        # The sum of many blocks starts small, so that no normalisation is needed.
        nn.init.kaiming_normal_(self.first.weight)
        nn.init.kaiming_normal_(self.second.weight)
        self.second.weight.data.mul_(0.1)

    def forward(self, features: Tensor) -> Tensor:
        return features + cast(Tensor, self.second(relu(self.first(features), inplace=True)))


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(width) for _ in range(count)))


class Swift(nn.Module):
    """Residual blocks at a half, a quarter and an eighth of the size; the noise they find is taken off.

    The picture goes in as its four phases of 2 x 2, with the level beside it. There is no bias and no
    normalisation, and ReLU is the only bend, so that the network keeps factors,

        f(a y, a sigma) = a f(y, sigma)   for every a > 0,

    and what it learnt at one level holds at others.

    Args:
        inputs: channels of the picture.
        outputs: as many.
        widths: channels at each size, the finest first.
        blocks: residual blocks at each size; on the way down and again on the way up, at the coarsest once.
        conditioned: whether it must be told the level, forward(noisy, sigma).

    Source: the plan of U-Nets with residual blocks and a level map (Zhang and others, "Plug-and-play image
    restoration with deep denoiser prior", TPAMI 2021); no bias after Mohan and others, "Robust and
    interpretable blind image denoising via bias-free convolutional neural networks", ICLR 2020.

    >>> network = Swift(3, 3)
    >>> network(torch.zeros(1, 3, 5, 7), torch.tensor(0.1).view(1, 1, 1, 1)).shape
    torch.Size([1, 3, 5, 7])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        widths: Sequence[int] = (48, 64, 96),
        blocks: Sequence[int] = (2, 2, 4),
        conditioned: bool = True,
    ) -> None:
        super().__init__()
        if inputs != outputs:
            raise ValueError(f"outputs must be {inputs}, the inputs, for this network; got {outputs}.")
        if len(widths) != len(blocks):
            raise ValueError(f"widths and blocks must be as many, got {len(widths)} and {len(blocks)}.")
        checks.in_range("number of widths", len(widths), 1)
        self.channels, self.conditioned, self.multiple = inputs, conditioned, 2 ** len(widths)
        first = (5 if conditioned else 4) * inputs
        self.head = nn.Conv2d(first, widths[0], 3, padding=1, bias=False)
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(_blocks(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True))
        self.halve = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2, bias=False) for a, b in pairs)
        self.middle = _blocks(widths[-1], blocks[-1])
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2, bias=False) for a, b in pairs)
        self.up = nn.ModuleList(_blocks(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True))
        self.tail = nn.Conv2d(widths[0], 4 * inputs, 3, padding=1, bias=False)
        nn.init.zeros_(self.tail.weight)

    def forward(self, noisy: Tensor, sigma: Tensor | None = None) -> Tensor:
        """The denoised (B, C, H, W), any size.

        Args:
            noisy: (B, C, H, W).
            sigma: standard deviation of the noise, anything that broadcasts to the shape of noisy.

        Raises:
            ValueError: when it must be told the level, and is not.
        """
        if not self.conditioned:
            return with_any_size(self._hourglass, noisy, self.multiple)
        if sigma is None:
            raise ValueError("Swift must be told the level, got none. Give sigma, or build swift-blind.")
        # The map is padded together with the picture.
        both = torch.cat([noisy, sigma.expand_as(noisy)], dim=1)
        return with_any_size(self._hourglass, both, self.multiple)

    def _hourglass(self, both: Tensor) -> Tensor:
        noisy = both[:, : self.channels]
        features = torch.cat([pixel_unshuffle(noisy, 2), both[:, self.channels :, ::2, ::2]], dim=1)
        features = self.head(features)
        skips = []
        for blocks, halve in zip(self.down, self.halve, strict=True):
            features = blocks(features)
            skips.append(features)
            features = halve(features)
        features = self.middle(features)
        for blocks, enlarge in zip(reversed(self.up), reversed(self.enlarge), strict=True):
            features = blocks(enlarge(features) + skips.pop())
        return noisy - pixel_shuffle(self.tail(features), 2)


def sized(name: str) -> Callable[..., nn.Module]:
    """What builds a Swift of widths and blocks that stand in its name, as pruning makes them.

    Raises:
        ValueError: for a name that is not swift[WIDTHS;BLOCKS] or swift-blind[WIDTHS;BLOCKS].

    >>> sum(p.numel() for p in sized("swift[14,29,48;2,2,2]")(3, 3).parameters())
    175394
    """
    found = re.fullmatch(
        r"(swift|swift-blind)\[(\d{1,4}(?:,\d{1,4}){0,7});(\d{1,2}(?:,\d{1,2}){0,7})\]", name
    )
    if found is None:
        raise ValueError(
            f"network must be named like swift[14,29,48;2,2,2] (widths; blocks), got {name[:60]!r}."
        )
    widths, blocks = (tuple(int(n) for n in found[group].split(",")) for group in (2, 3))
    if min(widths) < 1:
        raise ValueError(f"the widths of a network must be 1 or more, got {name[:60]!r}.")
    return partial(Swift, widths=widths, blocks=blocks, conditioned=found[1] == "swift")


def wide(inputs: int, outputs: int) -> Swift:
    """The same network with more channels at a quarter and an eighth of the size, for hours of training.

    It takes 105,000 multiplications per pixel, the plain one 75,000.

    >>> sum(p.numel() for p in wide(3, 3).parameters())
    1922448
    """
    return Swift(inputs, outputs, widths=(48, 96, 160), blocks=(2, 2, 2))


def blind(inputs: int, outputs: int) -> Swift:
    """The same network, which finds the level itself.

    >>> blind(1, 1)(torch.ones(1, 1, 1, 1)).shape
    torch.Size([1, 1, 1, 1])
    """
    return Swift(inputs, outputs, conditioned=False)


def tiny(inputs: int, outputs: int) -> Swift:
    """The smallest useful one, for trainings of minutes on two cores; it finds the level itself.

    >>> sum(p.numel() for p in tiny(3, 3).parameters())
    118080
    """
    return Swift(inputs, outputs, widths=(24, 48), blocks=(1, 2), conditioned=False)
