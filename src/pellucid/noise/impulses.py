"""Salt and pepper: two heaps of values at the ends, of which what surrounds them knows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.special import ndtri
from torch import Tensor

from pellucid.noise import level, scattered
from pellucid.noise.around import Mask, Plane, beside, mended, middle, sigma_of, windows
from pellucid.noise.spectrum import SIDE
from pellucid.noise.values import rise

MUCH = 3e-3
"""share of the values from which on salt and pepper is the worst of the noise"""
LEAST = 5e-4
"""share of the values that lie at either end, at the least"""
AWAY = 0.2
"""distance from an end, of the contrast of all other values, from which on a value there stands out"""
BEYOND = 4.0
"""the same in standard deviations of the other noise"""
ALIKE = (0.65, 1.5)
"""of what surrounds a value at an end over what surrounds one that is not: chance makes them alike"""
CHANCE = 3.5
"""standard deviations by which chance may miss these"""
FEWEST = 10
"""values at an end, away from what surrounds them; of fewer nothing is told"""
NEXT = 2.0
"""pixels without a neighbour of their kind that lie half way to an end or nearer, over those at it"""
TAIL = 5.0
"""standard deviations of the other noise beyond which these are counted"""
MANY = (0.02, 0.06)
"""share of the values at an end up to which the picture may have as many there, and from which on not"""
STROKES = 0.2
"""what these may then add to the neighbours that are there, and take from the values that have none"""
SIDED = 0.1
"""of one kind over the other, at the least, where both are told; else the one is asked for more"""
ALONE = (0.14, 1.6)
"""contrast of what surrounds one kind alone, over that of all values and their noise; a sky has less"""
QUARTER = 0.12
"""lone pixels that lie a quarter of the way from one kind alone or nearer, over those at it, at the most"""
SAMPLE = 200_000
"""values that are looked at"""
WINDOW = 256
CONTRAST = 0.06
"""of the contrast of all other values: two neighbours so near to a value at an end are its own kind"""
VARIED = 256
"""values, different ones, of which heaps are looked for between the ends"""
HEAPED = (21, 6.0)
"""values around one, and how much oftener than these it comes where it is a heap"""
RARE = 4.0
"""standard deviations that more than chance is off"""


@dataclass(frozen=True, kw_only=True)
class Impulses:
    """Salt and pepper.

    Attributes:
        low: the value of pepper, NaN where there is none (as of a sensor some of whose pixels are blind).
        high: that of salt, or NaN. Where both are, impulses have any value.
        shares: of all values that are pepper, and that are salt.
        span: contrast of all other values.
        sigma: standard deviation of the noise of these, at most; fine detail adds to it.
    """

    low: float
    high: float
    shares: tuple[float, float]
    span: float
    sigma: float

    @property
    def share(self) -> float:
        """Of all values that are one of them."""
        return sum(self.shares)


def find(views: Sequence[Tensor]) -> Impulses | None:
    """The salt and pepper of windows (C, h, w) of a picture, or None where there is none.

    Each kind is a heap at one value. Where the picture itself is far from that value, a pixel lies at it
    by chance alone: as often in the darker as in the brighter of these places, and its eight neighbours lie
    there (or half way) as often as those of a pixel that does not. Strokes and texture have neighbours of
    their kind, the dots of a print and of dither have too few. One kind alone must be so over a picture of
    much contrast, or of many pixels, and hardly a lone pixel may lie near it: stars do.

    Source: ours.

    >>> draws = torch.Generator().manual_seed(0)
    >>> x, chance = torch.full((1, 64, 64), 90.0), torch.rand(1, 64, 64, generator=draws)
    >>> find([x]) is None
    True
    >>> x[chance < 0.1], x[chance > 0.9] = 5.0, 200.0
    >>> found = find([x])
    >>> found.low, found.high, round(found.share, 1)
    (5.0, 200.0, 0.2)
    """
    planes = _planes(views)
    if not planes:
        return None
    values = np.concatenate([p.ravel() for p in planes])
    found = _between(planes, values, *_ends(values))
    if found is not None:
        return found
    told = scattered.find(planes)
    if told is None:
        return None
    share, span, sigma = told
    return Impulses(low=np.nan, high=np.nan, shares=(share / 2, share / 2), span=span, sigma=sigma)


def marked(plane: Plane, found: Impulses) -> Mask:
    """(H, W) the pixels at one of the two values, but for those of which two neighbours are near it."""
    if np.isnan(found.low) and np.isnan(found.high):
        return scattered.marked(plane, found.span, found.share)
    ends = (plane == found.low) | (plane == found.high)
    sound = np.where(ends & ~_blown(plane, ends, found), np.nan, plane)
    near = np.abs(windows(sound, ends, 1, mirror=True) - plane[ends][:, None]) <= CONTRAST * found.span
    near[:, 4] = False
    result: Mask = ends.copy()
    result[ends] = near.sum(1) < 2
    return result


def _planes(views: Sequence[Tensor]) -> list[Plane]:
    """Planes (h, w) of at most WINDOW pixels a side, spread evenly, some SAMPLE values in all."""
    parts = []
    for view in views:
        rows, columns = (range(0, max(n - WINDOW // 2, 1), WINDOW) for n in view.shape[-2:])
        parts += [view[:, y : y + WINDOW, x : x + WINDOW] for y in rows for x in columns]
    parts = [p for p in parts if min(p.shape[-2:]) >= SIDE]
    count = sum(p.numel() for p in parts)
    every = max(1, round(count / SAMPLE))
    return [plane.numpy().astype(np.float32) for part in parts[::every] for plane in part]


def _ends(values: NDArray[Any]) -> tuple[float, float]:
    """The values at which salt and pepper may lie: the ends of the range, or the largest heaps; NaN for none.

    What other noise was added to a picture of floats may lie beyond black and white.
    """
    ends = [float(values.min()), float(values.max())]
    least = max(LEAST * len(values), 8.0)
    heaped = [(values == end).sum() > least for end in ends]
    if ends[0] == ends[1]:
        return np.nan, np.nan
    if not all(heaped):
        distinct, counts = np.unique(values, return_counts=True)
        heaps = (counts > least) & (counts > HEAPED[1] * median_filter(counts, HEAPED[0]))
        heaps &= len(distinct) >= VARIED
        middle = float(np.median(values))
        for i, side in enumerate((heaps & (distinct < middle), heaps & (distinct > middle))):
            if not heaped[i]:
                ends[i] = float(distinct[np.where(side, counts, 0).argmax()]) if side.any() else np.nan
    return ends[0], ends[1]


def _between(planes: Sequence[Plane], values: NDArray[Any], low: float, high: float) -> Impulses | None:
    """Salt and pepper of these two values, if they are; or one of them alone."""
    if np.isnan(low) and np.isnan(high):
        return None
    sound = values[(values != low) & (values != high)]
    if len(sound) < 0.2 * len(values):
        return None
    ends = np.quantile(sound[:: max(1, len(sound) // SAMPLE)], (0.005, 0.995))
    span = float(ends[1] - ends[0]) or float(values.max() - values.min())
    bad = [(p == low) | (p == high) for p in planes]
    sigma = sigma_of(planes, bad)
    least = max(AWAY * span, BEYOND * sigma)
    shares: list[float] = []
    alone: list[bool] = []
    for sign, end in ((1.0, low), (-1.0, high)):
        if np.isnan(end):
            shares.append(0.0)
            alone.append(False)
            continue
        # pepper is looked at as it is, salt upside down
        seen = [_seen(sign * p, out, sign * end, least) for p, out in zip(planes, bad, strict=True)]
        own, away, half = (np.concatenate(part) for part in zip(*seen, strict=True))
        shares.append(_by_chance(own, away, half, sigma) or 0.0)
        alone.append(bool(shares[-1]) and _surely(own, away, half, shares[-1], span, sigma))
    if min(shares) > SIDED * max(shares):
        return Impulses(low=low, high=high, shares=(shares[0], shares[1]), span=span, sigma=sigma)
    side = int(np.argmax(shares))
    if not alone[side]:
        return None
    if side == 0:
        return Impulses(low=low, high=np.nan, shares=(shares[0], 0.0), span=span, sigma=sigma)
    return Impulses(low=np.nan, high=high, shares=(0.0, shares[1]), span=span, sigma=sigma)


def _surely(own: Plane, away: Plane, half: NDArray[np.int_], share: float, span: float, sigma: float) -> bool:
    """Whether one kind alone of this share is told; arguments as `_seen` gives."""
    lone = half == 0
    nearer, farther = np.quantile(away, (0.1, 0.9))
    there, between = int((lone & (own == 0)).sum()), int((lone & (own > 0) & (own < 0.25)).sum())
    contrast = farther - nearer > max(ALONE[0] * span, ALONE[1] * sigma)
    return bool((contrast or share > MANY[1]) and there >= 2 * FEWEST and between <= QUARTER * there)


def _seen(plane: Plane, bad: Mask, end: float, least: float) -> tuple[Plane, Plane, NDArray[np.int_]]:
    """Of all inner pixels that lie in what is far above an end: how far they are from it, of how far what is
    around them is; that; and how many of their neighbours lie at it or more than half way to it.
    """
    inner, around, out = plane[1:-1, 1:-1], beside(plane), beside(bad)
    some = (~out).sum(0) >= 3
    neighbours, out = around[:, some], out[:, some]
    away = middle(np.where(out, np.nan, neighbours).T) - end
    far = away > least
    half = (neighbours[:, far] - end < away[far] / 2).sum(0)
    own = (inner[some][far] - end) / away[far]
    return own, away[far], half


def _by_chance(own: Plane, away: Plane, half: NDArray[np.int_], sigma: float) -> float | None:
    """The share of the pixels that are there, if nothing but chance tells which; arguments as `_seen` gives.

    Three figures are compared that chance makes alike: how often it is in the nearer and in the farther half
    of the places, how many neighbours are there with it and without it, and how often none is. And lone
    pixels are there rather than half way, where the tail of other noise would bring more.
    """
    there = own == 0
    count, total = int(there.sum()), len(there)
    if count < FEWEST or total < 20 * FEWEST or total < 2 * count:
        return None
    lone, nearer = half == 0, away < np.median(away)
    beside = 1 - np.clip(TAIL * sigma / away, 0.5, 0.8)
    if (lone & ~there & (own < beside)).sum() > NEXT * (lone & there).sum():
        return None
    mixed = 1 - rise(count / total, *MANY)
    ways = [
        ((there & lone)[nearer], (there & lone)[~nearer], 0.0),
        (half[there] / 8, half[~there] / 8, mixed * STROKES),
        (lone[there], lone[~there], mixed * STROKES),
    ]
    for with_it, without, more in ways:
        if not len(with_it) or not len(without):
            continue
        one, other = float(with_it.mean()), float(without.mean())
        slack = more + CHANCE * float(np.sqrt(_error(with_it) + _error(without)))
        if not ALIKE[0] * other - slack <= one <= ALIKE[1] * other + slack:
            return None
    return float((there & lone).sum() / max(lone.sum(), 1))


def _error(values: NDArray[Any]) -> float:
    """Variance of a mean."""
    return float(np.var(values)) / len(values)


def _blown(plane: Plane, ends: Mask, found: Impulses) -> Mask:
    """Where more of a wide window is at one end than chance puts there: it is black or white there."""
    here = plane[ends][:, None]
    around = windows(plane, ends, 3)
    alike = (around == here).sum(1) / np.isfinite(around).sum(1)
    share = np.where(here[:, 0] == found.low, *found.shares)
    blown = np.zeros_like(ends)
    blown[ends] = alike > np.maximum(0.5, share + RARE * np.sqrt(share * (1 - share) / around.shape[1]))
    return blown


def roughened(plane: Plane, spoilt: Mask, sigma: float, draws: np.random.Generator) -> Plane:
    """(H, W) with noise where a median stands, as much as that took off there: its noise reads as all other.

    A median of k values of standard deviation sigma keeps 1.57 / k of their variance.

    Args:
        plane: mended.
        spoilt: where.
        sigma: of the other noise.
        draws: the noise.
    """
    kept = 1.57 / max(8 * (1 - float(spoilt.mean())), 3.0)
    added = sigma * (1 - kept) ** 0.5 * draws.standard_normal(plane.shape)
    return np.where(spoilt, plane + added, plane).astype(np.float32)


def to_measure(pixels: Tensor, spoilt: Tensor) -> Tensor:
    """Pictures (N, C, H, W) in which the noise of mended places reads as that of all others.

    Their level is that of Chen, Zhu and Heng, as far as medians have not lowered it: detail raises that
    least. Drawn by a seed of its own.
    """
    result = pixels.clone()
    draws = np.random.default_rng(0)
    for picture, places in zip(result, spoilt, strict=True):
        if not places.any():
            continue
        share = float(places.float().mean())
        sigma = level.chen(picture) / (1 - 0.75 * min(share, 0.9)) ** 0.5
        for plane, bad in zip(picture, places, strict=True):
            plane.copy_(torch.from_numpy(roughened(plane.numpy(), bad.numpy(), sigma, draws)))
    return result


def sound(pixels: Tensor) -> tuple[Tensor, Tensor | None, tuple[Impulses, ...]]:
    """Pictures (N, C, H, W) without their salt and pepper, where that was, and what of it there is.

    Returns:
        the very tensor and None where nothing was found.
    """
    result, spoilt, told = pixels, None, []
    for index, picture in enumerate(pixels):
        found = find([picture]) if min(picture.shape[-2:]) >= SIDE else None
        if found is None or found.share < MUCH:
            continue
        if spoilt is None:
            result, spoilt = pixels.clone(), torch.zeros(pixels.shape, dtype=torch.bool)
        told.append(found)
        bad = np.stack([marked(plane, found) for plane in picture.numpy()])
        whole = np.stack([mended(plane, out) for plane, out in zip(picture.numpy(), bad, strict=True)])
        # what other noise brought to an end oftener than chance would is none of them
        near = level.chen(torch.from_numpy(whole)) * -float(ndtri(min(max(found.shares), 0.5)))
        bad &= np.abs(whole - picture.numpy()) > near
        spoilt[index] = torch.from_numpy(bad)
        result[index] = torch.where(spoilt[index], torch.from_numpy(whole), picture)
    return result, spoilt, tuple(told)
