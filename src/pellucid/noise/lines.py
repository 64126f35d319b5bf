"""Row and column offsets: every line of a sensor its own value added, as amplifiers and read-out leave it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from pellucid import devices
from pellucid.noise.calm import calmer
from pellucid.noise.shown import Flags, shown

Floats = NDArray[np.float64]

SEGMENT = 8  # pixels of a row that count as one
FEWEST = 8  # segments, and half as many known ones, with which a row says something
LINES = 40  # rows without which no pattern of theirs shows
TOGETHER = 0.55  # correlation between the steps of left and right half, and of low and high quartile
INDEPENDENT = (-0.75, -0.22)  # correlation of a step with the next; -1/2 where offsets are independent
PERIODIC = 0.5  # correlation with a farther one, from which on the rows repeat, as drawn lines do
SHAPELESS = 0.3  # rank correlation of the size of a step with the spread within; text has 0.7 and more
SEEN = 1.0  # median step over its standard error
LARGEST = 3.0  # spread of the offsets over that of the picture along its rows
STRAY = 4.0  # robust standard deviations beyond which a step is an edge of the picture
STRAYS = 0.1  # share of such steps, at the most
MAD = 1.4826  # standard deviation of a Gaussian over the median of its absolute values
MEDIAN = 1.2533  # standard error of a median over that of a mean
SLANT = 1.5  # factor on it for the slope of the picture itself (fitted to nine pictures with offsets drawn)


def without(planes: NDArray[Any], holes: Flags | None = None) -> tuple[NDArray[Any], float, float]:
    """Shots of a scene without the offsets of their rows, then of their columns.

    What shows nothing (holes, borders, saturated parts) is left as it is.

    Args:
        planes: (S, N, C, H, W).
        holes: (N, C, H, W) where nothing is known, or None.

    Returns:
        the very array where nothing was found; the root mean square over the planes of the standard deviation
        of what was taken off the rows, and off the columns, 0 where nothing was.
    """
    result, places = planes, list(np.ndindex(planes.shape[:3]))

    def plane_without(place: tuple[int, ...]) -> tuple[NDArray[Any], list[Floats | None]]:
        plane, both = planes[place], []
        known = shown(plane, None if holes is None else holes[place[1:]])
        for axis in (0, 1):
            seen = known.swapaxes(0, axis)
            found = offsets(plane.swapaxes(0, axis).astype(np.float64), seen)
            if found is not None:
                taken = np.where(seen, found[:, None], 0.0).swapaxes(0, axis)
                plane = plane - taken.astype(planes.dtype)
            both.append(found)
        return plane, both

    spreads: tuple[list[float], list[float]] = ([], [])
    done = devices.spread(plane_without, places, torch.device("cpu"))
    for place, (plane, both) in zip(places, done, strict=True):
        for spread, found in zip(spreads, both, strict=True):
            if found is not None:
                result = planes.copy() if result is planes else result
                result[place] = plane
                spread.append(float(np.std(found)))
    rows, columns = (float(np.sqrt(np.mean(np.square(s)))) if s else 0.0 for s in spreads)
    return result, rows, columns


def offsets(plane: Floats, known: Flags) -> Floats | None:
    """What was added to every row, or None where the rows have no offsets of their own.

    The step from a row to the next is the mean difference of segments of 8 pixels, the median over the row,
    so that edges and texture hardly count. Steps of a sensor are the same on the left and on the right, for
    low and for high quartiles, whatever the spread within the row, and independent from row to row; those of
    a picture are not. From them

        r = argmin  Σ w_i (r_{i+1} - r_i - d_i)² + Σ r_i² / v,

    w_i the inverse variance of the step d_i, 0 for one that stands out as an edge, v the variance of the
    offsets. What varies slowly from row to row is left in the picture, as the picture does so too.

    Args:
        plane: (H, W).
        known: where it shows something: no hole, no border, nothing saturated.

    Returns:
        (H,) offsets of mean 0, in the units of the plane.

    Source: ours; on 480 clean photographs, pages, micrographs and camera crops nothing is found.

    >>> draws = np.random.default_rng(0)
    >>> added = draws.normal(0, 1, (80, 1))
    >>> found = offsets(10 + added + draws.normal(0, 1, (80, 90)), np.ones((80, 90), bool))
    >>> bool(np.std(found - added[:, 0]) < 0.4)
    True
    >>> offsets(draws.normal(0, 1, (80, 90)), np.ones((80, 90), bool)) is None
    True
    """
    height, width = plane.shape
    if height < LINES or width < FEWEST * SEGMENT:
        return None
    segments = _segments(plane, known)
    seen = np.isfinite(segments).sum(1) >= FEWEST / 2
    if seen.sum() < LINES:
        return None
    step, error, low, high = (np.zeros(height - 1) for _ in range(4))
    low[seen], step[seen], high[seen] = _quantiles(segments[seen], 0.25, 0.5, 0.75)
    (apart,) = _quantiles(np.abs(segments[seen] - step[seen][:, None]), 0.5)
    error[seen] = SLANT * MAD * MEDIAN * apart / np.sqrt(np.isfinite(segments[seen]).sum(1))
    if not _shows(plane, known, segments[seen], step[seen], low[seen], high[seen], error[seen], seen):
        return None
    found = _solved(step, error, seen)
    return found if calmer(plane, plane - found[:, None], known) else None


def _segments(plane: Floats, known: Flags) -> Floats:
    """(H - 1, n) mean difference of each segment to the row below, NaN where it is hardly known."""
    count = plane.shape[1] // SEGMENT
    both = (known[1:] & known[:-1])[:, : count * SEGMENT].reshape(-1, count, SEGMENT)
    steps = np.diff(plane, axis=0)[:, : count * SEGMENT].reshape(-1, count, SEGMENT)
    number = both.sum(2)
    total: Floats = np.where(both, steps, 0.0).sum(2)
    return np.where(number >= SEGMENT / 2, total / np.maximum(number, 1), np.nan)


def _quantiles(values: Floats, *wanted: float) -> list[Floats]:
    """Of every row of (n, m), of what is no NaN in it."""
    ordered, last = np.sort(values, 1), np.isfinite(values).sum(1) - 1
    found, row = [], np.arange(len(values))
    for share in wanted:
        place = share * last
        below = np.floor(place).astype(int)
        above = np.minimum(below + 1, last)
        found.append(ordered[row, below] * (1 - place + below) + ordered[row, above] * (place - below))
    return found


def _spread(values: Floats) -> float:
    return MAD * float(np.median(np.abs(values - np.median(values))))


def _shows(
    plane: Floats,
    known: Flags,
    segments: Floats,
    step: Floats,
    low: Floats,
    high: Floats,
    error: Floats,
    seen: Flags,
) -> bool:
    """Whether the steps are those of a sensor, by all signs together."""
    spread = _spread(step)
    away = np.abs(step - np.median(step))
    if spread <= 0 or float(np.median(away)) < SEEN * float(np.median(error)):
        return False
    if float((away > STRAY * spread).mean()) > STRAYS:
        return False
    if float(np.median(high - low)) <= 0 or abs(rank_correlation(away, high - low)) > SHAPELESS:
        return False
    if _correlation(low, high, spread) < TOGETHER:
        return False
    half = segments.shape[1] // 2
    sides = [np.isfinite(part).sum(1) >= 3 for part in (segments[:, :half], segments[:, half:])]
    both = sides[0] & sides[1]
    if both.sum() >= LINES:
        (left,), (right,) = (_quantiles(part[both], 0.5) for part in (segments[:, :half], segments[:, half:]))
        if _correlation(left, right, spread) < TOGETHER:
            return False
    centred = np.zeros(len(seen))
    centred[seen] = np.clip(step - np.median(step), -3 * spread, 3 * spread)
    alike = [_with_next(centred, seen, lag) for lag in range(1, min(32, len(step) // 4))]
    if not INDEPENDENT[0] < alike[0] < INDEPENDENT[1] or max(map(abs, alike[1:])) > PERIODIC:
        return False
    values = plane[known]
    return bool(spread / np.sqrt(2) < LARGEST * _spread(values[:: max(1, values.size // 200_000)]))


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's rank correlation of two lists, ties sharing their mean rank; 0 where one is constant.

    `scipy.stats` has it as well, and takes a fifth of the time of every start to load.

    >>> rank_correlation(np.array([1.0, 2.0, 5.0]), np.array([1.0, 4.0, 9.0]))
    1.0
    """
    ranks = []
    for values in (one, other):
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        ranks.append((count.cumsum() - (count - 1) / 2)[place])
    spreads = [float(rank.std()) for rank in ranks]
    if min(spreads) == 0:
        return 0.0
    covariance = float(np.mean((ranks[0] - ranks[0].mean()) * (ranks[1] - ranks[1].mean())))
    return round(covariance / (spreads[0] * spreads[1]), 12)


def _correlation(a: Floats, b: Floats, spread: float) -> float:
    """Of two series, after what stands out is cut."""
    a, b = (np.clip(x - np.median(x), -3 * spread, 3 * spread) for x in (a, b))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt(np.mean(a * a) * np.mean(b * b)))
    return float(np.mean(a * b)) / size if size > 0 else 0.0


def _with_next(values: Floats, seen: Flags, lag: int) -> float:
    """Correlation of a series with itself, `lag` places on, where both are known."""
    both = seen[lag:] & seen[:-lag]
    power = float(np.mean(values[seen] ** 2))
    return float(np.mean((values[lag:] * values[:-lag])[both])) / power if both.any() and power > 0 else 1.0


def _solved(step: Floats, error: Floats, seen: Flags) -> Floats:
    """The offsets that steps of these standard errors speak for."""
    usual = float(np.median(error[seen] ** 2))
    spread = _spread(step[seen])
    variance = max((spread**2 - usual) / 2, 0.01 * spread**2)
    middle = float(np.median(step[seen]))
    edge = np.abs(step - middle) > STRAY * spread
    weight = np.where(edge | ~seen, 0.0, 1 / np.maximum(error**2, 0.1 * usual + 1e-6 * spread**2))
    moved = weight * (step - middle)
    bands: Any = np.full((2, len(step) + 1), 1 / variance)
    bands[1, :-1] += weight
    bands[1, 1:] += weight
    bands[0, 0], bands[0, 1:] = 0.0, -weight
    right = np.zeros(len(step) + 1)
    right[:-1] -= moved
    right[1:] += moved
    found: Floats = solveh_banded(bands, right)
    return np.asarray(found - found.mean())
