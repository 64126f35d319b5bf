"""DAGL: patches of features are joined to those that look alike, to as many as each wants.

The names of its parts are those of the authors' files, so that these are taken as they are.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import fold, pad, relu, unfold

SIDE, STRIDE = 7, 4
"""of the patches that ask, pixels, and how far these are apart"""
SHARP = 10.0
"""what scores are multiplied by before they become shares"""
AT_ONCE = 2**24
"""scores that are held at a time, 64 MB; each patch that asks has one for every pixel"""


def _three(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class Block(nn.Module):
    """x + a 3x3 convolution, PReLU and another 3x3 convolution of x."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_three(features, features), nn.PReLU(), _three(features, features))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return cast(Tensor, features + self.body(features))


def shares(scores: Tensor, threshold: Tensor, bias: Tensor) -> Tensor:
    """What each of many patches gives to one that asks: a softmax over those above its own threshold.

        m_ij = relu(s_ij - t_i mean_j(s_ij) + b_i),   a_ij = [m_ij > 0] softmax_j(10 s_ij m_ij)

    The softmax runs over all j; those that are not above get nothing of what it gave them.

    Args:
        scores: s (Q, K).
        threshold: t (Q,).
        bias: b (Q,).

    Source: Mou, Zhang, Wu, ICCV 2021; what is multiplied, and when, as in the authors' code.

    >>> shares(torch.tensor([[1.0, 1.0, -5.0]]), torch.tensor([0.0]), torch.tensor([0.0]))
    tensor([[0.5000, 0.5000, 0.0000]])
    """
    above = relu(scores - threshold[:, None] * scores.mean(1, keepdim=True) + bias[:, None])
    return (SHARP * scores * above).softmax(dim=1) * (above > 0)


class Head(nn.Module):
    """One head of the graph attention: every fourth patch takes from the patches at all pixels.

    Patches of g(x) are brought to a quarter of their numbers by a layer and compared; shares of patches of
    theta(x) are put back where the asking ones lie and averaged where these overlap.

    Args:
        features: channels of what it is given.
        inner: channels of what it gives.

    Source: Mou, Zhang, Wu, "Dynamic attentive graph learning for image restoration", ICCV 2021.
    """

    def __init__(self, features: int, inner: int) -> None:
        super().__init__()
        self.inner = inner
        self.g = _three(features, inner)
        self.W = nn.Conv2d(inner, features, 1)  # in the authors' files, and of no use
        self.theta = nn.Conv2d(features, inner, 1)
        long = SIDE**2 * inner
        self.fc1 = nn.Sequential(nn.Linear(long, long // 4), nn.ReLU())
        self.fc2 = nn.Sequential(nn.Linear(long, long // 4), nn.ReLU())
        self.thr_conv = nn.Conv2d(features, 1, SIDE, stride=STRIDE)
        self.bias_conv = nn.Conv2d(features, 1, SIDE, stride=STRIDE)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, inner, H, W)."""
        return torch.cat([self._of_one(one) for one in features.unbind()])

    def _of_one(self, features: Tensor) -> Tensor:
        features = features[None]
        size = (features.shape[-2], features.shape[-1])
        spread = _spread(features)
        threshold, bias = self.thr_conv(spread).flatten(), self.bias_conv(spread).flatten()
        looked = self.g(features)
        asking = self.fc1(unfold(_spread(looked), SIDE, stride=STRIDE)[0].T)
        asked = self.fc2(unfold(looked, SIDE, padding=SIDE // 2)[0].T).T
        given = unfold(self.theta(features), SIDE, padding=SIDE // 2)[0].T
        count = max(1, AT_ONCE // asked.shape[1])
        taken = [
            shares(some @ asked, t, b) @ given
            for some, t, b in zip(asking.split(count), threshold.split(count), bias.split(count), strict=True)
        ]
        patches = torch.cat(taken).T[None]
        ones = unfold(features.new_ones(1, 1, *size), SIDE, padding=SIDE // 2, stride=STRIDE)
        laid, often = (
            fold(values, size, SIDE, padding=SIDE // 2, stride=STRIDE) for values in (patches, ones)
        )
        return laid / often.clamp_min(1)


def _spread(features: Tensor) -> Tensor:
    """Zeros around, so that patches `STRIDE` apart are as many as a `STRIDE`-th of the pixels, rounded up."""
    around: list[int] = []
    for size in (features.shape[-1], features.shape[-2]):
        more = max(0, (-(-size // STRIDE) - 1) * STRIDE + SIDE - size)
        around += [more // 2, more - more // 2]
    return pad(features, around)


class Graph(nn.Module):
    """Three stages of four heads each, with four blocks between them."""

    def __init__(self, features: int, inner: int, blocks: int) -> None:
        super().__init__()
        for stage in (1, 2, 3):
            for head in (1, 2, 3, 4):
                self.add_module(f"c{stage}_{head}", Head(features, inner))
            self.add_module(f"c{stage}_c", nn.Conv2d(4 * inner, features, 1))
        self.RBS1 = nn.Sequential(*(Block(features) for _ in range(blocks)))
        self.RBS2 = nn.Sequential(*(Block(features) for _ in range(blocks)))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        features = self.RBS1(self._stage(1, features))
        features = self.RBS2(self._stage(2, features))
        return self._stage(3, features)

    def _stage(self, stage: int, features: Tensor) -> Tensor:
        heads = [self.get_submodule(f"c{stage}_{head}")(features) for head in (1, 2, 3, 4)]
        return cast(Tensor, self.get_submodule(f"c{stage}_c")(torch.cat(heads, 1)) + features)


class DAGL(nn.Module):
    """Residual blocks around a graph attention; what they give is added to the picture.

    Args:
        channels: of the picture.
        features: channels inside, four times a whole number.
        blocks: residual blocks, half of them on each side of the graph.

    Source: Mou, Zhang, Wu, "Dynamic attentive graph learning for image restoration", ICCV 2021.

    >>> DAGL(1, features=8, blocks=2)(torch.zeros(1, 1, 9, 11)).shape
    torch.Size([1, 1, 9, 11])
    """

    def __init__(self, channels: int, *, features: int = 64, blocks: int = 16) -> None:
        super().__init__()
        self.channels = channels
        half = blocks // 2
        before, after = ([Block(features) for _ in range(half)] for _ in range(2))
        graph = Graph(features, features // 4, 4)
        self.head = nn.Sequential(_three(channels, features))
        self.body = nn.Sequential(*before, graph, *after, _three(features, features))
        self.tail = nn.Sequential(_three(features, channels))

    def forward(self, noisy: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape, any size."""
        return cast(Tensor, noisy + self.tail(self.body(self.head(noisy))))
