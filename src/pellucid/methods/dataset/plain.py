"""What most trained methods share: one network from the table, which gives the picture at once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pellucid import networks
from pellucid.learning import TrainingConfig, apply
from pellucid.networks.padding import mirrored
from pellucid.noise.report import NoiseReport
from pellucid.noise.sigma_map import sigma_map


def build(config: TrainingConfig, channels: int) -> nn.Module:
    """The network that the configuration names, as many channels out as in."""
    return networks.builder(config.network)(channels, channels)


def required(name: str, value: Tensor | None, advice: str) -> Tensor:
    """A part of a batch that a method cannot do without.

    >>> required("other", None, "Train on pairs.")
    Traceback (most recent call last):
    ...
    ValueError: the batch must hold other (B, C, H, W), got none. Train on pairs.
    """
    if value is None:
        raise ValueError(f"the batch must hold {name} (B, C, H, W), got none. {advice}")
    return value


def bordered(image: Tensor, width: int) -> Tensor:
    """(B, C, H, W) with a border of mirrored pixels on all sides, however small the picture is.

    >>> bordered(torch.tensor([[1.0, 2.0, 3.0]]).view(1, 1, 1, 3), 1)[0, 0, 1].tolist()
    [2.0, 1.0, 2.0, 3.0, 2.0]
    """
    rows, columns = (mirrored(side, side + 2 * width).to(image.device) for side in image.shape[-2:])
    return image.index_select(-2, rows).index_select(-1, columns)


def predict(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Any,
    *,
    generator: torch.Generator,
) -> Tensor:
    """The network applied to the picture, told the level where it asks for one; nothing is drawn."""
    with torch.no_grad():
        return apply(network, noisy, sigma_map(noisy, noise))
