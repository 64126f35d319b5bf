"""Crops turned, mirrored, enlarged, reduced or made gray, all views of a scene alike."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

LUMINANCE = (0.299, 0.587, 0.114)
"""of R, G and B in gray, ITU-R BT.601"""


def turned(image: Tensor, way: int) -> Tensor:
    """One of the eight ways to lay a square (..., S, S): turned `way % 4` times, from 4 on mirrored too.

    >>> turned(torch.tensor([[1, 2], [3, 4]]), 5)
    tensor([[2, 1],
            [4, 3]])
    """
    image = torch.rot90(image, way % 4, (-2, -1))
    return image.transpose(-2, -1) if way >= 4 else image


def resized(image: Tensor, side: int) -> Tensor:
    """(C, S, S) at another size; reduced without aliasing, enlarged by cubic interpolation."""
    if image.shape[-1] == side:
        return image
    result: Tensor = interpolate(
        image[None], (side, side), mode="bicubic", antialias=side < image.shape[-1], align_corners=False
    )[0]
    return result


def gray(image: Tensor) -> Tensor:
    """(1, H, W) of (C, H, W): the luminance of colours, the mean of other channels.

    >>> gray(torch.ones(3, 1, 1)).shape
    torch.Size([1, 1, 1])
    """
    if image.shape[0] == 3:
        return torch.einsum("c,chw->hw", torch.tensor(LUMINANCE), image)[None]
    return image.mean(0, keepdim=True)
