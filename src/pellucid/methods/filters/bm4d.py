"""BM4D: similar cubes of a volume are shrunk together, twice; white or correlated noise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid import fields
from pellucid.methods.filters import bm3d, decorrelate
from pellucid.methods.filters.blocks import AREA
from pellucid.methods.filters.compiled import Floats
from pellucid.methods.table import described
from pellucid.noise.report import NoiseReport
from pellucid.noise.stabilise import Anscombe
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Step, Task, Tiling

SIDE = 4
FADE = 2.0
"""shape of the Kaiser window of the sums"""
FEW = (10.0, 50.0)
"""photons up to which a voxel is of the second filtering, and from which on of the first alone"""


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
    again: float = fields.option(0.5, low=0, high=1, low_open=True)
    """weight of the counts beside the first estimate, where few photons are filtered again; 1 for once"""
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
    Noise that grows with the brightness is made even around it, and few photons are filtered twice.

    Source: Maggioni, Katkovnik, Egiazarian, Foi, "Nonlocal transform-domain filter for volumetric data
    denoising and reconstruction", IEEE TIP 2013; exact variances after Makinen, Azzari, Foi, IEEE TIP 2020;
    few photons after Azzari, Foi, IEEE SPL 2016.
    """
    volume = task.shots.mean(0)
    single = volume.ndim == 3
    volume = (volume[:, None] if single else volume).to("cpu", torch.float32)
    levels = torch.ones(volume.shape[1]) if task.relative is None else task.relative
    if any(gain > 0 for gain in task.noise.gain) and not task.noise.correlated:
        law = _mean_of(len(task.shots), task.noise)
        made = of_counts(volume, law, config, color=task.color, levels=levels)
    else:
        kernel = torch.from_numpy(task.noise.kernel).float() / len(task.shots)
        made = restore(volume, kernel, config, color=task.color, levels=levels)
    estimate = (made[:, 0] if single else made).to(device)
    yield Step.once(estimate)


def _mean_of(shots: int, noise: NoiseReport) -> NoiseReport:
    """The law of the mean of so many shots."""
    return replace(
        noise,
        sigma=tuple(s / shots**0.5 for s in noise.sigma),
        gain=tuple(g / shots for g in noise.gain),
        offset=tuple(b / shots for b in noise.offset),
        kernel=noise.kernel / shots,
    )


def of_counts(
    volume: Tensor, noise: NoiseReport, config: Config, *, color: bool, levels: Tensor | None = None
) -> Tensor:
    """BM4D of (C, D, H, W) whose variance a y + b grows with the brightness y.

    The root of Anscombe makes noise of one level. Of few photons z it does so badly, and much of the picture
    goes as noise. With the estimate x, v = λ z + (1 - λ) x has the mean y and the variance λ² (a y + b):
    v / λ² is again of such a law, of 1 / λ² times the light. Filtered again, it is the estimate where x is of
    few photons.

    Args:
        volume: working units.
        noise: with the law of each channel; where the gain is 0 the noise has one level.
        config: constants.
        color: whether three channels are display colours.
        levels: as for `restore`.
    """
    change = Anscombe(noise)
    kernel = torch.from_numpy(change.noise.kernel).float()

    def filtered(values: Tensor, share: float) -> Tensor:
        """What is made of v, of which `share` is counts."""
        light = replace(
            noise,
            sigma=tuple(s / share for s in noise.sigma),
            offset=tuple(b / share**2 for b in noise.offset),
        )
        root = Anscombe(light)
        seen = torch.stack([root.forward(one / share**2) for one in values.unbind(1)], 1)
        made = restore(seen, kernel, config, color=color, levels=levels)
        return torch.stack([root.inverse(one) for one in made.unbind(1)], 1) * share**2

    first = filtered(volume, 1.0)
    weight = _few(first, noise)
    if config.again >= 1 or volume.shape[1] < SIDE or not bool(weight.any()):
        return first
    mixed = (config.again * volume).add_(first, alpha=1 - config.again)
    return first.lerp_(filtered(mixed, config.again), weight)


def _few(light: Tensor, noise: NoiseReport) -> Tensor:
    """From 1 where a voxel has few photons to 0 where it has many, or the noise has one level."""
    low, high = FEW
    weight = torch.zeros_like(light)
    for own, seen, a, b in zip(weight, light, noise.gain, noise.offset, strict=True):
        if a > 0:
            own += ((high / (seen / a + b / a**2).clamp_min(low)).log() / math.log(high / low)).clamp(0, 1)
    return weight


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
    mixing, back, own = decorrelate.split(kernel, color=opponent)
    middle = own.shape[-1] // 2
    if float(own[:, middle, middle].max()) <= 0.0:
        return volume.clone()
    planes = decorrelate.mix(mixing, volume)
    # a cube reaches beyond slices that are smaller than it
    planes = F.pad(planes, (0, max(0, SIDE - width), 0, max(0, SIDE - height)), mode="replicate")
    strong = bm3d.strengthened(own, usual, opponent=opponent)
    # a cube has the level of the four slices that it lies in
    cubes = np.sqrt(np.convolve(level**2, np.full(SIDE, 1 / SIDE), "valid")).astype(np.float32)
    made = [_both(planes[c : c + 1].numpy(), strong[c].numpy(), config, cubes) for c in range(channels)]
    result = torch.from_numpy(np.concatenate(made))[..., :height, :width]
    return decorrelate.mix(back, result)


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
    ours={"limit": 15.0, "again": 1.0, "strength": 1.0},
)

BM4D = Method(
    **described("bm4d"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={"again": "of few photons the root makes no even noise, and one filtering takes too much"},
    tiling=Tiling(kind="whole", reach=24, depth=8, stride=3),
    axis="z",
)
