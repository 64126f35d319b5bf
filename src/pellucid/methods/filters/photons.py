"""Few photons: BM3D on stabilised counts, first in large bins, then ever finer ones that lean on them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid import fields
from pellucid.methods.filters import bm3d
from pellucid.methods.filters.blocks import SIDE
from pellucid.methods.table import described
from pellucid.noise.report import NoiseReport
from pellucid.noise.stabilise import Anscombe
from pellucid.noise.values import inside
from pellucid.steps import Method, Step, Task, Tiling

TOE = 3 / 8
TABLE = 80.0
"""counts up to which the inverse is read from a table; beyond, the first terms of its series are exact"""
TERMS = 256
RARE = (5.5, 7.0)
"""decimal places of the chance of so many photons, from which on a pixel begins to stay, and stays"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of the filter for few photons."""

    coarsest: int = fields.option(4, low=1, high=16)
    """side of the bins of the first estimate, pixels; 1 for no bins"""
    share: float = fields.option(0.4, low=0, high=1, low_open=True)
    """weight of the counts beside the estimate before, in the last step; it falls evenly from 1 to this"""
    step: int = fields.option(4, low=1, high=SIDE)
    """pixels between the reference blocks of BM3D"""
    radius: int = fields.option(12, low=1, high=64)
    """search radius of BM3D, pixels"""

    def __post_init__(self) -> None:
        fields.check(self)

    def schedule(self, shape: tuple[int, int]) -> list[tuple[int, float]]:
        """Side of the bins and weight of the counts for every step, of a picture of this height and width.

        >>> Config().schedule((64, 64))
        [(4, 1.0), (3, 0.8), (2, 0.6), (1, 0.4)]
        """
        coarsest = max(1, min(self.coarsest, min(shape) // SIDE))
        fall = (1 - self.share) / max(coarsest - 1, 1)
        return [(side, round(1 - fall * (coarsest - side), 6)) for side in range(coarsest, 0, -1)]


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Denoise binned counts, bring them to full size, mix them with the counts, and again in smaller bins.

    With counts z and the estimate x before, v = λ z + (1 - λ) x has the mean and λ² times the variance of
    its photons, so v / λ² is stabilised by the root of Anscombe's as counts are. Bins of h x h pixels are
    sums, thus counts too. The inverse is the exact unbiased one of this mixture: the mean of the root over
    the chance of the photons, solved for the rate. Noise that does not grow with the brightness is left to
    BM3D.

    Source: after Azzari, Foi, "Variance stabilization for noisy+estimate combination in iterative Poisson
    denoising", IEEE SPL 2016; exact unbiased inverse: Makitalo, Foi, IEEE TIP 2011. Bins and weights
    are ours.
    """
    noisy = task.shots.mean(0).to(device, torch.float32)
    filter = bm3d.Config(
        step=config.step, wiener_step=config.step, radius=config.radius, wiener_radius=config.radius
    )
    if task.noise.correlated or not any(gain > 0 for gain in task.noise.gain):
        kernel = torch.from_numpy(task.noise.kernel).float().to(device)
        estimate = bm3d.restore(noisy, kernel, filter, color=task.color)
    elif all(gain > 0 for gain in task.noise.gain):
        rows, columns = inside(noisy[None])  # a border of one value, however bright, is none of the counts
        estimate = noisy.clone()
        estimate[:, rows, columns] = _of_counts(
            noisy[:, rows, columns], task.noise, config, filter, color=task.color
        )
    else:
        change = Anscombe(task.noise)
        kernel = torch.from_numpy(change.noise.kernel).float().to(device)
        estimate = change.inverse(bm3d.restore(change.forward(noisy), kernel, filter, color=task.color))
    yield Step.once(estimate)


def _of_counts(
    noisy: Tensor, noise: NoiseReport, config: Config, filter: bm3d.Config, *, color: bool
) -> Tensor:
    gain = noisy.new_tensor(noise.gain).view(-1, 1, 1)
    shift = noisy.new_tensor(noise.offset).view(-1, 1, 1) / gain**2
    counts = noisy / gain + shift  # variance and mean are one
    sky = _without_stars(counts)
    estimate = sky
    height, width = counts.shape[-2:]
    for side, share in config.schedule((height, width)):
        estimate = _one(share * sky + (1 - share) * estimate, side, share, filter, color=color)
    kept = alone(counts, estimate)
    # what the photons say of the mean is exact; a factor keeps the dark parts above 0
    faint = (1 - kept) * estimate
    own, wanted = (v.mean((-2, -1), keepdim=True) for v in (faint, counts - kept * counts))
    faint = torch.where((own > 0) & (wanted > 0), faint * wanted / own.clamp_min(1e-12), faint)
    return (faint + kept * counts - shift) * gain


def _without_stars(counts: Tensor) -> Tensor:
    """Counts (C, H, W) with the mean of what is around in place of single pixels that it would not make.

    Their light would be spread over the bins, and be a spot in the sky.
    """
    if min(counts.shape[-2:]) < 5:
        return counts
    five, three = (
        F.avg_pool2d(F.pad(counts[None], (r, r, r, r), mode="reflect"), 2 * r + 1, 1)[0] for r in (2, 1)
    )
    around = ((25 * five - 9 * three) / 16).clamp_min(0)
    star = alone(counts, around.clamp_min(0.02)) == 1
    near = F.avg_pool2d(star.float()[None], 3, 1, padding=1)[0] * 9
    return torch.where(star & (near < 1.5), around, counts)


def alone(counts: Tensor, rate: Tensor) -> Tensor:
    """From 0 to 1 how far pixels are to stay as they came, as the rate around them would not have made them.

    The chance of k photons or more is P(k, rate), the regularised lower incomplete gamma function. It may
    be a star of one pixel, which the filter takes for chance.

    >>> alone(torch.tensor([3.0, 15.0]), torch.tensor([0.5, 0.5]))
    tensor([0., 1.])
    """
    chance = torch.special.gammainc(counts.double().clamp_min(1e-6), rate.double().clamp_min(1e-6))
    rare = -chance.clamp_min(1e-30).log10()
    share = ((rare - RARE[0]) / (RARE[1] - RARE[0])).clamp(0, 1)
    return torch.where(counts > rate, share, 0.0).to(counts.dtype)


def _one(mixed: Tensor, side: int, share: float, filter: bm3d.Config, *, color: bool) -> Tensor:
    """The estimate (C, H, W) of the rate from a mixture of counts and an estimate, in bins."""
    height, width = mixed.shape[-2:]
    sums = mixed
    if side > 1:
        padded = F.pad(mixed[None], (0, -width % side, 0, -height % side), mode="replicate")
        sums = F.avg_pool2d(padded, side)[0] * side**2
    stable = 2 * (sums / share**2 + TOE).clamp_min(0).sqrt()
    kernel = torch.eye(len(mixed), device=mixed.device)[:, :, None, None]
    filtered = bm3d.restore(stable, kernel, filter, color=color)
    rate = inverse(filtered, share)
    return rate if side == 1 else _enlarged(rate / side**2, side)[:, :height, :width]


def _enlarged(bins: Tensor, side: int) -> Tensor:
    """Bicubic interpolation to `side` times the size, of which the bins have the means that they had."""
    large = F.interpolate(bins[None], scale_factor=side, mode="bicubic", align_corners=False)
    for _ in range(3):
        off = bins - F.avg_pool2d(large, side)
        large = large + F.interpolate(off, scale_factor=side, mode="bicubic", align_corners=False)
    return large[0].clamp_min(0)


def inverse(stable: Tensor, share: float) -> Tensor:
    """The rate y whose stabilised mixture is `stable` on average.

    D(y) = sum over k of the chance of k photons at y, times 2 sqrt((λ k + (1 - λ) y) / λ² + 3/8).

    Args:
        stable: any shape.
        share: λ, the weight of the counts; 1 for counts alone.

    >>> rates = torch.tensor([0.0, 0.5, 3.0, 200.0])
    >>> counts = torch.poisson(rates.repeat(200_000, 1), torch.Generator().manual_seed(0))
    >>> stable = (2 * (counts + 3 / 8).sqrt()).double().mean(0)
    >>> bool(((inverse(stable, 1.0) - rates).abs() <= 0.01 * rates + 1e-4).all())
    True
    """
    means, rates = (t.to(stable.device) for t in _table(share))
    given = stable.double()
    place = torch.searchsorted(means, given.clamp(means[0], means[-1]).contiguous()).clamp(1, len(means) - 1)
    part = (given - means[place - 1]) / (means[place] - means[place - 1])
    read = (rates[place - 1] + part * (rates[place] - rates[place - 1])).clamp_min(0)
    # D² / 4 = y / λ² + 3/8 - 1/4 but for terms that fall with the rate
    series = (given.square() / 4 - 1 / 8) * share**2
    return torch.where(given > means[-1], series, read).to(torch.float32)


@cache
def _table(share: float) -> tuple[Tensor, Tensor]:
    """Means of the stabilised mixture, and the rates that have them, upward."""
    rates = (torch.linspace(0, math.sqrt(TABLE), 400, dtype=torch.float64)) ** 2
    photons = torch.arange(TERMS, dtype=torch.float64)
    rate = rates.clamp_min(1e-12)[:, None]
    chance = (photons * rate.log() - rate - torch.lgamma(photons + 1)).exp()
    root = ((share * photons + (1 - share) * rates[:, None]) / share**2 + TOE).sqrt()
    return 2 * (chance * root).sum(1), rates


PHOTONS = Method(
    **described("photons"),
    config=Config,
    steps=steps,
    presets={"paper": Config(step=3, radius=19), "fast": Config()},
    tiling=Tiling(kind="whole", reach=64, stride=12),
    departures={
        "step": "wider steps and a nearer search halve the time",
        "radius": "see step",
    },
)
