"""Channels that share their structure, turned into one bright one and small differences."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport


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


def levels(noise: NoiseReport, transform: Tensor) -> Tensor:
    """(C,) standard deviation of the noise in each transformed channel.

    >>> levels(NoiseReport.white(0.1, 3), matrix(3, color=True))
    tensor([0.1000, 0.1000, 0.1000])
    """
    covariance = torch.from_numpy(noise.covariance).to(transform)
    return (transform @ covariance @ transform.T).diagonal().clamp(min=0).sqrt()


def mix(transform: Tensor, image: Tensor) -> Tensor:
    """The (C, C) transform on the channels of (C, H, W)."""
    return torch.einsum("kc,chw->khw", transform.to(image), image)
