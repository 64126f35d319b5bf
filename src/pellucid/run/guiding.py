"""Second pictures beside the one to restore: a guide of the same scene, a mask of what is missing."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pellucid import checks
from pellucid.image import Image

GRAY = 0.01
"""share of pixels between a tenth and nine tenths of white above which a mask is called gray"""


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


def hidden(mask: Image, image: Image) -> tuple[Tensor, tuple[str, ...]]:
    """The missing pixels (H, W) that a mask says, white for missing, and what to tell the user.

    A pixel is missing where the mean of the mask's channels is at least half of white.

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
    if not missing.any():
        raise ValueError(
            "mask must mark at least one missing pixel, got none. White is missing, black is kept."
        )
    if missing.all():
        raise ValueError(
            "mask must leave at least one pixel, got all of them missing. White is missing, black is kept: "
            "invert it if you meant the opposite."
        )
    between = float(np.mean((shade > 0.1 * white) & (shade < 0.9 * white)))
    notes = []
    if between > GRAY:
        notes.append(f"{between:.0%} of the mask are gray: what is at least half white was taken as missing")
    if missing.mean() > 0.5 and between <= GRAY:
        notes.append(f"{missing.mean():.0%} of the pixels are missing by the mask (white is missing)")
    return torch.from_numpy(missing), tuple(notes)
