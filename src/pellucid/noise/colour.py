"""Colours in other terms: linear light, and one bright plane with small differences."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def matrix(channels: int, *, color: bool) -> Tensor:
    """The (C, C) orthonormal transform of channels: DCT-II for colours, else identity.

    For three channels its rows are (1, 1, 1)/sqrt 3, (1, 0, -1)/sqrt 2 and (1, -2, 1)/sqrt 6, opponent
    colours. A filter without a colour model gains 1 to 2 dB in them. Channels that are no display colours may
    show unlike things and stay apart.

    >>> m = matrix(3, color=True)
    >>> bool(torch.allclose(m @ m.T, torch.eye(3), atol=1e-6))
    True
    """
    if not color or channels == 1:
        return torch.eye(channels)
    k, c = torch.arange(channels).view(-1, 1), torch.arange(channels)
    rows = torch.cos(math.pi * (c + 0.5) * k / channels) * math.sqrt(2 / channels)
    rows[0] = 1 / math.sqrt(channels)
    return rows


def to_light(picture: Tensor) -> Tensor:
    """Linear light in [0, 1] of sRGB values, which are cut to [0, 1]; IEC 61966-2-1.

    >>> to_light(torch.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.2140, 1.0000])
    """
    x = picture.clamp(0, 1)
    return torch.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def to_display(light: Tensor) -> Tensor:
    """The sRGB values of linear light, which is cut to [0, 1].

    >>> to_display(torch.tensor([0.0, 0.2140, 1.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    linear = light.clamp(0, 1)
    return torch.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-9) ** (1 / 2.4) - 0.055
    )
