"""What the loss of a fit to one image is made of: L2, L1, both, and a perceptual term."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pellucid import checks
from pellucid.losses import mean_absolute, mean_square

LOSSES = ("l2", "l1", "l1+l2")
Distance = Callable[[Tensor, Tensor, Tensor | None], Tensor]


def distance(kind: str) -> Distance:
    """The distance of (output, target, weight) called `kind`: mean square, mean absolute, or their sum.

    >>> one, three = torch.ones(1, 2, 2), torch.full((1, 2, 2), 3.0)
    >>> [float(distance(kind)(one, three, None)) for kind in LOSSES]
    [4.0, 2.0, 6.0]
    """
    checks.one_of("loss", kind, LOSSES)
    if kind == "l2":
        return mean_square
    if kind == "l1":
        return mean_absolute
    return lambda output, target, weight: (
        mean_absolute(output, target, weight) + mean_square(output, target, weight)
    )


def alike(features: nn.Module, target: Tensor) -> Callable[[Tensor], Tensor]:
    """MSE(phi(x), phi(target)) as a function of x, phi(target) being computed once.

    Args:
        features: phi, frozen, from (1, C, H, W).
        target: (C, H, W).

    Source: Johnson, Alahi, Fei-Fei, "Perceptual Losses for Real-Time Style Transfer", ECCV 2016, equation 2.

    >>> float(alike(nn.Identity(), torch.zeros(1, 2, 2))(torch.full((1, 2, 2), 0.5)))
    0.25
    """
    with torch.no_grad():
        wanted = features(target[None])
    return lambda output: mean_square(features(output[None]), wanted).mean()
