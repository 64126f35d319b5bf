"""The equations of IDDP, by their numbers in the paper: pure functions of pictures and figures."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from pellucid.methods.dataset.plain import bordered
from pellucid.noise.level import detail

MATCHED = (0.5, 4.0)
"""bounds of the factor that makes removed noise as strong as that of the picture"""


def averaged(image: Tensor, side: int) -> Tensor:
    """y_blur of equation 10: the mean of `side` x `side` pixels around each, mirrored at the border.

    >>> averaged(torch.tensor([[0.0, 3.0, 0.0]]).view(1, 1, 1, 3), 3).flatten()
    tensor([2., 1., 2.])
    """
    return avg_pool2d(bordered(image, side // 2), side, 1)


def signs(like: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """M of equation 7: 1 with probability p and -1 otherwise, drawn for every value.

    >>> sorted(set(signs(torch.zeros(100), 0.5, torch.Generator().manual_seed(0)).tolist()))
    [-1.0, 1.0]
    """
    draws = torch.rand(like.shape, generator=generator, device=generator.device)
    return torch.where(draws < p, 1.0, -1.0).to(like)


def fineness(image: Tensor) -> Tensor:
    """Strength of the noise in (B, C, H, W): the median of |diagonal Haar detail| as a standard deviation.

    One value per picture. Source: Donoho, Johnstone, "Ideal spatial adaptation by wavelet shrinkage", 1994.
    """
    return detail(image)[..., ::2, ::2].abs().flatten(1).median(1).values.view(-1, 1, 1, 1) / 0.6745


def matched(prior: Tensor, removed: Tensor) -> Tensor:
    """n^ times a factor that makes its noise as strong as that of y = F(y) + n^; ours, not the paper's."""
    strength = fineness(prior + removed) / fineness(removed).clamp_min(1e-6)
    return removed * strength.clamp(*MATCHED)


def resigned(removed: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """n2 = m * n^, equation 7.

    Args:
        removed: n^ = y - F(y), (B, C, H, W).
        p: probability that a sign is kept.
        generator: draws m.
    """
    return signs(removed, p, generator) * removed


def fidelity(prior: Tensor, towards: Tensor) -> Tensor:
    """|F(y) - y|² of equations 6 and 9, or |F(y) - y_blur|² of 10 and 11, as a mean over values."""
    return (prior - towards).square().mean()


def consistency(again: Tensor, target: Tensor) -> Tensor:
    """|F(y2) - F(y)|² of equations 6, 9, 10, 11 and 17, as a mean over values."""
    return (again - target).square().mean()


def total(fidelity: Tensor, consistency: Tensor, *, alpha: float, beta: float) -> Tensor:
    """Alpha |F(y) - y_blur|² + beta |F(y2) - F(y)|², equations 6 and 9 to 11.

    >>> float(total(torch.tensor(2.0), torch.tensor(3.0), alpha=0.001, beta=1.0))
    3.002000093460083
    """
    return alpha * fidelity + beta * consistency
