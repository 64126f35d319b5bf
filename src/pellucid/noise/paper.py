"""The noise of a page, told by its paper: values on the far side of it from the ink hold nothing else.

Between the strokes of small dense text no block is calm, so that what looks for calm blocks finds the text.
But paper is one value, and ink lies on one side of it: on the other side the distribution of the values is
half of that of the noise, however dense the strokes are. That it is so can be seen without truth: this half
has the shape of a Gaussian's, and neighbouring pixels that both lie in it know nothing of each other. A sky,
a shaded wall or a gray with texture shows neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc
from torch import Tensor

from pellucid.noise.report import NoiseReport
from pellucid.noise.values import rise

Floats = NDArray[np.floating[Any]]


class Paper(NamedTuple):
    """The paper of a page: its brightness and the standard deviation of its noise, per channel."""

    light: tuple[float, ...]
    sigma: tuple[float, ...]


SIDE = 128
"""pixels of a side of the parts, each with one value of paper"""
PARTS = 16
"""parts that are looked at, at the most"""
MOST = 0.75
"""share of the parts that must be paper with ink"""
HEAP = 0.15
"""share of the values in the shortest interval, which lies about the paper"""
FEWEST = 500
"""values beyond the paper with which it tells anything"""
NEAR, REACH = 0.5, 2.6
"""standard deviations to the near side of the paper and to the far one, between which a Gaussian is fitted"""
ROUNDS = 8
FARTHEST = 0.7
"""by which a round may move the middle, in standard deviations, and the logarithm of that"""
CLIMBS = 20
"""steps of a climb at most, and halvings of a step"""
SETTLED = 0.04
"""of the standard deviation: less is what moving bins do"""
SHAPE = 0.03
"""greatest distance of the distribution beyond the paper from that of a Gaussian, beside chance"""
SHARED = 0.04
"""greatest correlation of neighbours beyond the paper, beside chance"""
PAPER = 0.3
"""share of a part that is paper, at least"""
INK, AWAY = 0.03, 4.0
"""share of a part that is ink, at least, and how many standard deviations it lies away"""
LEAST_SAY = 0.02
"""belief in paper below which it is not asked"""
KNOWN = 0.05
"""doubt of what paper tells: 2 % off for pages with noise of 5 to 30 grey levels, twice that in variance"""
ALIKE = 0.3
"""difference of the logarithms of the levels of paper, by itself and by the law, that is no contradiction"""
PAGE = (0.08, 0.16)
"""doubt from which on the paper of a page begins to be believed, and is wholly"""
BOTH, CHANCE = 0.4, (0.1, 0.16)
"""difference of the logarithms of the variances that eigenvalues and network read below which they agree; and
the doubt up to which that speaks against paper, and from which on it is chance"""
STEPS = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))


def belief(doubt: float, chen: float, read: float) -> float:
    """How far the paper of a page is believed: as the network doubts, and less where both estimates agree.

    A sky that is cut off at white, beside something dark, has the values of a page. On dense text the two
    differ: strokes are texture to the one and noise to the other.

    >>> round(belief(0.13, 22.2, 19.8), 2), round(belief(0.13, 34.6, 11.1), 2)
    (0.44, 0.68)
    """
    apart = 2 * math.log(max(chen, 1e-12) / max(read, 1e-12)) / BOTH
    return rise(doubt, *PAGE) * (1 - math.exp(-(apart**2)) * (1 - rise(doubt, *CHANCE)))


def agrees(report: NoiseReport, page: Paper) -> bool:
    """Whether noise that grows with the brightness is on this paper what it should be."""
    if not any(gain > 0 for gain in report.gain):
        return False
    law = np.asarray(report.gain) * np.asarray(page.light) + np.asarray(report.offset)
    far = np.log(np.maximum(law, 1e-12) / np.square(page.sigma)) / 2
    return bool(np.abs(far).max() < ALIKE)


def find(
    windows: Sequence[Tensor], *, step: float = 0.0, floor: float = -math.inf, ceiling: float = math.inf
) -> Paper | None:
    """The paper of a page, or None where the picture is no page of ink on paper.

    Args:
        windows: (C, h, w) parts of the picture.
        step: distance of neighbouring values, 0 for none.
        floor: least value, where values were cut off there.
        ceiling: largest value, where values were cut off there.

    Source: ours.

    >>> import torch
    >>> draw = torch.Generator().manual_seed(0)
    >>> page = torch.ones(1, 128, 128)
    >>> page[:, ::4], page[:, :, ::5] = 0.1, 0.2
    >>> noisy = page + 0.05 * torch.randn(1, 128, 128, generator=draw)
    >>> [round(sigma, 2) for sigma in find([noisy]).sigma]
    [0.05]
    >>> find([torch.linspace(0, 1, 128).expand(1, 128, 128) + noisy / 100]) is None
    True
    """
    parts = [part for window in windows for part in _parts(window.numpy())]
    parts = parts[:: math.ceil(len(parts) / PARTS)] if parts else []
    found: list[list[tuple[float, float]]] = []
    for number, part in enumerate(parts):
        each = []
        for plane in part:
            one = of_part(plane, step=step, floor=floor, ceiling=ceiling)
            if one is None:
                break
            each.append(one)
        if len(each) == len(part):
            found.append(each)
        if len(found) + len(parts) - number - 1 < MOST * len(parts):
            return None
    if not found:
        return None
    light, sigma = np.median(found, axis=0).T.tolist()
    return Paper(tuple(light), tuple(sigma))


def of_part(
    plane: Floats, *, step: float = 0.0, floor: float = -math.inf, ceiling: float = math.inf
) -> tuple[float, float] | None:
    """Brightness and noise of (h, w) of one paper, bright or dark, or None."""
    for sign, end in ((1, ceiling), (-1, -floor)):
        found = _beyond(sign * plane.astype(np.float64), end, step)
        if found is not None:
            return sign * found[0], found[1]
    return None


def _parts(window: Floats) -> list[Floats]:
    """Parts of (C, h, w) of about SIDE x SIDE pixels, without constant ones."""
    height, width = window.shape[-2:]
    rows, columns = (np.array_split(np.arange(n), max(1, round(n / SIDE))) for n in (height, width))
    found = [window[:, r[0] : r[-1] + 1, c[0] : c[-1] + 1] for r in rows for c in columns]
    return [part for part in found if np.ptp(part) > 0]


def _beyond(values: Floats, end: float, step: float) -> tuple[float, float] | None:
    """Brightness and noise of (h, w) whose paper is brighter than its ink, and cut off at `end`, or None."""
    inner = values < end - max(step / 2, 1e-6 * float(np.ptp(values)))
    ordered = np.sort(values[inner])
    if len(ordered) < 4 * FEWEST:
        return None
    cut = values.size - len(ordered)
    origin, step = _lattice(ordered, step)
    fitted = _fit(ordered, cut, end, step, origin)
    if fitted is None:
        return None
    middle, sigma = fitted
    if _share_below(ordered, middle - AWAY * sigma) * len(ordered) < INK * values.size:
        return None
    # on a lattice what is beyond begins between two values
    low = middle if step == 0 else origin + step * (math.ceil((middle - origin) / step - 0.5) + 0.5)
    beyond = ordered[np.searchsorted(ordered, low, "right") :]
    total, tail = len(beyond) + cut, float(_tail((low - middle) / sigma))
    if len(beyond) == 0 or total < FEWEST or total < PAPER * tail * values.size:
        return None
    # holes were filled with values between those of the lattice
    ends = beyond if step == 0 else low + step * np.ceil((beyond - low) / step)
    last = np.flatnonzero(np.append(np.diff(ends) > 0, True))
    told = 1 - _tail((ends[last] - middle) / sigma) / tail
    away = np.abs(told - (last + 1) / total)
    if float(away.max()) > SHAPE + 1.6 / math.sqrt(total):
        return None
    known = (values > low) & (values < middle + AWAY * sigma) & inner  # single extremes are no noise
    return (middle, sigma) if _independent(values, known) else None


def _share_below(ordered: Floats, value: float) -> float:
    return float(np.searchsorted(ordered, value)) / len(ordered)


def _lattice(ordered: Floats, step: float) -> tuple[float, float]:
    """A value near the paper, and the distance of values that are there often, a multiple of `step`.

    Holes were filled with values in between, which say that the step is finer; and far away it is not exact.
    """
    if step == 0:
        return 0.0, 0.0
    values, counts = np.unique(ordered, return_counts=True)
    often = values[counts >= counts.max() / 4]
    apart = float(np.diff(often).min()) if len(often) > 1 else step
    return float(values[counts.argmax()]), step * max(1, round(apart / step))


def _tail(x: Any) -> Any:
    """Share of a Gaussian of mean 0 and standard deviation 1 beyond x."""
    return erfc(x / math.sqrt(2)) / 2


def _fit(ordered: Floats, cut: int, end: float, step: float, origin: float) -> tuple[float, float] | None:
    """Middle and standard deviation of the heap at the upper side of values in order.

    Of what lies above a point a little below the middle the likelihood of a Gaussian that begins there is
    greatest, counted in bins, of which the last holds all that was cut off; round by round about what was
    found.
    """
    count = round(HEAP * len(ordered))
    start = int((ordered[count:] - ordered[:-count]).argmin())
    middle = float(ordered[start] + ordered[start + count]) / 2
    beyond = ordered[ordered > middle] - middle
    if len(beyond) < FEWEST:
        return None
    sigma = max(float(np.median(beyond)) / 0.6745, step / 3)
    if _share_below(ordered, middle - AWAY * sigma / 2) < INK / 2:
        return None  # as in most photographs, without a fit
    widest = 4 * sigma
    for _ in range(ROUNDS):
        width = sigma / 8 if step == 0 else step * max(1, round(sigma / 8 / step))
        low, high = middle - NEAR * sigma, min(middle + REACH * sigma, end - step / 2)
        if step > 0:  # the edges lie between the values
            low = origin + step * (math.ceil((low - origin) / step) - 0.5)
        edges = np.arange(low, high + 0.01 * width, width)
        if len(edges) < 5:
            return None
        places = np.searchsorted(ordered, edges)
        number = np.append(np.diff(places), len(ordered) - places[-1] + cut).astype(np.float64)
        if number.sum() < FEWEST:
            return None
        moved, wider = _likeliest((edges - middle) / sigma, number)
        middle, sigma = middle + moved * sigma, sigma * wider
        if sigma > widest:
            return None
        if abs(wider - 1) < SETTLED and abs(moved) < SETTLED:  # less is the bins' doing
            return middle, sigma
    return None


def _likeliest(edges: Floats, number: Floats) -> tuple[float, float]:
    """Mean and standard deviation of the Gaussian, near 0 and 1, that counts in bins speak for.

    The likelihood is climbed by Fisher's scoring, with a shorter step where the whole one leads down.

    Args:
        edges: (K,) where the bins begin; the last has no end.
        number: (K,) of values in each.

    >>> draws = np.random.default_rng(0).normal(0.2, 1.1, 40_000)
    >>> edges = np.arange(-0.5, 3, 0.25)
    >>> number = np.histogram(draws, [*edges, np.inf])[0]
    >>> [round(value, 1) for value in _likeliest(edges, number.astype(float))]
    [0.2, 1.1]
    """

    def shares(at: Floats) -> tuple[float, Floats, Floats]:
        z = (edges - at[0]) * math.exp(-at[1])
        tail, density = _tail(z), np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        slope = np.stack([density * math.exp(-at[1]), density * z])  # of the tail, by mean and log deviation
        whole = max(float(tail[0]), 1e-300)
        share = np.maximum((tail - np.append(tail[1:], 0.0)) / whole, 1e-12)
        slopes = (slope - np.append(slope[:, 1:], np.zeros((2, 1)), 1)) / whole / share
        return float(np.sum(number * np.log(share))), share, slopes - slope[:, :1] / whole

    at = np.zeros(2)
    height, share, slopes = shares(at)
    for _ in range(CLIMBS):
        information = (slopes * share) @ slopes.T * number.sum() + 1e-9 * np.eye(2)
        uphill = slopes @ number
        if np.abs(at).max() < FARTHEST:
            step = np.linalg.solve(information, uphill)
        else:  # at a bound each for itself
            step = uphill / np.diag(information)
        for halves in range(CLIMBS):
            there = np.clip(at + step / 2**halves, -FARTHEST, FARTHEST)
            found = shares(there)
            if found[0] >= height:
                break
        else:
            break
        moved, at = float(np.abs(there - at).max()), there
        height, share, slopes = found
        if moved < SETTLED / 100:
            break
    return float(at[0]), math.exp(float(at[1]))


def _independent(values: Floats, beyond: NDArray[np.bool_]) -> bool:
    """Whether neighbours that both lie beyond the paper know nothing of each other."""
    height, width = values.shape
    for down, across in STEPS:
        one = (slice(0, height - down), slice(0, width - across))
        other = (slice(down, height), slice(across, width))
        both = beyond[one] & beyond[other]
        if both.sum() < FEWEST / 4:
            return False
        a, b = values[one][both], values[other][both]
        a, b = a - a.mean(), b - b.mean()
        size = math.sqrt(float(np.mean(a * a) * np.mean(b * b)))
        if size == 0 or abs(float(np.mean(a * b))) > (SHARED + 3 / math.sqrt(len(a))) * size:
            return False
    return True
