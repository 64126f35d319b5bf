"""Move a picture by a part of a pixel without blurring it or changing its noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def moved(image: Tensor, down: float, across: float) -> Tensor:
    """The picture moved by (down, across) pixels; what comes in from outside is mirrored at the border.

    Whole pixels are copied. A fraction is a turn of the phases of the Fourier transform of the picture and
    its mirror image (whose period has no jump): every frequency keeps its strength, so that white noise stays
    white and of the same level, which no kernel of a few taps achieves.

    Args:
        image: (..., H, W).
        down: pixels by which the content goes down.
        across: pixels by which it goes to the right.

    Returns:
        The same shape.

    >>> moved(torch.tensor([[1.0, 2.0, 3.0]]), 0, 1)
    tensor([[1., 1., 2.]])
    """
    return _along(_along(image, down, -2), across, -1)


def inside(height: int, width: int, down: float, across: float) -> Tensor:
    """(H, W) bool: the pixels of a picture moved by (down, across) that hold its content and no mirror image.

    >>> inside(1, 4, 0, 1.5)
    tensor([[False, False,  True,  True]])
    """
    y, x = torch.arange(height).view(-1, 1), torch.arange(width).view(1, -1)
    rows = (y >= down) & (y <= height - 1 + down)
    return rows & (x >= across) & (x <= width - 1 + across)


def _along(image: Tensor, shift: float, axis: int) -> Tensor:
    size = image.shape[axis]
    if shift == 0:
        return image
    if shift == round(shift):
        return image.index_select(axis, _mirror(torch.arange(size) - round(shift), size).to(image.device))
    both = torch.cat([image, image.flip(axis)], dim=axis)
    transform = torch.fft.rfft(both, dim=axis)
    phase = torch.exp(-2j * math.pi * shift * torch.arange(size + 1, device=image.device) / (2 * size))
    phase[-1] = math.cos(math.pi * shift)  # the highest frequency of a real picture has no phase
    shape = [1] * image.ndim
    shape[axis] = -1
    turned: Tensor = torch.fft.irfft(transform * phase.to(transform.dtype).view(shape), n=2 * size, dim=axis)
    return turned.narrow(axis, 0, size)


def _mirror(places: Tensor, size: int) -> Tensor:
    """Places outside of 0 … size - 1 as those that the mirror image shows there (``ba|abc|cb``)."""
    folded = places.remainder(2 * size)
    return torch.minimum(folded, 2 * size - 1 - folded)
