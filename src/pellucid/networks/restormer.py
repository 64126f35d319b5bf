"""The Transformer block of Restormer, whose attention compares channels and not pixels."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, pixel_shuffle, pixel_unshuffle

from pellucid import checks
from pellucid.networks.padding import with_any_size


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of a pixel, without bias: w x / sqrt(var(x) + eps).

    The mean is taken off inside the variance only, so that the brightness of a feature passes.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.eps = eps

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        variance = features.var(dim=1, correction=0, keepdim=True)
        return features * torch.rsqrt(variance + self.eps) * self.weight


class CentredNorm(ChannelNorm):
    """Layer normalisation over the channels of a pixel: w (x - mean(x)) / sqrt(var(x) + eps) + b."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__(channels, eps)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return super().forward(features - features.mean(dim=1, keepdim=True)) + self.bias


class ChannelAttention(nn.Module):
    """Multi-Dconv head transposed attention (MDTA): a C/h x C/h map per head, linear in the pixels.

    q, k, v come from a 1x1 and a depthwise 3x3 convolution; q and k are normalised along the pixels, and
    softmax(t q k^T) v is mixed by a 1x1 convolution. t is learnt, one per head. No biases.

    Args:
        channels: C.
        heads: h, a divisor of C.

    Source: Zamir et al., "Restormer", CVPR 2022, section 3.1, equation 1.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.mix = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.around = nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, groups=3 * channels, bias=False)
        self.out = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        shape = features.shape
        parts = self.around(self.mix(features)).chunk(3, dim=1)
        query, key, value = (part.reshape(shape[0], self.heads, -1, shape[2] * shape[3]) for part in parts)
        alike = normalize(query, dim=-1) @ normalize(key, dim=-1).transpose(-2, -1)
        attended = (alike * self.temperature).softmax(dim=-1) @ value
        return cast(Tensor, self.out(attended.reshape(shape)))


class GatedFeedForward(nn.Module):
    """Gated-Dconv feed-forward network (GDFN): W0 (gelu(D1 W1 x) * D2 W2 x), W 1x1 and D depthwise 3x3.

    Args:
        channels: C.
        expansion: hidden channels over C.

    Source: Zamir et al., "Restormer", CVPR 2022, section 3.2, equation 2.
    """

    def __init__(self, channels: int, expansion: float) -> None:
        super().__init__()
        hidden = max(1, int(expansion * channels))
        self.mix = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.around = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.out = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        gate, passed = self.around(self.mix(features)).chunk(2, dim=1)
        return cast(Tensor, self.out(gelu(gate) * passed))


class TransformerBlock(nn.Module):
    """x + MDTA(LN(x)), then x + GDFN(LN(x)).

    Args:
        channels: C.
        heads: of the attention.
        expansion: hidden channels of the feed-forward part over C.
        centred: take the mean off in LN, and add a bias.

    >>> block = TransformerBlock(48, heads=1, expansion=2.66)
    >>> block(torch.zeros(1, 48, 5, 7)).shape
    torch.Size([1, 48, 5, 7])
    """

    def __init__(self, channels: int, *, heads: int, expansion: float, centred: bool = False) -> None:
        super().__init__()
        norm = CentredNorm if centred else ChannelNorm
        self.norm_attention = norm(channels)
        self.attention = ChannelAttention(channels, heads)
        self.norm_forward = norm(channels)
        self.feed_forward = GatedFeedForward(channels, expansion)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        features = features + self.attention(self.norm_attention(features))
        return cast(Tensor, features + self.feed_forward(self.norm_forward(features)))


class SingleScale(nn.Module):
    """The backbone of RS-DIP: 3x3 convolution, Transformer blocks at full size, 3x3 convolution.

    Any image size is taken; no feature is made smaller.

    Args:
        inputs: channels of what it is fed.
        outputs: channels of the picture.
        width: channels of the features, a multiple of the heads.
        heads: of the attention.
        expansion: hidden channels of the feed-forward part, over the width.
        blocks: number of Transformer blocks.
        fold: side of the squares of pixels that become channels of one place, so that a step costs the
            fold-squared part of it; 1 is the paper's.

    Raises:
        ValueError: when the width is not a multiple of the heads, or an argument is out of range.

    Source: Xu, Xiong, Zhou, "Deep image prior denoising model using relatively clean image space search",
    JEIT 46(11), 2024, figure 2.

    >>> SingleScale(6, 3, width=16)(torch.zeros(1, 6, 9, 7)).shape
    torch.Size([1, 3, 9, 7])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        width: int = 48,
        heads: int = 2,
        expansion: float = 2.66,
        blocks: int = 2,
        fold: int = 1,
    ) -> None:
        super().__init__()
        checks.in_range("heads", heads, 1)
        checks.in_range("width", width, heads)
        checks.in_range("expansion", expansion, 0, low_open=True)
        checks.in_range("blocks", blocks, 1)
        checks.in_range("fold", fold, 1)
        if width % heads:
            raise ValueError(f"width must be a multiple of heads={heads}, got {width}. Change one of them.")
        self.fold = fold
        self.first = nn.Conv2d(inputs * fold**2, width, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(
            *(TransformerBlock(width, heads=heads, expansion=expansion) for _ in range(blocks))
        )
        self.last = nn.Conv2d(width, outputs * fold**2, 3, padding=1, bias=False)

    def forward(self, code: Tensor) -> Tensor:
        """The picture (B, outputs, H, W), any values, that the code (B, inputs, H, W) leads to."""
        return self._folded(code) if self.fold == 1 else with_any_size(self._folded, code, self.fold)

    def _folded(self, code: Tensor) -> Tensor:
        features = self.blocks(self.first(pixel_unshuffle(code, self.fold)))
        return pixel_shuffle(self.last(features), self.fold)
