"""BM3D's engine: groups of similar blocks, filtered together in a 3-D transform domain; in tensors here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pellucid import devices
from pellucid.methods.filters import blocks
from pellucid.methods.filters.blocks import AREA, SIDE, BlockRegion
from pellucid.methods.filters.variance import Covariances, covariances, group_variance

CHUNK = 2048  # blocks per batch: small enough for the cache of a core, large enough to hide the call
SMALLEST = 1e-12


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Constants of one stage.

    Attributes:
        transform: 2-D transform of the blocks.
        step: pixels between reference blocks.
        radius: search radius; stride: pixels between candidates.
        group: largest number of blocks in a group, a power of two.
        limit: largest squared distance per pixel of a block to its reference, in noise variances of the
        guide. strength: threshold in standard deviations (first stage) or factor on the noise variance
        (second stage). beta: shape of the Kaiser window of the aggregation. shift: rows and columns by which
        reference blocks are moved, on a processor. levels: multiples of the measured level at which the noise
        may lie; the gain of a coefficient is the mean over them.
    """

    transform: str
    step: int
    radius: int
    group: int
    limit: float
    strength: float
    stride: int = 1
    beta: float = 2.0
    shift: tuple[int, int] = (0, 0)
    levels: tuple[float, ...] = (1.0,)

    def limits(self, pilot: bool) -> list[float]:
        """What each of the levels is measured by: see `grouping.shrinkage.shrink`."""
        if pilot:
            return [self.strength * level**2 for level in self.levels]
        return [(self.strength * level) ** 2 for level in self.levels]


def filter_image(
    noisy: Tensor, pilot: Tensor | None, kernel: Tensor, stage: Stage, *, where: Tensor | None = None
) -> Tensor:
    """One stage of BM3D over a whole image: hard thresholding, or Wiener shrinkage where there is a pilot.

    Compiled loops on a processor (`grouping`), tensors on an accelerator (`filter_regions`); they agree but
    for rounding, which may order candidates that are as like as each other another way.

    Args:
        noisy: (C, H, W) channels that share their groups; the first one is matched.
        pilot: (C, H, W) first estimate, or None.
        kernel: (C, 2L+1, 2L+1) autocovariance of the noise.
        stage: its constants.
        where: (H, W) bool, the pixels that are asked for, or None for all; on a processor the others need
            not be looked at, and may come back as they are.

    Returns:
        (C, H, W) estimate.

    Source: Dabov, Foi, Katkovnik, Egiazarian, IEEE TIP 2007; group variances after Makinen, Azzari, Foi,
    IEEE TIP 2020.
    """
    if noisy.device.type != "cpu":
        return filter_regions(noisy, pilot, kernel, stage)
    from pellucid.methods.filters.grouping import passes, tables  # they load a compiler, which an
    from pellucid.methods.filters.grouping.search import Window  # accelerator has no use for

    noise = tables.noise(covariances(kernel, stage.transform, 2 * stage.radius), len(noisy))
    groups = passes.Groups(
        window=Window(depth=1, side=SIDE, reach=0, radius=stage.radius, stride=stage.stride),
        step=stage.step,
        count=stage.group,
        limit=stage.limit * AREA * float(noise.factor[0]),
        shift=stage.shift,
    )
    estimate = passes.stage(
        noisy.detach().numpy()[:, None],
        None if pilot is None else pilot.detach().numpy()[:, None],
        groups,
        tables.basis(stage.transform, stage.beta),
        noise,
        np.array(stage.limits(pilot is not None), np.float32),
        where=None if where is None else where.numpy()[None],
    )
    return torch.from_numpy(estimate[:, 0])


def filter_regions(
    noisy: Tensor, pilot: Tensor | None, kernel: Tensor, stage: Stage, *, tile: tuple[int, int] = (96, 192)
) -> Tensor:
    """The same in tensors, for accelerators: see `filter_image`.

    The image is worked through region by region to bound the memory; the sums of all regions meet before the
    division, so that the regions leave no trace. `tile` is the reference area of a region in pixels.
    """
    _, height, width = noisy.shape
    positions = (height - SIDE + 1, width - SIDE + 1)
    margin = stage.radius
    known = covariances(kernel, stage.transform, 2 * stage.radius)
    padded = blocks.pad(noisy, margin)
    model = None if pilot is None else blocks.pad(pilot, margin)
    total, weight = torch.zeros_like(padded), torch.zeros_like(padded)
    rows, columns = (_references(n, stage.step) for n in positions)
    parts = [
        (down, across)
        for down in torch.split(rows, max(1, tile[0] // stage.step))
        for across in torch.split(columns, max(1, tile[1] // stage.step))
    ]

    def work(part: tuple[Tensor, Tensor]) -> tuple[BlockRegion, Tensor, Tensor]:
        region = BlockRegion.around(*part, margin)
        found = _match(padded if model is None else model, region, *part, positions, known, stage)
        sums, shares = _region(padded, model, region, found, known, stage)
        return region, *blocks.fold(sums, shares, region, stage.transform, stage.beta)

    for region, pixels, weights in devices.spread(work, parts, noisy.device):
        region.cut(total).add_(pixels)
        region.cut(weight).add_(weights)
    core = (slice(None), slice(margin, margin + height), slice(margin, margin + width))
    return total[core] / weight[core]


def _references(count: int, step: int) -> Tensor:
    """Positions 0, step, 2 step … and always the last one."""
    rows = torch.arange(0, count, step)
    return rows if int(rows[-1]) == count - 1 else torch.cat([rows, torch.tensor([count - 1])])


def _regular(positions: Tensor, step: int) -> list[Tensor]:
    """Split positions into runs of constant step (the last reference may break the rhythm)."""
    if len(positions) > 1 and int(positions[-1] - positions[-2]) != step:
        return [positions[:-1], positions[-1:]]
    return [positions]


def _match(
    guide: Tensor,
    region: BlockRegion,
    down: Tensor,
    across: Tensor,
    positions: tuple[int, int],
    known: Covariances,
    stage: Stage,
) -> list[Tensor]:
    """Groups by size: for 1, 2, 4 … blocks the (R, size) flat positions in the region."""
    features = blocks.table(region.cut(guide[:1]))[:, 0].reshape(region.rows, region.columns, AREA)
    penalty = blocks.inside(region, positions, guide.device)
    parts = [
        blocks.match(
            features, penalty, r - region.top + stage.radius, c - region.left + stage.radius, step=stage.step,
            radius=stage.radius, stride=stage.stride, count=stage.group,
        )
        for r in _regular(down, stage.step)
        for c in _regular(across, stage.step)
    ]  # fmt: skip
    distance, where = (torch.cat(p) for p in zip(*parts, strict=True))
    reach = stage.limit * AREA * float(known.variance[:AREA].mean())
    similar = (distance <= reach).sum(1).clamp_min(1)
    groups = []
    size = 1
    while size <= stage.group:
        mine = (similar >= size) & ((similar < 2 * size) | (size == stage.group))
        if mine.any():
            groups.append(where[mine, :size])
        size *= 2
    return groups


def _region(
    noisy: Tensor,
    model: Tensor | None,
    region: BlockRegion,
    groups: list[Tensor],
    known: Covariances,
    stage: Stage,
) -> tuple[Tensor, Tensor]:
    """Filter the groups of a region: weighted sums of coefficients (L, C * 64) and weights (L, C) by
    position.
    """
    channels = noisy.shape[0]
    forward = blocks.basis(stage.transform)[0].to(noisy.device).T
    flat = channels * AREA
    data = (blocks.table(region.cut(noisy)) @ forward).view(-1, flat)
    guess = None if model is None else (blocks.table(region.cut(model)) @ forward).view(-1, flat)
    sums, weights = torch.zeros_like(data), data.new_zeros(data.shape[0], channels)
    scale = known.variance.view(channels, AREA).mean(1).clamp_min(SMALLEST)
    for places in groups:
        size = places.shape[1]
        haar = blocks.haar(size).to(data.device)
        for place in torch.split(places, max(1, CHUNK // size)):
            variance = group_variance(place // region.columns, place % region.columns, known)
            group = torch.matmul(haar, data[place])
            if guess is None:
                gain = _threshold(group.square(), variance, stage)
            else:
                gain = _wiener(torch.matmul(haar, guess[place]).square_(), variance, stage)
            group *= gain
            cost = variance.mul_(gain).mul_(gain)
            share = scale / cost.view(-1, size, channels, AREA).sum((1, 3)).clamp_min_(SMALLEST)
            group.view(-1, size, channels, AREA).mul_(share[:, None, :, None])
            back = torch.matmul(haar.T, group)
            index = place.reshape(-1)
            sums.index_add_(0, index, back.view(-1, flat))
            weights.index_add_(0, index, share.repeat_interleave(size, 0))
    return sums, weights


def _threshold(power: Tensor, variance: Tensor, stage: Stage) -> Tensor:
    """The share of the levels at which a coefficient of this power is above the threshold."""
    first, *others = stage.limits(pilot=False)
    kept = power > first * variance
    if not others:
        return kept
    gain = kept.to(power)
    for limit in others:
        gain += power > limit * variance
    return gain.div_(len(stage.levels))


def _wiener(power: Tensor, variance: Tensor, stage: Stage) -> Tensor:
    """Wiener's gain for a coefficient whose pilot has this power, the mean over the levels; reuses power."""
    first, *others = stage.limits(pilot=True)
    if not others:
        return power.div_(power.add(variance, alpha=first).add_(SMALLEST))
    gain = power / power.add(variance, alpha=first).add_(SMALLEST)
    for factor in others:
        gain += power / power.add(variance, alpha=factor).add_(SMALLEST)
    return gain.div_(len(stage.levels))
