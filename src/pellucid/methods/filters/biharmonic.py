"""Biharmonic inpainting: the smoothest surface through what is known around a hole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from skimage.restoration import inpaint_biharmonic
from torch import Tensor

from pellucid.degradation import Mask
from pellucid.methods.table import described
from pellucid.steps import Method, Recipe, Step, Task


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of biharmonic inpainting."""

    split: bool = False
    """solve every hole on its own: faster for a few holes far apart, slower for scattered pixels"""


def fill(image: Tensor, hidden: Tensor, *, split: bool = False) -> Tensor:
    """Fill the hidden pixels of (C, H, W) by the solution of the biharmonic equation, Δ²x = 0.

    Args:
        image: (C, H, W); hidden pixels are not looked at.
        hidden: (H, W) bool.
        split: whether to solve connected holes one by one.

    Source: Damelin, Hoang, "On surface completion and image inpainting by biharmonic functions", IJMMS 2018,
    as scikit-image solves it.

    >>> ramp = torch.arange(36.0).view(1, 6, 6) / 36
    >>> hole = torch.zeros(6, 6, dtype=torch.bool)
    >>> hole[2:4, 2:4] = True
    >>> bool(torch.allclose(fill(ramp, hole), ramp, atol=1e-4))
    True
    """
    if not bool(hidden.any()):
        return image.clone()
    filled = inpaint_biharmonic(
        image.masked_fill(hidden, 0.0).double().numpy(),
        hidden.numpy(),
        split_into_regions=split,
        channel_axis=0,
    )
    known = image[:, ~hidden]
    if known.numel() == 0 or not np.isfinite(filled).all():
        return image.masked_fill(hidden, 0.0)
    return torch.from_numpy(filled).to(image.dtype)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Fill the holes of the mask; the other pixels stay as they are."""
    if not isinstance(task.degradation, Mask):
        raise ValueError("biharmonic needs a mask of what is missing, got none. Use it with inpaint.")
    picture = task.shots.mean(0).cpu()
    estimate = fill(picture, task.degradation.hidden.cpu(), split=config.split).to(device)
    yield Step.once(estimate)


_PRESETS = {"paper": Config(), "fast": Config()}

BIHARMONIC = Method(
    **described("biharmonic"),
    config=Config,
    steps=steps,
    presets=_PRESETS,
    restores={"mask": Recipe(presets=_PRESETS, cost="2 s")},
    uses_noise=False,
)
