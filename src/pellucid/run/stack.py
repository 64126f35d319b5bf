"""Shots of one scene as one tensor in the working range of the first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pellucid.image import Image


def stack(shots: Sequence[Image]) -> tuple[Tensor, Image]:
    """The shots (S, N, C, H, W) on the CPU, and the first image, whose metadata the result carries.

    Deep integers have a working range that depends on their maximum; that of the first is taken for all.

    Raises:
        ValueError: when sizes or types differ.

    >>> from pellucid.files import from_array
    >>> shots, first = stack([from_array(np.zeros((4, 5), np.uint8))] * 2)
    >>> shots.shape
    torch.Size([2, 1, 1, 4, 5])
    """
    first = shots[0]
    for other in shots[1:]:
        if other.pixels.shape != first.pixels.shape:
            raise ValueError(
                f"shots must have one size, got {_size(first)} and {_size(other)}. Crop them first."
            )
        if other.dtype != first.dtype:
            raise ValueError(
                f"shots must have one type, got {first.dtype} in {first.name} and {other.dtype} in "
                f"{other.name}. Convert them first."
            )
    pixels = [
        i.pixels if i.scale == first.scale else i.pixels * np.float32(i.scale / first.scale) for i in shots
    ]
    return torch.from_numpy(np.stack(pixels)), first


def _size(image: Image) -> str:
    slices, channels, height, width = image.pixels.shape
    return f"{slices} x {channels} x {height} x {width} (slices, channels, height, width) in {image.name}"
