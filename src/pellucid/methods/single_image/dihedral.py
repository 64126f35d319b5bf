"""The eight turned and mirrored copies of a picture."""

from __future__ import annotations

import torch
from torch import Tensor

COUNT = 8


def turn(image: Tensor, index: int) -> Tensor:
    """Copy ``index`` of (..., H, W): turned by ``index % 4`` quarters, mirrored from 4 on.

    >>> turn(torch.tensor([[1, 2]]), 2)
    tensor([[2, 1]])
    """
    turned = torch.rot90(image, index % 4, (-2, -1))
    return turned.flip(-1) if index >= COUNT // 2 else turned


def undo(image: Tensor, index: int) -> Tensor:
    """The picture that copy ``index`` was made of.

    >>> picture = torch.rand(2, 3)
    >>> all(torch.equal(undo(turn(picture, k), k), picture) for k in range(COUNT))
    True
    """
    straight = image.flip(-1) if index >= COUNT // 2 else image
    return torch.rot90(straight, -(index % 4), (-2, -1))
