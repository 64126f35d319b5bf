"""Conversion: what the caller gave as an Image, and an Image as what the caller gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import files
from pellucid.image import Image


def as_image(x: Any, channel_axis: int | None = None, data_range: float | None = None) -> Image:
    """An Image of an Image, a NumPy array or a tensor (H, W), (C, H, W) or (N, C, H, W).

    Raises:
        TypeError: for anything else.
        ValueError: for a tensor of another shape, or a channel axis beside a picture that needs none.
    """
    if isinstance(x, np.ndarray):
        return files.from_array(x, channel_axis=channel_axis, data_range=data_range)
    if channel_axis is not None:
        raise ValueError(
            f"channel_axis={channel_axis} is for NumPy arrays, got {type(x).__name__}. Leave it out."
        )
    if isinstance(x, Image):
        return x
    if isinstance(x, Tensor):
        if x.ndim not in (2, 3, 4):
            raise ValueError(
                f"x must be (H, W), (C, H, W) or (N, C, H, W), got {tuple(x.shape)}. Reshape it first."
            )
        array = x.detach().cpu()
        array = array.float() if array.dtype in (torch.float16, torch.bfloat16) else array
        return files.from_array(
            array.numpy(), channel_axis=None if x.ndim == 2 else x.ndim - 3, data_range=data_range
        )
    raise TypeError(
        f"x must be a pellucid Image, a NumPy array or a tensor, got {type(x).__name__}. "
        "Read a file with pellucid.read(path)."
    )


def as_mask(mask: Any) -> Image:
    """A mask as an Image; booleans are black and white."""
    if isinstance(mask, Tensor):
        mask = mask.detach().cpu().numpy()
    if isinstance(mask, np.ndarray):
        plain = mask.astype(np.uint8) * np.uint8(255) if mask.dtype == bool else mask
        return files.from_array(plain, channel_axis=-1 if plain.ndim == 3 else None, name="mask")
    return as_image(mask)


def like(x: Any, image: Image) -> Any:
    """The restored image as what x was."""
    if isinstance(x, Image):
        return image
    array = files.to_array(image)
    return torch.from_numpy(array).to(x.device, x.dtype) if isinstance(x, Tensor) else array
