"""Channels that share their structure, turned into one bright one and small differences."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid.noise.colour import matrix
from pellucid.noise.report import NoiseReport

__all__ = ["levels", "matrix", "mix"]


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
