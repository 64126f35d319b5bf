"""Channels that share their structure, turned into one bright one and small differences."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid.noise.colour import matrix
from pellucid.noise.report import NoiseReport

__all__ = ["adapted", "kernels", "matrix", "mix", "of", "planes", "split", "wider"]

STRUCTURE = (1.0, 0.06, 0.02)
"""energy of detail in the opponent colours of photographs, brightness first"""
UNLIKE = 0.05
"""correlation of the noise in opponent colours, in multiples of its mean variance there, from which on others
are taken"""
LEAST = 0.02
"""standard deviation of the noise of a channel, over that of the noisiest, below which it counts as that"""


def adapted(covariance: Tensor) -> Tensor:
    """The transform of three colours for noise of this covariance (3, 3): rows of length 1.

    Opponent colours suit noise that is alike in all channels. Where one channel is noisier, it would spread
    to all of them. In these planes neither the noise nor what photographs show is correlated: the quiet
    channels make a bright one of little noise, in which blocks are matched, and the noisy channel is left as
    its difference from them. (The generalised eigenvectors of the two covariances; alike noise gives the
    opponent colours.)

    >>> torch.allclose(adapted(torch.eye(3)), matrix(3, color=True))
    True
    >>> adapted(torch.diag(torch.tensor([1.0, 0.0, 0.0])))[0].abs().argmin().item()
    0
    """
    opponent = matrix(3, color=True).double()
    covariance = covariance.detach().cpu().double()
    there = opponent @ covariance @ opponent.T
    mean = float(there.diagonal().mean())
    if float((there - there.diagonal().diag()).abs().max()) <= UNLIKE * mean:
        return opponent.float()
    floor = LEAST**2 * float(covariance.diagonal().max())
    variance, axes = torch.linalg.eigh(covariance)
    root = (
        (variance.clamp_min(0) + floor).rsqrt() * axes
    ).T  # a measured covariance may be negative somewhere
    structure = opponent.T @ torch.tensor(STRUCTURE).double().diag() @ opponent
    _, directions = torch.linalg.eigh(root @ structure @ root.T)
    rows = directions.T.flip(0) @ root
    rows = rows / rows.norm(dim=1, keepdim=True)
    rows = rows[rows.sum(1).abs().argsort(descending=True, stable=True)]
    rows = rows * torch.where(rows.sum(1, keepdim=True) < 0, -1.0, 1.0)
    found: Tensor = rows.float()
    return found


def planes(covariance: Tensor, *, color: bool) -> tuple[Tensor, Tensor]:
    """The transforms (C, C) of channels to planes in which noise of this covariance is filtered, and back.

    Those of `adapted` for three display colours, for others those of `matrix`.

    >>> there, back = planes(torch.diag(torch.tensor([1.0, 4.0, 25.0])), color=True)
    >>> torch.allclose(back @ there, torch.eye(3), atol=1e-5)
    True
    """
    usual = matrix(len(covariance), color=color)
    there = adapted(covariance) if color and len(covariance) == 3 else usual
    back = usual.T if torch.equal(there, usual) else torch.linalg.inv(there)
    return there.to(covariance.device), back.to(covariance.device)


def wider(levels: Tensor) -> float:
    """By how much blocks of the first plane may differ more where its noise is weaker than that of others.

    White noise that is weak in the plane which is matched leaves room for blocks that are as like as the
    noise of the others.

    Args:
        levels: (C,) variance of the noise of each plane.

    >>> wider(torch.tensor([1.0, 4.0, 0.0])), wider(torch.zeros(3))
    (4.0, 1.0)
    """
    most = float(levels.max())
    return max(1.0, most / max(float(levels[0]), 1e-9 * most)) if most > 0 else 1.0


def kernels(transform: Tensor, kernel: Tensor) -> Tensor:
    """(C, K, K) autocovariance of the noise of each transformed plane, where channels have (C, C, K, K)."""
    return torch.einsum("dc,df,cfyx->dyx", transform, transform, kernel)


def split(kernel: Tensor, *, color: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The transforms of `planes` for noise of covariance (C, C, K, K), and that in each plane (C, K, K)."""
    middle = kernel.shape[-1] // 2
    there, back = planes(kernel[..., middle, middle], color=color)
    return there, back, kernels(there, kernel)


def of(noise: NoiseReport, *, color: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The transforms of `planes` for this noise, and its standard deviation (C,) in each plane.

    >>> of(NoiseReport.white(0.1, 3), color=True)[2]
    tensor([0.1000, 0.1000, 0.1000])
    """
    there, back, own = split(torch.from_numpy(noise.covariance).float()[..., None, None], color=color)
    return there, back, own[:, 0, 0].clamp(min=0).sqrt()


def mix(transform: Tensor, image: Tensor) -> Tensor:
    """The (C, C) transform on the channels of (C, ...)."""
    return torch.einsum("kc,c...->k...", transform.to(image), image)
