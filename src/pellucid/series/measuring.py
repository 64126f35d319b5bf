"""From the slices along an axis to the Series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from pellucid.noise.report import NoiseReport
from pellucid.series import light, shared
from pellucid.series.motion import Floats, Places, overlap, pans, signs
from pellucid.series.report import Series
from pellucid.series.scenes import cut

SIDE = 256
"""pixels a side of the part in the middle on which all but scenes are measured"""
FRAMES = 32
"""slices, at the most, of which that is"""
FINE = 1.0
"""pixels of the Gaussian by which slices are smoothed before their likeness is measured"""
CLEAR = 0.25
"""variance of the picture over that of the noise, smoothed, from which on likeness can be told"""


def measure(film: Tensor, run: Sequence[int], axis: str, noise: Sequence[NoiseReport]) -> Series:
    """What goes on along an axis of a stack.

    Args:
        film: (N, C, H, W) all slices, working units.
        run: those that follow each other, by index.
        axis: the letter of the axis.
        noise: a report for every slice, or one for all.

    >>> ramp = torch.linspace(0, 1, 64).repeat(64, 1)[None]
    >>> found = measure(torch.stack([ramp, 0.8 * ramp, ramp.mT]), range(3), "T", [NoiseReport.white(0.0, 1)])
    >>> found.scenes, round(found.left, 3), round(found.alike, 3)
    (((0, 1), (2,)), 0.8, 1.0)
    """
    run = tuple(run)
    each = [noise[i if len(noise) > 1 else 0] for i in run]
    scenes, blank = cut(film, run, noise)
    gain = np.ones(len(run))
    longest, seen = max(scenes, key=len), middle(film)
    sign = signs(seen[list(run)])
    if bool((sign < 0).any()):
        seen, both = seen * sign.view(-1, 1, 1), np.outer(sign, sign)[..., None, None]
        each = [replace(one, kernel=one.kernel * both) for one in each]
    left, flicker, shift, alike, together, rows = 1.0, 0.0, 0.0, None, None, False
    for scene in scenes:
        if len(scene) < 2:
            continue
        gray = seen[list(scene)].mean(1)
        moves = pans(gray)
        course = _course(gray, moves)
        gain[[run.index(i) for i in scene]] = course
        if scene is longest:
            left, flicker = light.steps(course)
            shift = float(np.median(np.hypot(*np.diff(moves, axis=0).T)))
            some = gray[:FRAMES].double().numpy() / course[:FRAMES, None, None]
            own = each[run.index(scene[0])]
            alike = likeness(some, moves[:FRAMES], own)
            spectrum = np.asarray(own.spectrum).mean(0)
            channels = film.shape[1]
            together = shared.noise(some, math.sqrt(float(spectrum[4:, 4:].mean()) / channels))
            rows = axis != "Z" and shared.interlaced(some, own.level / math.sqrt(channels))
    if len(longest) < 2:
        few = seen[list(run[:FRAMES])].mean(1).double().numpy()
        alike = likeness(few, np.zeros((len(few), 2), np.int64), each[0])
    return Series(
        axis=axis,
        run=run,
        level=tuple(report.level for report in each),
        gain=tuple(max(report.gain) for report in each),
        length_px=tuple(report.length_px for report in each),
        mean=tuple(float(film[i].mean(dtype=torch.float64)) for i in run),
        light=tuple(gain.tolist()),
        left=left,
        flicker=flicker,
        scenes=tuple(scenes),
        blank=blank,
        shared=together,
        interlaced=rows,
        shift=shift,
        alike=alike,
        scale=each[0].scale,
    )


def _course(gray: Tensor, moves: Places) -> Floats:
    """(T,) brightness over that of the first: of the mean, as drift tells it."""
    found = light.drift(gray[None], moves)
    mean = float(gray[0].mean(dtype=torch.float64))
    seen = found.gain[0].double() * mean + found.offset[0].double()
    # where black is no 0 the contrast tells, where there is hardly any the mean does
    tells = mean > 1e-6 and bool((seen > 0).all())
    return np.asarray((seen / mean if tells else found.gain[0].double()).numpy(), np.float64)


def middle(film: Tensor) -> Tensor:
    """The part in the middle of (..., H, W), a view."""
    spans = [slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in film.shape[-2:]]
    return film[..., spans[0], spans[1]]


def likeness(film: Floats, moves: Places, noise: NoiseReport) -> float | None:
    """The correlation of neighbours among (T, H, W), without their noise, the median of all."""
    lag = np.arange(noise.kernel.shape[-1]) - noise.kernel.shape[-1] // 2
    line = np.exp(-np.square(lag) / (4 * FINE**2))
    left = float((noise.kernel.mean((0, 1)) * line[:, None] * line).sum()) / (4 * math.pi * FINE**2)
    smooth = gaussian_filter(film, (0, FINE, FINE))
    found = []
    for t in range(1, len(film)):
        there, back = overlap((film.shape[1], film.shape[2]), *(int(n) for n in moves[t] - moves[t - 1]))
        if min(smooth[t][there].shape) < 2:
            continue
        a, b = smooth[t - 1][back], smooth[t][there]
        a, b = a - a.mean(), b - b.mean()
        seen = [float(np.square(v).mean()) - left for v in (a, b)]
        if min(seen) > CLEAR * left and min(seen) > 0:
            found.append(float((a * b).mean()) / math.sqrt(seen[0] * seen[1]))
    return min(1.0, max(0.0, float(np.median(found)))) if found else None
