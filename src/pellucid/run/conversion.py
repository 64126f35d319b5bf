"""Conversion: what the caller gave as Images, masks and guides as tensors, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import checks, files
from pellucid.image import Image

NEARLY_ALL = 0.95
"""share of missing pixels from which on a mask may be one of the other convention"""
GRAY = 0.01
"""share of pixels between a tenth and nine tenths of white above which a mask is called gray"""


def as_image(
    x: Any,
    channel_axis: int | None = None,
    data_range: float | None = None,
    nodata: float | str = "auto",
) -> Image:
    """An Image of an Image, a NumPy array or a tensor (H, W), (C, H, W) or (N, C, H, W).

    Raises:
        TypeError: for anything else.
        ValueError: for a tensor of another shape, or a channel axis beside a picture that needs none.
    """
    if isinstance(x, np.ndarray):
        return files.from_array(x, channel_axis=channel_axis, data_range=data_range, nodata=nodata)
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
            array.numpy(),
            channel_axis=None if x.ndim == 2 else x.ndim - 3,
            data_range=data_range,
            nodata=nodata,
        )
    raise TypeError(
        f"x must be a pellucid Image, a NumPy array or a tensor, got {type(x).__name__}. "
        "Read a file with pellucid.read(path)."
    )


def like(x: Any, image: Image) -> Any:
    """The restored image as what x was."""
    if isinstance(x, Image):
        return image
    array = files.to_array(image)
    if not isinstance(x, Tensor):
        return array
    found = torch.from_numpy(array).to(x.device)
    return found if found.is_floating_point() and not x.is_floating_point() else found.to(x.dtype)


def as_mask(mask: Any) -> Image:
    """A mask, or the file of one, as an Image; booleans are black and white."""
    if isinstance(mask, Tensor):
        mask = mask.detach().cpu().numpy()
    if isinstance(mask, np.ndarray):
        plain = mask.astype(np.uint8) * np.uint8(255) if mask.dtype == bool else mask
        axis = -1 if plain.ndim == 3 else None
        return files.from_array(plain, channel_axis=axis, nodata="none", name="mask")
    return files.read(mask, nodata="none") if isinstance(mask, str | Path) else as_image(mask)


def hidden(
    mask: Image,
    image: Image,
    *,
    meaning: str = "missing",
    rest: str = "kept",
    white_is: str = "",
    empty: bool = False,
) -> tuple[Tensor, tuple[str, ...]]:
    """The pixels (H, W) that a mask marks, white for missing, and what to tell the user.

    A pixel is marked where the mean of the mask's channels is at least half of white.

    Args:
        mask: one picture.
        image: what it is a mask of.
        meaning: what white stands for.
        rest: what black stands for.
        white_is: "missing" or "known" where the user has said so; "auto" refuses a mask by which nearly all
            is missing, as it may be one of the other convention; "" does not.
        empty: whether a mask may mark nothing.

    Raises:
        ValueError: when the mask has another size or several slices, or marks nothing or everything.
    """
    checks.same_shape("mask", mask.pixels.shape[-2:], "image", image.pixels.shape[-2:])
    if mask.pixels.shape[0] != 1:
        raise ValueError(
            f"mask must be one picture for all slices, got {mask.pixels.shape[0]} slices. Give one of them."
        )
    shade = mask.pixels[0].mean(axis=0)
    # Integers of 0 and 1 are as common as 0 and 255.
    white = 1.0 if float(shade.max()) >= 0.5 or mask.dtype.startswith("float") else float(shade.max()) or 1.0
    missing = shade >= 0.5 * white
    if white_is == "known":
        missing = ~missing
    if not missing.any() and empty:
        return torch.from_numpy(missing), ()
    if not missing.any():
        raise ValueError(
            f"mask must mark at least one {meaning} pixel, got none. White is {meaning}, black is {rest}."
        )
    if missing.all():
        raise ValueError(
            f"mask must leave at least one pixel, got all of them {meaning}. White is {meaning}, black is "
            f"{rest}: invert it if you meant the opposite."
        )
    if white_is == "auto" and missing.mean() >= NEARLY_ALL:
        raise ValueError(
            f"mask leaves {(~missing).mean():.1%} of the pixels, as white is missing. If white is what is "
            "known, pass white='known' (--white known); if so much is missing, pass white='missing' (--white "
            "missing)."
        )
    between = float(np.mean((shade > 0.1 * white) & (shade < 0.9 * white)))
    notes = []
    if between > GRAY:
        notes.append(
            f"{between:.0%} of the mask are gray: what is at least half white was taken as {meaning}"
        )
    if missing.mean() > 0.5 and between <= GRAY:
        notes.append(f"{missing.mean():.0%} of the pixels are {meaning} by the mask (white is {meaning})")
    return torch.from_numpy(missing), tuple(notes)


def fitting(guide: Image, image: Image, *, factor: int = 1) -> Tensor:
    """The guide (N, C', H, W) as a tensor; one slice serves all slices of the image.

    Raises:
        ValueError: when it has another size than the picture that is sought.
    """
    slices, _, height, width = image.pixels.shape
    expected = (height * factor, width * factor)
    checks.same_shape("guide", guide.pixels.shape[-2:], "the picture that is sought", expected)
    if guide.pixels.shape[0] not in (1, slices):
        raise ValueError(
            f"guide must have 1 or {slices} slices, got {guide.pixels.shape[0]}. Give one picture for all."
        )
    return torch.from_numpy(guide.pixels.copy()).expand(slices, -1, -1, -1)
