"""Formulas that methods share; each gives one value per image."""

from __future__ import annotations

from torch import Tensor

from pellucid import checks


def mean_square(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared difference, sum w (output - target)^2 / sum w.

    Args:
        output: (..., C, H, W).
        target: the same shape.
        weight: (H, W), 0 where a pixel does not count; None counts all alike. It must not be zero everywhere.

    Returns:
        (...): one value per image.

    Raises:
        ValueError: when shapes differ.

    >>> import torch
    >>> one = torch.ones(2, 3, 1, 2)
    >>> mean_square(one, torch.tensor([1.0, 3.0]).expand(2, 3, 1, 2), torch.tensor([[3.0, 1.0]]))
    tensor([1., 1.])
    """
    checks.same_shape("output", output.shape, "target", target.shape)
    squares = (output - target).square()
    if weight is None:
        return squares.mean(dim=(-3, -2, -1))
    checks.same_shape("weight", weight.shape, "image", output.shape[-2:])
    return (squares * weight).mean(dim=(-3, -2, -1)) / weight.mean()


def mean_absolute(output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference, sum w |output - target| / sum w.

    Args:
        output: (..., C, H, W).
        target: the same shape.
        weight: (H, W), 0 where a pixel does not count; None counts all alike. It must not be zero everywhere.

    Returns:
        (...): one value per image.

    Raises:
        ValueError: when shapes differ.

    >>> import torch
    >>> float(mean_absolute(torch.zeros(1, 1, 2), torch.tensor([[[1.0, -3.0]]])))
    2.0
    """
    checks.same_shape("output", output.shape, "target", target.shape)
    sizes = (output - target).abs()
    if weight is None:
        return sizes.mean(dim=(-3, -2, -1))
    checks.same_shape("weight", weight.shape, "image", output.shape[-2:])
    return (sizes * weight).mean(dim=(-3, -2, -1)) / weight.mean()
