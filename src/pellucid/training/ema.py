"""EMA: an exponential moving average of the weights, which is often better than the last ones."""

from __future__ import annotations

import copy

import torch
from torch import nn


class EMA:
    """m = d m + (1 - d) w after every step, with d = min(decay, (1 + n) / (10 + n)) at step n.

    The smaller d of the first steps lets the average forget the weights that it started from. What is no
    weight (the statistics of a normalisation) is copied.

    Args:
        network: whose weights are averaged.
        decay: how slowly the average follows.

    >>> layer = nn.Linear(1, 1)
    >>> ema = EMA(layer, 0.5)
    >>> with torch.no_grad():
    ...     _ = layer.weight.fill_(float(layer.weight) + 1.0)
    >>> ema.update(layer, 1000)
    >>> round((layer.weight - ema.network.weight).item(), 3)
    0.5
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step."""
        decay = min(self.decay, (1 + step) / (10 + step))
        own = [p.detach() for p in self.network.parameters()]
        new = [p.detach() for p in network.parameters()]
        torch._foreach_lerp_(own, new, 1 - decay)
        for mine, theirs in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(theirs)
