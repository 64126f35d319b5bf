"""The Transformer block against its formulas written with NumPy, and counted by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.special import erf

from pellucid.networks.restormer import ChannelAttention, ChannelNorm, GatedFeedForward, SingleScale

DRAWS = torch.Generator().manual_seed(0)


def centre_only(convolution: torch.nn.Conv2d) -> np.ndarray:
    """Make a depthwise 3x3 convolution look at its own pixel alone; returns its factors (C, 1)."""
    with torch.no_grad():
        middle = convolution.weight[:, :, 1, 1].clone()
        convolution.weight.zero_()
        convolution.weight[:, :, 1, 1] = middle
    return middle.numpy()


def matrix(convolution: torch.nn.Conv2d) -> np.ndarray:
    return convolution.weight.detach().numpy()[:, :, 0, 0]


def test_norm_is_over_channels_and_keeps_the_mean() -> None:
    x = torch.randn(1, 6, 3, 4, generator=DRAWS)
    expected = x.numpy() / np.sqrt(x.numpy().var(axis=1, keepdims=True) + 1e-5)
    assert np.allclose(ChannelNorm(6)(x).detach().numpy(), expected, atol=1e-5)


def test_attention_compares_channels() -> None:
    torch.manual_seed(0)
    module = ChannelAttention(4, heads=2)
    torch.nn.init.constant_(module.temperature, 1.7)
    scale = centre_only(module.around)
    x = torch.randn(1, 4, 3, 5, generator=DRAWS)
    features = scale * (matrix(module.mix) @ x.numpy()[0].reshape(4, 15))
    q, k, v = (part.reshape(2, 2, 15) for part in np.split(features, 3))
    mixed = []
    for query, key, value in zip(q, k, v, strict=True):
        query, key = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (query, key))
        weight = np.exp(1.7 * query @ key.T)
        mixed.append(weight / weight.sum(axis=1, keepdims=True) @ value)
    expected = matrix(module.out) @ np.concatenate(mixed)
    assert np.allclose(module(x).detach().numpy()[0].reshape(4, 15), expected, atol=1e-5)


def test_feed_forward_is_gated() -> None:
    torch.manual_seed(0)
    module = GatedFeedForward(3, 2.66)
    scale = centre_only(module.around)
    assert module.out.in_channels == 7  # int(2.66 * 3)
    x = torch.randn(1, 3, 2, 4, generator=DRAWS)
    gate, passed = np.split(scale * (matrix(module.mix) @ x.numpy()[0].reshape(3, 8)), 2)
    expected = matrix(module.out) @ (gate * 0.5 * (1 + erf(gate / math.sqrt(2))) * passed)
    assert np.allclose(module(x).detach().numpy()[0].reshape(3, 8), expected, atol=1e-5)


def test_parameters_counted_by_hand() -> None:
    c, hidden = 48, int(2.66 * 48)
    attention = 2 + c * 3 * c + 3 * c * 9 + c * c
    forward = c * 2 * hidden + 2 * hidden * 9 + hidden * c
    expected = 6 * c * 9 + 2 * (2 * c + attention + forward) + c * 3 * 9
    assert sum(p.numel() for p in SingleScale(6, 3).parameters()) == expected


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 7), (16, 12)])
@pytest.mark.parametrize("fold", [1, 2, 4])
def test_any_size(size: tuple[int, int], fold: int) -> None:
    picture = SingleScale(4, 2, width=8, fold=fold)(torch.rand(1, 4, *size))
    assert picture.shape == (1, 2, *size)
    assert bool(torch.isfinite(picture).all())


def test_width_must_hold_the_heads() -> None:
    with pytest.raises(ValueError, match=r"width must be a multiple of heads=3, got 16"):
        SingleScale(6, 3, width=16, heads=3)
