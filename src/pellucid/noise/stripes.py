"""Stripes: one wave over the whole picture, of one phase, as interference and mains hum leave it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from pellucid.noise import spectrum
from pellucid.noise.calm import calmer
from pellucid.noise.shown import Flags, shown

Floats = NDArray[np.float64]

MOST = 8  # waves, a pattern that is no sine holding several
ROUNDS = 4  # of looking again, as strong waves hide weak ones
FASTEST = (
    0.48  # cycles per pixel; faster ones are patterns of two pixels, as mosaics and interlaced films have
)
SLOWEST = 0.03  # slower ones may be the picture's own
VISIBLE = 0.02  # amplitude over the spread of the picture, at least
TOGETHER = 0.97  # length of the mean of the parts' waves over the mean of their lengths
EVEN = 0.25  # median distance of a part's wave from the middle one, over the length of that
UNEVEN = 0.6  # the same for the fifth of the parts that are farthest
PART = 48  # side of the parts, pixels
PARTS = 6  # in a row, at the most
LARGEST = 3.0  # amplitude over the spread of what is left: more is a picture of stripes
CROSSED = 0.3  # of its amplitude that a wave of the same period across it has in a screen, at least
BINS = 12  # of the phase
QUANTILES = (0.15, 0.3, 0.5, 0.7, 0.85)  # of the values in a bin
SHARE = 0.6  # of the wave's amplitude that each of them has, at least
SAMPLED = 3  # slices and shots, at the most, in which stripes are looked for
WIDEST = 1024  # pixels that are looked at to find them
STEPS = tuple(1 / 512 / 4**k for k in range(5))  # of the frequency, cycles per pixel


@dataclass(frozen=True, kw_only=True)
class Wave:
    """amplitude · cos(2π (down y + across x) + phase).

    Attributes:
        down: cycles per pixel.
        across: cycles per pixel.
        amplitude: in the units of the picture.
        phase: at the first pixel, radians.
    """

    down: float
    across: float
    amplitude: float
    phase: float

    @property
    def period(self) -> float:
        """Pixels from crest to crest."""
        return float(1 / np.hypot(self.down, self.across))

    def drawn(self, height: int, width: int) -> Floats:
        """(height, width) what it adds."""
        turns = self.down * np.arange(height)[:, None] + self.across * np.arange(width)
        return np.asarray(self.amplitude * np.cos(2 * np.pi * turns + self.phase))


def without(planes: NDArray[Any], holes: Flags | None = None) -> tuple[NDArray[Any], tuple[Wave, ...]]:
    """Shots of a scene without stripes.

    Args:
        planes: (S, N, C, H, W).
        holes: (N, C, H, W) where nothing is known, or None.

    Returns:
        the very array where nothing was found; the waves of the first plane that has any.
    """
    first: tuple[Wave, ...] = ()
    sample = planes[:, :: max(1, planes.shape[1] // SAMPLED)].reshape(-1, *planes.shape[2:])[:SAMPLED]
    unknown = None if holes is None else np.asarray(holes.any((0, 1)))
    if not any(waves(p.mean(0, dtype=np.float64), shown(p[0], unknown)) for p in sample):
        return planes, first
    result = planes
    for place in np.ndindex(planes.shape[:3]):
        known = shown(planes[place], None if holes is None else holes[place[1:]])
        found = waves(planes[place].astype(np.float64), known)
        for wave in found:
            result = planes.copy() if result is planes else result
            taken = np.where(known, wave.drawn(*planes.shape[-2:]), 0.0)
            result[place] -= taken.astype(planes.dtype)
        first = first or found
    return result, first


def waves(plane: Floats, known: Flags) -> tuple[Wave, ...]:
    """The stripes of a picture (H, W), strongest first; none where its peaks are texture.

    A peak of the spectrum that stands alone is a stripe where every part of the picture holds the same wave,
    of one amplitude and phase. What is woven or built fills a part of a picture, bends, or fades.

    Args:
        plane: (H, W).
        known: where it shows something.

    Source: ours; in 534 clean and real pictures none is found.

    >>> y, x = np.mgrid[:96, :96]
    >>> noise = np.random.default_rng(0).normal(0, 0.02, (96, 96))
    >>> (wave,) = waves(0.03 * np.cos(2 * np.pi * (0.2 * y + 0.13 * x)) + noise, np.ones((96, 96), bool))
    >>> round(wave.amplitude, 2), round(1 / wave.period, 2)
    (0.03, 0.24)
    """
    rows, columns = (np.flatnonzero(known.any(axis)) for axis in (1, 0))
    if not len(rows):
        return ()
    top, left = int(rows[0]), int(columns[0])
    inside = (slice(top, int(rows[-1]) + 1), slice(left, int(columns[-1]) + 1))  # without its border
    seen, rest = known[inside], plane[inside]
    rest = np.where(seen, rest, np.median(rest[seen]))
    spread = float(np.std(rest[seen]))
    found: list[Wave] = []
    for _ in range(ROUNDS if spread > 0 else 0):
        fresh = [wave for wave in _candidates(rest) if wave.amplitude > VISIBLE * spread]
        fresh = [w for w in fresh if not any(_same((w.down, w.across), (o.down, o.across)) for o in found)]
        if not fresh or len(found) >= MOST:
            break
        for wave in fresh:
            rest = rest - np.where(seen, wave.drawn(*rest.shape), 0.0)
        found += fresh
    left_over = float(np.std(rest[seen]))
    if any(wave.amplitude > LARGEST * left_over for wave in found):
        return ()
    if found and (not calmer(plane[inside], rest, seen) or any(_screen(plane[inside], w) for w in found)):
        return ()
    moved = [
        replace(wave, phase=wave.phase - 2 * np.pi * (wave.down * top + wave.across * left)) for wave in found
    ]
    return tuple(sorted(moved[:MOST], key=lambda wave: -wave.amplitude))


def _screen(plane: Floats, wave: Wave) -> bool:
    """Whether a wave of the same period runs across it, of one phase: the dots of a print, not stripes."""
    parts = _parts(plane, *_refined(plane, -wave.across, wave.down))
    return bool(abs(parts.mean()) > CROSSED * wave.amplitude)


def _candidates(rest: Floats) -> list[Wave]:
    """The waves that stand alone and are the same in all parts."""
    height, width = rest.shape
    top, left = max(0, (height - WIDEST) // 2), max(0, (width - WIDEST) // 2)
    middle = np.ascontiguousarray(rest[top : top + WIDEST, left : left + WIDEST])
    view = torch.from_numpy(middle).float()[None]
    found: list[Wave] = []
    for peak in spectrum.periodic([view]):
        down, across = peak.frequency
        if max(abs(down), abs(across)) > FASTEST or np.hypot(down, across) < SLOWEST:
            continue
        down, across = _refined(rest, down, across)
        if any(_same((down, across), (w.down, w.across)) for w in found):
            continue
        parts = _parts(rest, down, across)
        if len(parts) < 4:
            continue
        wave = complex(np.median(parts.real), np.median(parts.imag))
        apart = np.abs(parts - wave) / max(abs(wave), 1e-30)
        whole = abs(parts.mean()) / max(float(np.abs(parts).mean()), 1e-30)
        if whole > TOGETHER and np.median(apart) < EVEN and np.quantile(apart, 0.8) < UNEVEN:
            stripe = Wave(down=down, across=across, amplitude=abs(wave), phase=float(np.angle(wave)))
            if _shifts(rest, stripe):
                found.append(stripe)
    return found


def _shifts(plane: Floats, wave: Wave) -> bool:
    """Whether low and high values move with the wave alike; between lines of text the paper stays white."""
    rows, columns = (np.arange(n) for n in plane.shape)
    turns = wave.down * rows[:, None] + wave.across * columns + wave.phase / (2 * np.pi)
    height, bins = np.cos(2 * np.pi * turns).ravel(), np.floor((turns % 1) * BINS).astype(int).ravel()
    smooth = uniform_filter(plane, 2 * int(np.ceil(wave.period)) + 1, mode="nearest")
    detail = (plane - smooth).ravel()
    parts = [bins == b for b in range(BINS) if (bins == b).any()]
    drawn = np.array([height[part].mean() for part in parts])
    drawn -= drawn.mean()
    found = np.array([np.quantile(detail[part], QUANTILES) for part in parts])
    slopes = drawn @ found / max(float(drawn @ drawn), 1e-30) / wave.amplitude
    return bool(slopes.min() > SHARE and slopes.max() < 1 / SHARE)


def _same(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two frequencies are one, or its mirror image."""
    return any(abs(one[0] - s * other[0]) + abs(one[1] - s * other[1]) < 0.01 for s in (1, -1))


def _refined(plane: Floats, down: float, across: float) -> tuple[float, float]:
    """The frequency near (down, across) at which the whole picture has most of the wave."""
    height, width = plane.shape
    fade = [np.hanning(n + 2)[1:-1] for n in (height, width)]
    faded = (plane - plane.mean()) * fade[0][:, None] * fade[1]
    places = np.arange(-3, 4)
    for step in STEPS:
        rows, columns = down + step * places, across + step * places
        turned = np.exp(-2j * np.pi * np.outer(rows, np.arange(height))) @ faded
        power = np.abs(turned @ np.exp(-2j * np.pi * np.outer(np.arange(width), columns)))
        best = np.unravel_index(int(power.argmax()), power.shape)
        down, across = float(rows[best[0]]), float(columns[best[1]])
    return down, across


def _parts(plane: Floats, down: float, across: float) -> Any:
    """The wave of every part as a complex number, its phase told at the first pixel of the picture."""
    counts = [max(1, min(PARTS, n // PART)) for n in plane.shape]
    sides = [n // count for n, count in zip(plane.shape, counts, strict=True)]
    fade = np.hanning(sides[0] + 2)[1:-1, None] * np.hanning(sides[1] + 2)[1:-1]
    fade /= fade.sum()
    cut = plane[: counts[0] * sides[0], : counts[1] * sides[1]]
    cut = cut.reshape(counts[0], sides[0], counts[1], sides[1])
    turns = [
        np.exp(-2j * np.pi * f * np.arange(n))
        for f, n in ((down, cut.shape[0] * sides[0]), (across, cut.shape[2] * sides[1]))
    ]
    rows, columns = turns[0].reshape(counts[0], sides[0]), turns[1].reshape(counts[1], sides[1])
    mean = np.einsum("aybx,yx->ab", cut, fade)
    flat = cut - mean[:, None, :, None]
    return 2 * np.einsum("aybx,yx,ay,bx->ab", flat, fade, rows, columns, optimize=True).ravel()
