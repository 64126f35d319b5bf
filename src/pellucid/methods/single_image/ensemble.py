"""The multi-scale inference ensemble of MS-DIP: from the pictures of all scales to one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from pellucid import checks
from pellucid.methods.single_image.pyramid import joint_bilateral, resize

UPSAMPLING = ("joint-bilateral", "bilinear", "nearest")


def fuse(pictures: Sequence[Tensor], *, upsampling: str = "joint-bilateral") -> Tensor:
    """Average neighbouring scales, from the coarsest up: x_{n-1} <- (x^_n + x_{n-1}) / 2.

    The finest picture so has the weight 1/2, the next 1/4, …, and the last two the same.

    Args:
        pictures: (C, h, w) each, finest first.
        upsampling: how x_n gets the size of x_{n-1}: joint-bilateral (the paper's, guided by x_{n-1}, spatial
            0.5, value 0.1), bilinear or nearest.

    Returns:
        (C, H, W) at the size of the first.

    >>> import torch
    >>> fine, middle, coarse = (torch.full((1, s, s), v) for s, v in ((8, 1.0), (6, 0.0), (5, 0.0)))
    >>> float(fuse([fine, middle, coarse]).mean())
    0.5
    """
    checks.one_of("upsampling", upsampling, UPSAMPLING)
    fused = pictures[-1]
    for finer in reversed(pictures[:-1]):
        height, width = finer.shape[-2:]
        if upsampling == "joint-bilateral":
            larger = joint_bilateral(fused, finer)
        else:
            larger = resize(fused, (height, width), mode=upsampling)
        fused = (larger + finer) / 2
    return fused


def fuse_bands(pictures: Sequence[Tensor]) -> Tensor:
    """Average the scales only in the frequencies that they have: all alike, and no detail is lost.

    A coarse picture knows nothing of the finest detail; averaged as it is, it halves it. Here the mean of
    the k coarser scales corrects the next finer one where both can speak:

        x_{n-1} <- x_{n-1} + k / (k + 1) up(x_n - down(x_{n-1})).

    This is ours, not the paper's.

    Args:
        pictures: (C, h, w) each, finest first.

    Returns:
        (C, H, W) at the size of the first.

    >>> import torch
    >>> fine, middle, coarse = (torch.full((1, s, s), v) for s, v in ((8, 1.0), (6, 0.0), (5, 0.0)))
    >>> round(float(fuse_bands([fine, middle, coarse]).mean()), 4)
    0.3333
    """
    fused = pictures[-1]
    for coarser, finer in enumerate(reversed(pictures[:-1]), 1):
        low, high = ((p.shape[-2], p.shape[-1]) for p in (fused, finer))
        correction = resize(fused - resize(finer, low), high)
        fused = finer + coarser / (coarser + 1) * correction
    return fused
