"""Impulses of any value: single pixels of which neither the place nor the value knows of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.noise.around import Mask, Plane, beside, middle, sigma_of, windows

AWAY = 0.2
"""distance from what is around it, of the range of all values, from which on a pixel stands out"""
BEYOND = 5.0
"""the same in standard deviations of the other noise"""
FEWEST = 2e-3
"""share of the pixels that stand out alone, at the least"""
COUNT = 60
"""how many these must be"""
RANGE = 0.7
"""of the range of all values that theirs have, at the least"""
EVEN = 0.06
"""distance of the distribution of their values from an even one, at the most"""
SLACK = 1.0
"""what chance adds to that, over the root of their number"""
ALIKE = 1.5
"""how often they are in the darker half of the picture over how often in the brighter, or the reverse"""
CHANCE = 3.5
"""what chance adds to that, over the root of their number"""
DEVIATIONS = ((0.05, 3.0), (0.15, 2.0), (1.0, 1.5))
"""of what is around it, from which on a pixel is taken for one, where their share is up to this"""
STRICT = (2.5, 1.75, 1.0)
"""these limits in the first, second and last pass, each without what the one before had found"""
LEAST = 0.06
"""the same of the contrast"""
KIND = (0.04, 1.5)
"""of the contrast, and of the noise: neighbours so near to a pixel are of its kind"""
STROKE = 2
"""neighbours of its kind that a sound pixel has, as in a stroke"""


def find(planes: Sequence[Plane]) -> tuple[float, float, float] | None:
    """Share of the impulses of any value in planes (h, w), contrast and noise of all others; or None.

    Pixels are counted that stand out of the eight around them where these are calm. In pictures there are the
    fewer of them the farther out they stand; of those that chance made, any value is as frequent as any
    other, over the whole range of values, and there are as many in the dark as in the bright.

    Source: ours.

    >>> draws = np.random.default_rng(0)
    >>> x = draws.normal(90, 2, (64, 64)).astype(np.float32)
    >>> find([x]) is None
    True
    >>> x[draws.random(x.shape) < 0.1] = 255 * draws.random()
    >>> find([x]) is None
    True
    >>> spoilt = draws.random(x.shape) < 0.1
    >>> x[spoilt] = 255 * draws.random(int(spoilt.sum()))
    """
    low, high = min(float(p.min()) for p in planes), max(float(p.max()) for p in planes)
    if not high > low or sum(_abrupt(p, AWAY * (high - low)) for p in planes) < FEWEST / 2 * _size(planes):
        return None
    sigma = sigma_of(planes, [np.zeros(p.shape, dtype=bool) for p in planes])
    least = max(AWAY * (high - low), BEYOND * sigma)
    seen = [(p[1:-1, 1:-1], *_around(p, least)) for p in planes]
    inner, centre, calm = (
        np.concatenate([part.ravel() for part in parts]) for parts in zip(*seen, strict=True)
    )
    alone = calm & (np.abs(inner - centre) > least)
    values, around = inner[alone], centre[alone]
    enough = len(values) >= max(COUNT, FEWEST * _size(planes))
    if not enough or np.ptp(values) < RANGE * (high - low):
        return None
    places, darker = _places(values, around, least), around < np.median(around)
    for part, limit in ((places, EVEN), (places[darker], 1.5 * EVEN), (places[~darker], 1.5 * EVEN)):
        if not len(part) or _uneven(part) > limit + SLACK / np.sqrt(len(part)):
            return None
    if not _anywhere(values, around, centre[calm], least):
        return None
    spans = [np.quantile(middling, (0.005, 0.995)) for _, middling, _ in seen]
    span = float(np.max(spans) - np.min(spans))
    spoilt = [marked(p, span, 0.0) for p in planes]
    share = float(np.concatenate([s.ravel() for s in spoilt]).mean())
    return share, span, sigma_of(planes, spoilt)


def marked(plane: Plane, span: float, share: float) -> Mask:
    """(H, W) the pixels that are impulses of any value, or as far off as these: a median is nearer the truth.

    Args:
        plane: (H, W).
        span: contrast of the picture.
        share: of the impulses.
    """
    spoilt: Mask = np.zeros(plane.shape, dtype=bool)
    every = np.ones(plane.shape, dtype=bool)
    far = next(d for most, d in DEVIATIONS if share <= most)
    for strict in STRICT:
        sigma = sigma_of([plane], [spoilt])
        own = plane.ravel()
        wide = windows(np.where(spoilt, np.nan, plane).astype(np.float32), every, 2).copy()
        wide[:, 12] = np.nan
        near = wide.reshape(-1, 5, 5)[:, 1:4, 1:4].reshape(-1, 9)
        centre = _middle(near, wide)
        spread = 1.4826 * _middle(np.abs(near - centre[:, None]), np.abs(wide - centre[:, None]))
        kind = (np.abs(near - own[:, None]) <= max(KIND[0] * span, KIND[1] * sigma)).sum(1)
        limit = np.maximum(LEAST * span, far * strict * np.maximum(spread, sigma))
        spoilt = ((np.abs(own - centre) > limit) & (kind < STROKE)).reshape(plane.shape)
    return spoilt


def _size(planes: Sequence[Plane]) -> int:
    return sum(p.size for p in planes)


def _abrupt(plane: Plane, least: float) -> int:
    """How many pixels stand out of their four next by so much, on one side: a quick count."""
    inner, first = plane[1:-1, 1:-1], plane[:-2, 1:-1]
    others = (plane[2:, 1:-1], plane[1:-1, :-2], plane[1:-1, 2:])
    low, high = first, first
    for other in others:
        low, high = np.minimum(low, other), np.maximum(high, other)
    return int(((inner > high + least / 2) | (inner < low - least / 2)).sum())


def _around(plane: Plane, least: float) -> tuple[Plane, Mask]:
    """The median of what is around all inner pixels, and where that is calm.

    What is calm does not depend on the pixel itself: so each value has the same chance to be counted.
    """
    near = beside(plane)
    centre = np.median(near, 0)
    return centre, (np.abs(near - centre) < least / 2).all(0)


def _places(values: Plane, centre: Plane, least: float) -> NDArray[np.float64]:
    """Where each value lies among all that would stand out there, from 0 to 1."""
    low, high = float(values.min()), float(values.max())
    below, above = np.maximum(centre - least - low, 0), np.maximum(high - centre - least, 0)
    place = np.where(values < centre, values - low, below + values - centre - least)
    return np.asarray(place / np.maximum(below + above, 1e-12 * (high - low)), dtype=np.float64)


def _anywhere(values: Plane, around: Plane, calm: Plane, least: float) -> bool:
    """Whether there are as many in the darker half of the calm places as in the brighter, for their room."""
    low, high = float(values.min()), float(values.max())
    middling = np.median(calm)
    rates: list[float] = []
    counts: list[int] = []
    for side in (np.less, np.greater_equal):
        count, places = int(side(around, middling).sum()), calm[side(calm, middling)]
        room = np.maximum(places - least - low, 0) + np.maximum(high - places - least, 0)
        rates.append((count + 1) / (float(room.sum()) / (high - low) + 1))
        counts.append(count)
    slack = CHANCE / np.sqrt(max(min(counts), 1))
    return bool(min(rates) * (ALIKE + slack) >= max(rates))


def _uneven(places: NDArray[np.float64]) -> float:
    """Largest distance of the distribution of these from an even one, from 0 to 1."""
    ordered = np.sort(places)
    return float(np.abs(ordered - (np.arange(len(ordered)) + 0.5) / len(ordered)).max())


def _middle(near: Plane, wide: Plane) -> Plane:
    """The median of each row of (n, 9), and of that of (n, 25) where it has less than three numbers."""
    result = middle(near, 3)
    few = np.isnan(result)
    result[few] = middle(wide[few])
    return result
