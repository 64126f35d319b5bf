"""Between the values of an sRGB picture and linear light, in which noise averages out."""

from __future__ import annotations

import torch
from torch import Tensor


def to_light(picture: Tensor) -> Tensor:
    """Linear light in [0, 1] of sRGB values, which are cut to [0, 1]; IEC 61966-2-1.

    >>> to_light(torch.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.2140, 1.0000])
    """
    x = picture.clamp(0, 1)
    return torch.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def to_display(light: Tensor) -> Tensor:
    """The sRGB values of linear light, which is cut to [0, 1].

    >>> to_display(torch.tensor([0.0, 0.2140, 1.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    linear = light.clamp(0, 1)
    return torch.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-9) ** (1 / 2.4) - 0.055
    )
