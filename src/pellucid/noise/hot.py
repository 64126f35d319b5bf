"""Hot and dead pixels: single pixels that the sensor made, found so that no star is taken for one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.noise.shown import Flags, shown

Floats = NDArray[np.float64]

MOST = 2e-3  # share of a frame's pixels; more are salt and pepper, which is no fault of single pixels
AT_LEAST = 4  # pixels that are looked at however small the frame is
FAR = 3.0  # spans of the rest of the picture by which a pixel lies beyond it
AT_LIMIT = 0.5  # the same for a pixel at the limit of its type
NEAR = 0.02  # of the range from the rest to the limit: what counts as at it
CLUSTER = 4  # bright pixels with bright neighbours that make a picture of their own
ALONE = 0.75  # share of its height above the middle of its neighbours that it has above the highest of them
WINGS = 0.05  # share of its height by which its neighbours rise above theirs: light spreads over a few pixels
NOISE = 4.0  # standard errors that these are granted
FRAMES = 3  # frames from which on what stays at its place is told from what moves
STAYS = 8.0  # local standard deviations by which a pixel stands out in the mean of the frames
STILL = 12.0  # the same where the picture itself stays, and fine detail with it
SAME = 0.1  # correlation of fine detail between frames from which on it does
TAIL = 2.0  # height above the highest of its surroundings over that of these above their mean
CROWD = 3.0  # the same for those that are counted: where there are many, they are the picture
STEADY = 0.5  # height in every frame over that in their mean, at least
MOST_STILL = 1e-3  # share of pixels that stay, at the most; more are a picture that does not move
SAMPLE = 50_000  # pixels by which it is first looked whether there can be any
NEIGHBOURS = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0))
RING = tuple((y, x) for y in range(-2, 3) for x in range(-2, 3) if max(abs(y), abs(x)) == 2)
FEWEST = 3  # known neighbours, as in a corner


@dataclass(frozen=True, kw_only=True)
class Spots:
    """What was found in a frame, or at the same places of all frames.

    Attributes:
        hot: (P, 2) rows and columns of pixels that are too bright.
        dead: (Q, 2) of those that are too dark.
    """

    hot: NDArray[np.intp]
    dead: NDArray[np.intp]

    @property
    def places(self) -> NDArray[np.intp]:
        """(P + Q, 2) all of them."""
        return np.concatenate([self.hot, self.dead])


def find(
    plane: NDArray[Any], holes: Flags | None = None, *, limits: tuple[float, float] = (-np.inf, np.inf)
) -> Spots:
    """Single pixels of one frame that the rest of it could not have made.

    A pixel is meant that stands alone, above or below all its neighbours, which know nothing of it: light
    spreads over a few pixels, a fault of the sensor does not. Beyond all other pixels of the frame it lies by
    three times the span of these, or by half of it where it is at the limit of the type, as saturated and
    dead pixels are. All else is kept: a single pixel of ten standard deviations may be a star.

    Args:
        plane: (H, W).
        holes: (H, W) where nothing is known, or None.
        limits: the least and greatest value that a pixel can have, in the units of the plane.

    Source: ours.

    >>> frame = np.random.default_rng(0).normal(100, 5, (40, 40))
    >>> frame[9, 7] = 4095
    >>> find(frame).hot
    array([[9, 7]])
    """
    known = shown(plane, holes)
    none = np.zeros((0, 2), np.intp)
    hot, dead = _possible(plane, known)
    frame = plane.astype(np.float64) if hot or dead else plane
    return Spots(
        hot=_beyond(frame, known, limits[1]) if hot else none,
        dead=_beyond(-frame, known, -limits[0]) if dead else none,
    )


def staying(frames: NDArray[Any], holes: Flags | None = None) -> Spots:
    """Single pixels that stand out at the same place of all frames (F, H, W).

    In the mean of the frames such a pixel stands alone, as for `find`, and exceeds all that surrounds it by
    eight standard deviations of that, or by twelve where the picture does not move, so that its own detail
    stays, too; in every frame it stands out by at least half as much. Where more than a thousandth of the
    pixels stand out by three, that is the picture itself.

    Returns:
        none where there are fewer than three frames.
    """
    none = np.zeros((0, 2), np.intp)
    if len(frames) < FRAMES:
        return Spots(hot=none, dead=none)
    known = np.logical_or.reduce([shown(frame, holes) for frame in frames])
    mean = frames.mean(0, dtype=np.float64)
    least = STILL if _still(frames, known) else STAYS
    sides, crowd = [], 0
    for sign in (1.0, -1.0):
        places, ratio = _standing(sign * mean, known)
        apart = [sign * (_at(f, places) - _middle(_around(f, known, places, NEIGHBOURS))) for f in frames]
        always = np.min(apart, 0) > STEADY * np.mean(apart, 0) if len(places) else np.zeros(0, dtype=bool)
        sides.append(places[always & (ratio > least)])
        crowd += int(always.sum())
    if crowd > max(1, MOST_STILL * known.sum()):
        return Spots(hot=none, dead=none)
    return Spots(hot=sides[0], dead=sides[1])


def sound(
    planes: NDArray[Any],
    holes: Flags | None = None,
    *,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[NDArray[Any], int, int]:
    """Shots of a scene without hot and dead pixels, and how many there were.

    Args:
        planes: (S, N, C, H, W); three shots or more, or else three slices, are frames of one sensor.
        holes: (N, C, H, W) where nothing is known, or None.
        limits: as for `find`.

    Returns:
        the very array where nothing was found; a pixel that stays at its place counts once.
    """
    result, bright, dark = planes, 0, 0
    for group in _together(planes.shape[:3]):
        unknown = None if holes is None else np.logical_or.reduce([holes[p[1:]] for p in group])
        spots = staying(np.stack([planes[p] for p in group]), unknown)
        for place in group if len(spots.places) else ():
            result = planes.copy() if result is planes else result
            result[place] = mended(result[place], spots, None if holes is None else holes[place[1:]])
        bright, dark = bright + len(spots.hot), dark + len(spots.dead)
    for place in np.ndindex(planes.shape[:3]):
        own = None if holes is None else holes[place[1:]]
        spots = find(result[place], own, limits=limits)
        if len(spots.places):
            result = planes.copy() if result is planes else result
            result[place] = mended(result[place], spots, own)
        bright, dark = bright + len(spots.hot), dark + len(spots.dead)
    return result, bright, dark


def _together(shape: tuple[int, ...]) -> list[list[tuple[int, ...]]]:
    """Which planes are frames of one sensor: the shots of a slice, or the slices of a shot."""
    shots, slices, count = (range(n) for n in shape)
    if len(shots) >= FRAMES:
        return [[(s, n, c) for s in shots] for n in slices for c in count]
    if len(slices) >= FRAMES:
        return [[(s, n, c) for n in slices] for s in shots for c in count]
    return []


def mended(plane: NDArray[Any], spots: Spots, holes: Flags | None = None) -> NDArray[Any]:
    """(H, W) with the median of the neighbours, themselves sound, at the places that were found."""
    places = spots.places
    sound = np.ones(plane.shape, dtype=bool) if holes is None else ~holes
    sound[places[:, 0], places[:, 1]] = False
    result = plane.copy()
    result[places[:, 0], places[:, 1]] = _middle(_around(plane, sound, places, NEIGHBOURS))
    return result


def _most(count: int) -> int:
    """How many of so many pixels are looked at."""
    return min(max(AT_LEAST, int(MOST * count)), count - 1)


def _possible(plane: NDArray[Any], known: Flags) -> tuple[bool, bool]:
    """Whether any pixel can lie far enough above, or below, all others: a quick no, for most pictures.

    A level that more pixels reach than are looked at is no higher than the last of these; where the highest
    of all is no farther above it than `_beyond` asks, that finds nothing.

    >>> _possible(np.arange(100.0).reshape(10, 10), np.ones((10, 10), bool))
    (False, False)
    """
    values = plane.ravel() if known.all() else plane[known]
    if len(values) < 64:
        return False, False
    most = _most(len(values))
    some = np.sort(values[:: max(1, len(values) // SAMPLE)])
    beside = min(len(some) // 2, int(4 * MOST * len(some)) + AT_LEAST)
    low, high = float(some[beside]), float(some[-1 - beside])
    least, greatest = float(values.min()), float(values.max())
    # more than `most` of them at or beyond each of the two, or nothing is known
    sure = int((values <= low).sum()) > most and int((values >= high).sum()) > most
    room = AT_LIMIT * (high - low)
    return not sure or greatest - high > room, not sure or low - least > room


def _beyond(frame: Floats, known: Flags, limit: float) -> NDArray[np.intp]:
    """The single pixels that lie above all others, by enough of their span."""
    none = np.zeros((0, 2), np.intp)
    count = int(known.sum())
    if count < 64:
        return none
    most = _most(count)
    values = np.where(known, frame, -np.inf).ravel()
    top = np.argpartition(values, -most - 1)[-most - 1 :]
    top = top[np.argsort(-values[top], kind="stable")]
    floor = float(np.partition(frame[known], most)[most])
    if float(values[top[0]]) - float(values[top[-1]]) <= AT_LIMIT * (float(values[top[-1]]) - floor):
        return none  # nothing can lie far enough beyond the rest
    places = np.stack(np.unravel_index(top, frame.shape), 1)
    alone = _alone(frame, known, places)
    others = np.flatnonzero(~alone)  # a few in a row are no picture either, but they are left
    end = int(others[CLUSTER - 1]) if len(others) >= CLUSTER else most
    places, heights = places[:end][alone[:end]], np.append(values[top][:end][alone[:end]], values[top][end])
    for last in range(len(places) - 1, -1, -1):
        rest = float(heights[last + 1])
        at_limit = np.isfinite(limit) and limit - heights[last] <= NEAR * (limit - floor)
        if heights[last] - rest >= (AT_LIMIT if at_limit else FAR) * (rest - floor):
            return np.asarray(places[: last + 1])
    return none


def _still(frames: NDArray[Any], known: Flags) -> bool:
    """Whether the frames show the same detail, pixel by pixel."""
    inner = known[1:-1, 1:-1]
    if min(frames.shape[1:]) < 3 or inner.sum() < 64:
        return True
    details = []
    for frame in frames[:: max(1, len(frames) // 8)].astype(np.float64):
        around = frame[:-2, 1:-1] + frame[2:, 1:-1] + frame[1:-1, :-2] + frame[1:-1, 2:]
        detail = (frame[1:-1, 1:-1] - around / 4)[inner]
        detail = np.clip(detail, *np.quantile(detail, (0.01, 0.99)))  # single pixels have no say
        details.append((detail - detail.mean()) / max(float(detail.std()), 1e-30))
    pairs = [float(np.mean(a * b)) for a, b in pairwise(details)]
    return float(np.mean(pairs)) > SAME


def _standing(mean: Floats, known: Flags) -> tuple[NDArray[np.intp], Floats]:
    """Single pixels that exceed all that surrounds them, and by how many of its standard deviations."""
    none: tuple[NDArray[np.intp], Floats] = (np.zeros((0, 2), np.intp), np.zeros(0))
    inner = mean[1:-1, 1:-1]
    height, width = mean.shape
    if min(height, width) < 5:
        return none
    highest = np.max([mean[1 + y : height - 1 + y, 1 + x : width - 1 + x] for y, x in NEIGHBOURS], 0)
    places = np.argwhere((inner > highest) & known[1:-1, 1:-1]) + 1
    near = _around(mean, known, places, NEIGHBOURS + RING)
    enough = np.isfinite(near).sum(1) >= 2 * FEWEST
    places, near = places[enough], near[enough]
    if not len(places):
        return none
    spread, highest = np.nanstd(near, 1), np.nanmax(near, 1)
    above = _at(mean, places) - highest
    ratio = np.divide(above, spread, out=np.zeros_like(above), where=spread > 0)
    # Few counts have a long tail, which the standard deviation does not tell of.
    ratio = np.where(above > TAIL * (highest - np.nanmean(near, 1)), ratio, np.minimum(ratio, CROWD))
    places, ratio = places[ratio >= CROWD], ratio[ratio >= CROWD]
    alone = _alone(mean, known, places)
    return np.asarray(places[alone]), ratio[alone]


def _alone(frame: Floats, known: Flags, places: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether each place stands above its neighbours, and these know nothing of it."""
    if not len(places):
        return np.zeros(0, dtype=bool)
    near, ring = (_around(frame, known, places, reach) for reach in (NEIGHBOURS, RING))
    enough = (np.isfinite(near).sum(1) >= FEWEST) & (np.isfinite(ring).sum(1) >= FEWEST)
    result = np.zeros(len(places), dtype=bool)
    if not enough.any():
        return result
    near, ring, own = near[enough], ring[enough], _at(frame, places[enough])
    height = own - _middle(near)
    noise = np.nanstd(ring, 1)
    rises = np.nanmean(near, 1) - np.nanmean(ring, 1)
    result[enough] = (
        (own - np.nanmax(near, 1) > ALONE * height)
        & (rises <= WINGS * height + NOISE * noise / np.sqrt(FEWEST))
        & (noise > 0)
    )
    return result


def _at(frame: NDArray[Any], places: NDArray[np.intp]) -> Floats:
    return np.asarray(frame[places[:, 0], places[:, 1]], dtype=np.float64)


def _around(
    frame: NDArray[Any], known: Flags, places: NDArray[np.intp], reach: tuple[tuple[int, int], ...]
) -> Floats:
    """(P, K) the values about each place, NaN outside the frame and where nothing is known."""
    rows, columns = (places[:, i : i + 1] + np.array([step[i] for step in reach]) for i in (0, 1))
    inside = (rows >= 0) & (rows < frame.shape[0]) & (columns >= 0) & (columns < frame.shape[1])
    rows, columns = np.where(inside, rows, 0), np.where(inside, columns, 0)
    return np.where(inside & known[rows, columns], frame[rows, columns], np.nan)


def _middle(values: Floats) -> Floats:
    """The median of each row of what is known."""
    return np.asarray(np.nanmedian(values, 1)) if len(values) else np.zeros(0)
