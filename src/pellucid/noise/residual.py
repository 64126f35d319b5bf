"""What was removed, y - x̂, in figures that tell noise from picture, without truth.

All figures stay the same when a picture is stored as a·y + b; constant parts and single extreme pixels are
left out of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, special

from pellucid import devices
from pellucid.noise import apart, level
from pellucid.noise.alive import EDGE, eroded, framed, living, parts
from pellucid.noise.strokes import Bools, Floats, isolated, levels, longest

# Pixels: a patch of 64 values begins every 9 of them, and 10 patches for each dimension are wanted.
PATCHES = 10 * 64 * 9
CELL = 4  # side of the squares whose means tell how far brightness drifts
FEWEST = 400  # pixels without which nothing is told
# Coherence of Gaussian noise of one channel by the correlation of its neighbours: blobs wider than the window
# have a direction by chance.
BROAD = ((0.6, 0.73, 0.84, 0.893, 0.936, 0.972), (0.235, 0.251, 0.281, 0.321, 0.372, 0.479))
WINDOW = 8  # side of the windows whose energies are compared
FEWEST_WINDOWS = 16  # without which nothing is told of them
SPECK = 8.0  # robust deviations from which a lone pixel is an impulse


@dataclass(frozen=True, kw_only=True)
class Residual:
    """Figures of the removed part of one slice.

    Attributes:
        removed: its root mean square without lone extremes and the mean of each channel, working units.
        calm: the same where the estimate is calmest.
        span: contrast of the picture, from its 1st to its 99th percentile, working units.
        white: noise level that the eigenvalues of the picture's patches tell (Chen, Zhu and Heng, ICCV 2015);
            0 where there are too few of them.
        shared: correlation of neighbouring pixels of the removed part where the estimate is calmest.
        detail: its correlation with the fine detail of the estimate; near 0 for noise, and what is left of
            the noise in an estimate adds to it.
        uneven: how far its strength differs from place to place, over what is chance in Gaussian noise of the
            same spectrum: 1 for noise of one level, 1.7 and more for texture.
        direction: median coherence of its gradients' structure tensor; noise has no direction (0.15 to 0.25).
        stroke: length in pixels of the longest connected stroke that vanished, far above the noise.
        moved: change of the mean of a channel, over the span.
        drift: largest change of the mean of a part of some 30 pixels beside that, over the span.
        beyond: how far the estimate leaves the range of the picture, over the span.
        specks: fraction of pixels that were lone extremes and are gone.
    """

    removed: float
    calm: float
    span: float
    white: float
    shared: float
    detail: float
    uneven: float
    direction: float
    stroke: int
    moved: float
    drift: float
    beyond: float
    specks: float

    @property
    def share(self) -> float:
        """What was removed, over the contrast of the picture."""
        return self.removed / self.span if self.span > 0 else 0.0

    @property
    def oriented(self) -> float:
        """`direction` less what noise as wide as this has more of it than noise of neighbours alone."""
        return self.direction - max(float(np.interp(self.shared, *BROAD)) - BROAD[1][0], 0.0)


def measure(noisy: Floats, estimate: Floats) -> Residual | None:
    """The figures of y - x̂, or None where nothing was removed or too little is left to tell.

    Args:
        noisy: (C, H, W).
        estimate: the same shape.

    >>> draw = np.random.default_rng(0)
    >>> clean = np.tile(np.linspace(0, 1, 64), (1, 64, 1))
    >>> found = measure(clean + 0.1 * draw.normal(size=clean.shape), clean)
    >>> round(found.removed, 2), abs(found.detail) < 0.1, found.stroke
    (0.1, True, 0)
    """
    rows, columns = framed(noisy)
    if rows.stop - rows.start <= 2 * EDGE or columns.stop - columns.start <= 2 * EDGE:
        return None
    noisy, estimate = noisy[:, rows, columns], estimate[:, rows, columns]
    inner = living(noisy)
    alive = eroded(inner)

    def of(values: Floats) -> Floats:
        """(C, P) the pixels that are looked at."""
        if inner.all():
            return values[:, EDGE:-EDGE, EDGE:-EDGE].reshape(len(values), -1)
        return values[:, alive]

    if int(alive.sum()) < FEWEST or not np.any(of(noisy - estimate)):
        return None
    # single precision, about the mean, as values of a working range may lie far from 0
    middle = noisy.mean(dtype=np.float64)
    noisy, estimate = ((a - middle).astype(np.float32) for a in (noisy, estimate))
    gone = noisy - estimate

    def lonely(channel: int) -> tuple[Floats, Bools]:
        unit = levels(gone[channel], estimate[channel], alive)
        return unit, isolated(gone[channel] / unit, alive, SPECK)

    units, specks = zip(*devices.spread(lonely, range(len(gone)), torch.device("cpu")), strict=True)
    unit, lone = np.stack(units), np.stack(specks)
    clean = np.where(lone, estimate, noisy)  # an impulse says nothing of the noise around it
    gone = np.where(lone, 0.0, gone)
    values = of(clean)
    mean = of(gone).mean(1, dtype=np.float64).astype(np.float32)
    centred = gone - mean[:, None, None]
    common = centred.mean(0)
    ends, white, fine, finely, drift, unlike, coherence, stroke = devices.together(
        lambda: np.quantile(values, (0.01, 0.99)),
        lambda: _white(clean),
        lambda: estimate - smoothed(estimate, inner, 2.0),
        lambda: centred - smoothed(centred, inner, 2.0),
        lambda: drifting(centred, inner, alive),
        lambda: uneven(common - smoothed(common[None], inner, 4.0)[0], alive),
        lambda: direction(centred, alive),
        lambda: longest(centred / unit, alive),
    )
    low, high = ends
    span = float(high - low)
    excess = max(float(low - of(estimate).min()), float(of(estimate).max() - high), 0.0)
    given = max(float(low - values.min()), float(values.max() - high), 0.0)
    whole = span if span > 0 else np.inf
    calm = calmest(fine, alive)
    return Residual(
        removed=float(np.sqrt(np.mean(np.square(of(centred))))),
        calm=float(np.sqrt(np.mean(np.square(centred[:, calm])))),
        span=span,
        white=white,
        shared=neighbours(centred, calm),
        detail=correlation(of(finely), of(fine)),
        uneven=unlike,
        direction=coherence,
        stroke=stroke,
        moved=float(np.abs(mean).max()) / whole,
        drift=drift / whole,
        beyond=(excess - given) / whole,
        specks=float(of(lone).mean()),
    )


def _white(picture: Floats) -> float:
    """The level of Chen, Zhu and Heng; 0 where few patches let their eigenvalues spread too far.

    That is the level of the quietest channel where channels differ: then what each has for itself counts.
    """
    if picture.size < PATCHES * picture.shape[0] ** 2:
        return 0.0
    pixels = torch.from_numpy(picture.astype(np.float32))
    joint = level.chen(pixels)
    own = apart.find(pixels) if len(pixels) == 3 else None
    return joint if own is None else own.level(joint)


Looked = list[tuple[tuple[slice, slice], Residual]]
"""parts (rows, columns) of a slice that were looked at, and what was removed there"""


def look(noisy: Floats, estimate: Floats) -> Looked:
    """The figures of the parts of (C, H, W) to look at; parts in which nothing can be told are left out."""
    found = []
    for rows, columns in parts(noisy, estimate):
        figures = measure(noisy[:, rows, columns], estimate[:, rows, columns])
        if figures is not None:
            found.append(((rows, columns), figures))
    return found


def calmest(fine: Floats, alive: Bools) -> Bools:
    """(H, W) the third of the living pixels around which the estimate has least fine detail (C, H, W)."""
    around = smoothed(np.square(fine).sum(0)[None], alive, 3.0)[0]
    limit = np.quantile(around[alive], 1 / 3)
    chosen: Bools = alive & (around <= limit)
    return chosen


def neighbours(gone: Floats, where: Bools) -> float:
    """Correlation of pixels that are next to each other, across and down."""
    own = float(np.mean(np.square(gone[:, where])))
    if own <= 0:
        return 0.0
    across, down = where[:, 1:] & where[:, :-1], where[1:] & where[:-1]
    beside = (gone[:, :, 1:] * gone[:, :, :-1])[:, across]
    below = (gone[:, 1:] * gone[:, :-1])[:, down]
    return (
        float(np.concatenate([beside.ravel(), below.ravel()]).sum()) / max(beside.size + below.size, 1) / own
    )


def detail_correlation(gone: Floats, kept: Floats) -> float:
    """Correlation of the residual with the fine detail of the estimate, channels together.

    Blurring leaves y - x̂ proportional to the detail that went; noise has none of it.

    Args:
        gone: (C, H, W), y - x̂.
        kept: (C, H, W) estimate.
    """
    fine = kept - ndimage.gaussian_filter(kept, (0, 2, 2))
    return correlation(gone - ndimage.gaussian_filter(gone, (0, 2, 2)), fine)


def correlation(a: Floats, b: Floats) -> float:
    """Correlation about zero; 0 where one of them is nothing."""
    scale = float(np.sqrt(np.mean(a**2) * np.mean(b**2)))
    return float(np.mean(a * b)) / scale if scale > 1e-12 else 0.0


def uneven(gone: Floats, where: Bools) -> float:
    """How far the strength of the removed part differs between windows of 8 x 8 pixels, over chance.

    The energy of Gaussian noise in a window of n pixels with covariance matrix C is spread as a χ² of
    ν = (tr C)² / tr C² degrees of freedom, whose logarithm has variance ψ'(ν / 2). Texture is strong here and
    weak there: fields of grass and gravel have 1.7 and more, other pictures 2 to 40; noise of one level,
    white or not, 0.9 to 1.2. Noise that a JPEG or a camera has cored in calm parts has more, too.

    Args:
        gone: (H, W) the removed part without what varies slowly.
        where: (H, W) pixels that count.

    Returns:
        The ratio of the standard deviations; 0 with fewer than 16 windows.

    >>> noise = np.random.default_rng(0).normal(size=(128, 128))
    >>> everywhere = np.ones((128, 128), bool)
    >>> shared = ndimage.gaussian_filter(noise, 1.0)
    >>> bool(0.9 < uneven(noise, everywhere) < 1.1), bool(0.9 < uneven(shared, everywhere) < 1.1)
    (True, True)
    >>> bool(uneven(noise * np.linspace(0.2, 1, 128), everywhere) > 2)
    True
    """
    height, width = (WINDOW * (n // WINDOW) for n in gone.shape)
    tiles = (height // WINDOW, WINDOW, width // WINDOW, WINDOW)
    whole = where[:height, :width].reshape(tiles).all((1, 3))
    if int(whole.sum()) < FEWEST_WINDOWS:
        return 0.0
    energy = np.square(gone[:height, :width]).reshape(tiles).sum((1, 3))[whole]
    if not np.all(energy > 0):
        return math.inf
    # covariance by displacement, of the pixels that count alone
    lags, size = 2 * WINDOW - 1, [n + WINDOW for n in gone.shape]
    kept = np.where(where, gone, 0.0)
    power = np.abs(np.fft.rfft2(kept, size)) ** 2
    pairs = np.abs(np.fft.rfft2(where.astype(np.float64), size)) ** 2
    turn = np.arange(lags) - WINDOW + 1
    total, count = (np.fft.irfft2(a, size)[np.ix_(turn, turn)] for a in (power, pairs))
    shared = total / np.maximum(count, 1.0)
    often = WINDOW - np.abs(turn)
    centre = shared[WINDOW - 1, WINDOW - 1]
    squares = float(np.sum(np.square(shared / centre) * np.outer(often, often)))
    freedom = WINDOW**4 / squares
    return float(np.log(energy).std() / np.sqrt(special.polygamma(1, freedom / 2)))


def direction(gone: Floats, where: Bools) -> float:
    """Median coherence of the structure tensor, ((λ₁ - λ₂) / (λ₁ + λ₂)), over windows of some 8 pixels.

    Lines, edges and weaves have a direction; noise, whether its pixels share it or not, has none.

    Args:
        gone: (C, H, W), y - x̂.
        where: (H, W) pixels that count.
    """
    smooth = ndimage.gaussian_filter(np.where(where, gone, 0.0), (0, 1, 1))
    down, across = np.gradient(smooth, axis=1), np.gradient(smooth, axis=2)
    a, b, c = (
        ndimage.gaussian_filter(np.where(where, v.sum(0), 0.0), 3)
        for v in (across * across, across * down, down * down)
    )
    total = a + c
    seen = where & (total > 1e-6 * total.max())
    if not seen.any():
        return 0.0
    return float(np.median((np.sqrt((a - c) ** 2 + 4 * b * b)[seen]) / total[seen]))


def drifting(gone: Floats, where: Bools, alive: Bools) -> float:
    """The largest size of the mean of (C, H, W) over some 8 pixels, from means of 4 x 4 pixels.

    Args:
        gone: y - x̂.
        where: (H, W) pixels that count.
        alive: (H, W) pixels at which it is looked at.

    >>> everywhere = np.ones((1, 64, 64), bool)
    >>> round(drifting(np.full((1, 64, 64), -0.5), everywhere[0], everywhere[0]), 6)
    0.5
    """
    height, width = (CELL * (n // CELL) for n in gone.shape[-2:])

    def cells(values: Floats | Bools) -> Floats:
        tiled = values[..., :height, :width].reshape(-1, height // CELL, CELL, width // CELL, CELL)
        means: Floats = tiled.mean((2, 4), dtype=np.float32)
        return means

    seen = cells(alive)[0] > 0
    weight = ndimage.gaussian_filter(cells(where)[0], 8 / CELL)
    total = ndimage.gaussian_filter(cells(np.where(where, gone, 0.0)), (0, 8 / CELL, 8 / CELL))
    smooth = np.where(weight > 0.3, total / np.maximum(weight, 1e-6), 0.0)
    return float(np.abs(smooth[:, seen]).max(initial=0.0))


def smoothed(gone: Floats, where: Bools, width: float) -> Floats:
    """Gaussian mean of the pixels that count; 0 where there are few of them."""
    if where.all():
        return ndimage.gaussian_filter(gone, (0, width, width))
    weight = ndimage.gaussian_filter(where.astype(np.float64), width)
    total = ndimage.gaussian_filter(np.where(where, gone, 0.0), (0, width, width))
    mean: NDArray[np.float64] = np.where(weight > 0.3, total / np.maximum(weight, 1e-6), 0.0)
    return mean
