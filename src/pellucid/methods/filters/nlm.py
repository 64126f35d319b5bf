"""Non-local means, through scikit-image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from skimage.restoration import denoise_nl_means

from pellucid import fields
from pellucid.methods.table import described
from pellucid.steps import Method, Step, Task, Tiling


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of non-local means."""

    patch_size: int = fields.option(5, low=1)
    """side of the compared patches, in pixels"""
    patch_distance: int = fields.option(6, low=1)
    """how far to look for similar patches, in pixels (Buades et al. use a 21 x 21 window)"""
    cut_off: float = fields.option(0.6, low=0, low_open=True)
    """h / sigma: how fast the weight falls with the patch distance (0.6 suits the corrected distance)"""

    def __post_init__(self) -> None:
        fields.check(self)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Average every pixel over those with similar surroundings; noise variance is taken off the distance.

    Source: Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005.
    """
    noisy = task.shots.mean(0)
    # the report is about one shot; the mean of several has less noise
    sigma = max(task.noise.level / len(task.shots) ** 0.5, 1e-6)
    array = noisy.permute(1, 2, 0).cpu().numpy().astype(np.float32)
    result = denoise_nl_means(
        array,
        patch_size=config.patch_size,
        patch_distance=config.patch_distance,
        h=config.cut_off * sigma,
        sigma=sigma,
        fast_mode=True,
        channel_axis=-1,
    )
    restored = np.asarray(result, dtype=np.float32).reshape(array.shape)  # it drops a single channel
    estimate = torch.from_numpy(restored).permute(2, 0, 1).contiguous().to(noisy.device)
    yield Step.once(estimate)


NLM = Method(
    **described("nlm"),
    config=Config,
    steps=steps,
    presets={"paper": Config(patch_size=7, patch_distance=10), "fast": Config()},
    departures={
        "patch_size": "a smaller search in smaller patches takes a third of the time",
        "patch_distance": "see patch_size",
    },
    tiling=Tiling(kind="exact", halo=16),
)
