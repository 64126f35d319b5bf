"""Formulas that methods share; each gives one value per image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d

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


def dissimilarity(output: Tensor, target: Tensor, *, data_range: float) -> Tensor:
    """1 - SSIM as in `metrics.ssim`, in the precision of the images and with a gradient.

    Args:
        output: (B, C, H, W), H and W at least 11.
        target: the same shape.
        data_range: largest possible value less the smallest.

    Returns:
        (B,): one value per image.

    Raises:
        ValueError: when shapes differ or a side is under 11 pixels.

    Source: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment", IEEE TIP 2004, equation (13).

    >>> import torch
    >>> dissimilarity(torch.ones(2, 1, 11, 11), torch.ones(2, 1, 11, 11), data_range=1.0)
    tensor([0., 0.])
    """
    checks.same_shape("output", output.shape, "target", target.shape)
    checks.in_range("data_range", data_range, 0, low_open=True)
    checks.in_range("side of the images", min(output.shape[-2:]), 11, hint="Use larger crops.")
    offsets = torch.arange(-5, 6, dtype=output.dtype, device=output.device)
    window = torch.exp(-0.5 * (offsets / 1.5) ** 2)
    window = (window / window.sum()).view(1, 1, 1, -1)

    def mean(image: Tensor) -> Tensor:
        planes = image.flatten(0, 1)[:, None]
        blurred = conv2d(conv2d(planes, window), window.mT)
        return blurred.view(*image.shape[:2], *blurred.shape[-2:])

    # Second moments are taken about the middle of the picture, so that float32 is enough.
    middle = target.mean(dim=(-2, -1), keepdim=True)
    x, y = output - middle, target - middle
    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x.square(), mean(y * y) - mean_y.square()
    covariance = mean(x * y) - mean_x * mean_y
    mean_x, mean_y = mean_x + middle, mean_y + middle
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    structure = (2 * covariance + c2) / (var_x + var_y + c2)
    return 1 - (luminance * structure).mean(dim=(-3, -2, -1))
