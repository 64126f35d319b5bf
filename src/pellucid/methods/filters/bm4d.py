"""BM4D: similar cubes of a volume are shrunk together, twice; white or correlated noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid import fields
from pellucid.methods.filters import bm3d, decorrelate
from pellucid.methods.filters.blocks import AREA
from pellucid.methods.filters.compiled import Floats
from pellucid.methods.table import described
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Step, Task, Tiling

SIDE = 4
FADE = 2.0
"""shape of the Kaiser window of the sums"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of BM4D; the defaults are those of preset fast."""

    step: int = fields.option(3, low=1, high=SIDE)
    """voxels between reference cubes, along every axis"""
    radius: int = fields.option(5, low=1, high=5)
    """search radius in voxels, along every axis (5 is a window of 11 x 11 x 11)"""
    group: int = fields.option(16, low=1, high=64)
    """cubes per group, first stage, a power of two"""
    wiener_group: int = fields.option(32, low=1, high=64)
    """cubes per group, second stage, a power of two"""
    threshold: float = fields.option(2.7, low=0, low_open=True)
    """hard threshold in standard deviations of each 4-D coefficient (exact ones, overlap included)"""
    wiener: float = fields.option(1.0, low=0, low_open=True)
    """factor on the noise variance in the Wiener shrinkage (1 is Wiener's own)"""
    limit: float = fields.option(15.0, low=0, low_open=True)
    """largest squared distance per voxel of a cube to its reference in variances of the noise, both stages"""
    strength: float = fields.option(1.0, low=0, low_open=True)
    """factor on the standard deviation of the noise"""

    def __post_init__(self) -> None:
        fields.check(self)
        for name in ("group", "wiener_group"):
            value = getattr(self, name)
            if value & (value - 1):
                raise ValueError(f"{name} must be a power of two, got {value}. Use 16 or 32.")


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Group similar cubes of 4 x 4 x 4 voxels, threshold their 4-D transform, repeat with Wiener weights.

    Slices share no noise; within a slice the noise may have any spectrum. Channels are filtered one by one,
    colours as luminance and chroma. A volume of fewer than four slices is left to `bm3d`, slice by slice.

    Source: Maggioni, Katkovnik, Egiazarian, Foi, "Nonlocal transform-domain filter for volumetric data
    denoising and reconstruction", IEEE TIP 2013; exact variances after Makinen, Azzari, Foi, IEEE TIP 2020.
    """
    volume = task.shots.mean(0)
    single = volume.ndim == 3
    volume = (volume[:, None] if single else volume).to("cpu", torch.float32)
    kernel = torch.from_numpy(task.noise.kernel).float() / len(task.shots)
    levels = torch.ones(volume.shape[1]) if task.relative is None else task.relative
    made = restore(volume, kernel, config, color=task.color, levels=levels)
    estimate = (made[:, 0] if single else made).to(device)
    yield Step.once(estimate)


def restore(
    volume: Tensor, kernel: Tensor, config: Config, *, color: bool, levels: Tensor | None = None
) -> Tensor:
    """BM4D of (C, D, H, W), for noise of covariance `kernel` (C, C, 2L+1, 2L+1) in every slice.

    Args:
        volume: on the CPU.
        kernel: of the noise.
        config: constants.
        color: whether three channels are display colours.
        levels: (D,) level of the noise of each slice over that of the kernel; None where all are alike.

    >>> flat = torch.full((1, 5, 9, 9), 0.5)
    >>> estimate = restore(flat, torch.full((1, 1, 1, 1), 0.01), Config(), color=False)
    >>> bool(torch.allclose(estimate, flat, atol=1e-3))
    True
    """
    channels, depth, height, width = volume.shape
    usual = bm3d.Config(strength=config.strength)
    level = np.ones(depth, np.float32) if levels is None else levels.float().numpy()
    if depth < SIDE:
        alone = [
            bm3d.restore(volume[:, z], kernel * float(level[z]) ** 2, usual, color=color)
            for z in range(depth)
        ]
        return torch.stack(alone, 1)
    opponent = color and channels == 3
    mixing = decorrelate.matrix(channels, color=opponent)
    own = torch.einsum("dc,ef,cfyx->deyx", mixing, mixing, kernel).diagonal(dim1=0, dim2=1).permute(2, 0, 1)
    middle = own.shape[-1] // 2
    if float(own[:, middle, middle].max()) <= 0.0:
        return volume.clone()
    planes = torch.einsum("dc,czhw->dzhw", mixing, volume)
    # a cube reaches beyond slices that are smaller than it
    planes = F.pad(planes, (0, max(0, SIDE - width), 0, max(0, SIDE - height)), mode="replicate")
    strong = bm3d.strengthened(own, usual, opponent=opponent)
    # a cube has the level of the four slices that it lies in
    cubes = np.sqrt(np.convolve(level**2, np.full(SIDE, 1 / SIDE), "valid")).astype(np.float32)
    made = [_both(planes[c : c + 1].numpy(), strong[c].numpy(), config, cubes) for c in range(channels)]
    result = torch.from_numpy(np.concatenate(made))[..., :height, :width]
    return torch.einsum("dc,dzhw->czhw", mixing, result)


def _both(plane: Floats, kernel: Floats, config: Config, levels: Floats) -> Floats:
    """Both stages on a channel (1, D, H, W)."""
    from pellucid.methods.filters.grouping import cubes, passes  # they load a compiler
    from pellucid.methods.filters.grouping.search import Window

    noise = cubes.noise(kernel)._replace(level=np.ascontiguousarray(levels))
    limit = config.limit * AREA * float(noise.factor[0])
    if limit <= 0:
        return plane
    window = Window(SIDE, SIDE, config.radius, config.radius, 1)
    pilot: Floats | None = None
    for count, factor in ((config.group, config.threshold**2), (config.wiener_group, config.wiener)):
        groups = passes.Groups(window=window, step=config.step, count=count, limit=limit)
        pilot = passes.stage(plane, pilot, groups, cubes.basis(FADE), noise, np.array([factor], np.float32))
    return plane if pilot is None else pilot


PAPER = Paper(
    citation="Maggioni, Katkovnik, Egiazarian, Foi, IEEE TIP 2013",
    states=stated(
        step=(3, "N_step = 3"),
        radius=(5, "N_S = 11"),
        group=(16, "M = 16"),
        wiener_group=(32, "M = 32"),
        threshold=(2.7, "2.7 (2.8 in the modified profile)"),
        wiener=(1.0, "Wiener's weights"),
    ),
    ours={"limit": 15.0, "strength": 1.0},
)

BM4D = Method(
    **described("bm4d"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={},
    tiling=Tiling(kind="whole", reach=24, depth=8, stride=3),
    axis="z",
)
