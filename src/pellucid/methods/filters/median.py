"""Median for impulse noise: only values that stand out are replaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from pellucid import fields
from pellucid.methods.table import described
from pellucid.noise.around import Mask, Plane, grown, medians, windows
from pellucid.steps import Method, Step, Task, Tiling


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of the adaptive median."""

    radius: int = fields.option(4, low=1, high=16)
    """largest window, 2 radius + 1 pixels wide; windows grow until they hold enough sound values"""
    contrast: float = fields.option(0.06, low=0, high=1)
    """how far (1.0 = white) a value at the end of the range must be from its neighbours to be replaced"""
    outlier: float = fields.option(0.4, low=0)
    """the same for a value within the range (a hot pixel)"""

    def __post_init__(self) -> None:
        fields.check(self)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Find salt, pepper and hot pixels, and put the median of the sound values around them in their place.

    Source: after Hwang, Haddad, "Adaptive median filters", IEEE TIP 1995; unlike theirs, replaced values do
    not count in the medians of others.
    """
    noisy = task.shots.median(0).values
    planes = [clean_plane(plane, config) for plane in noisy.cpu().numpy().astype(np.float32)]
    estimate = torch.from_numpy(np.stack(planes)).to(noisy.device)
    yield Step.once(estimate)


def clean_plane(plane: Plane, config: Config) -> Plane:
    """One (H, W) plane without its impulses.

    >>> plane = np.full((9, 9), 0.5, dtype=np.float32)
    >>> plane[4, 4] = 1
    >>> np.unique(clean_plane(plane, Config())).tolist()
    [0.5]
    """
    ends: Mask = (plane <= 0) | (plane >= 1)
    # where most of a wide window is at one end, the picture is black or white there and that end is sound
    wide = np.where(ends, medians(plane, ends, radius=3), 0.5)
    blown = ends & ((wide <= 0) | (wide >= 1))
    sound = np.where(~ends | (blown & (plane == wide)), plane, np.nan)
    centre = np.where(blown, wide, grown(plane, sound, ends, config.radius))
    result = np.where(ends & _stands_out(plane, sound, ends, config.contrast), centre, plane)

    everywhere = np.ones_like(ends)
    middle = medians(result, everywhere, radius=1)
    hot = (np.abs(result - middle) > config.outlier) & _stands_out(result, result, everywhere, config.outlier)
    return np.where(hot, middle, result).astype(np.float32)


def _stands_out(plane: Plane, sound: Plane, wanted: Mask, contrast: float) -> Mask:
    """Where at most one sound neighbour is within `contrast`; lines and highlights have two like them."""
    # mirrored at the borders, so that a line that ends there still has its two
    near = np.abs(windows(sound, wanted, 1, mirror=True) - plane[wanted][:, None]) <= contrast
    near[:, 4] = False
    result = wanted.copy()
    result[wanted] = near.sum(1) < 2
    return result


MEDIAN = Method(
    **described("median"),
    config=Config,
    steps=steps,
    presets={"paper": Config(), "fast": Config()},
    tiling=Tiling(kind="exact", halo=24),
    uses_noise=False,
    keeps_mean=False,
)
