"""Channels that share their structure, turned into one bright plane and small differences."""

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
