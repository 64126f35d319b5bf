"""How far one noisy shot is moved against another, to a part of a pixel, and how much they are alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.registration import phase_cross_correlation

from pellucid.noise.level import mad
from pellucid.shots.moving import moved

Floats = NDArray[np.float64]

PIXELS = 2**20  # larger pictures are reduced by averaging squares first: noise falls, precision stays
SCALES = (1.5, 3.0, 6.0)  # pixels; structure finer than the first drowns in noise
WIDER = 4.0  # a band lies between a Gaussian and one so many times wider
PEAKS = 4  # searches for the peak at most
ROUNDS = 30  # Gauss-Newton steps at most
FALL = 16.0  # that of two unneeded parts is chi-squared with 2 degrees of freedom: above 16 once in 3000
EMPTY = 1e-9  # standard deviation below which a picture is constant but for rounding
CONVERGED = 1e-3  # pixels
LEAST = 0.3  # correlation below which two pictures are not one scene, however large they are
CLEAR = 1.3  # by which the correlation that noise leaves must exceed what is expected, to judge by it
SPREAD = 4.0  # chance correlations of unrelated bands stay below so many standard deviations


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What was measured between two shots.

    Attributes:
        down: pixels by which the second must go down to lie on the first.
        across: pixels by which it must go to the right.
        error: (down, across) standard deviation of these figures, pixels.
        correlation: of the two after the move, in the finest band of scales that noise leaves, -1 to 1.
        expected: the least that two shots of one scene reach in that band.
        clear: whether there is structure above the noise, by which they could be told apart.
    """

    down: float
    across: float
    error: tuple[float, float]
    correlation: float
    expected: float
    clear: bool


def register(first: Floats, second: Floats) -> Registration:
    """Find the move that lays the second shot on the first; 0 along what the scene does not tell.

    The peak of the cross-correlation of both in a band of scales gives whole pixels. From there
    the squared difference is brought to its minimum by Gauss-Newton steps, with the gradient of the sum of
    both shots: the noise of the two enters it alike and cancels, so that noise does not bias the result.

    Args:
        first: (H, W), one gray picture.
        second: the same shape.

    Returns:
        What was measured. It is not yet judged.
    """
    factor = max(1, math.ceil(math.sqrt(first.size / PIXELS)))
    a, b = (_reduced(image, factor) for image in (first, second))
    down, across, error = _refined(a, b, *whole_pixels(a, b))
    down, across = _established(a, b, down, across)
    correlation, expected, clear = _alike(a, _shifted(b, down, across), down, across)
    return Registration(
        down=down * factor,
        across=across * factor,
        error=(error[0] * factor, error[1] * factor),
        correlation=correlation,
        expected=expected,
        clear=clear,
    )


def _reduced(image: Floats, factor: int) -> Floats:
    """Means over squares of ``factor`` pixels; what does not fill a square is left out."""
    height, width = (side // factor * factor for side in image.shape)
    squares = image[:height, :width].reshape(height // factor, factor, width // factor, factor)
    return np.asarray(squares.mean(axis=(1, 3)), dtype=np.float64)


def smoothed(image: Floats) -> Floats:
    """A picture without what is finer than the finest band, which drowns in noise."""
    found: Floats = gaussian_filter(image, SCALES[0])
    return found


def _band(image: Floats, scale: float) -> Floats:
    return gaussian_filter(image, scale) - gaussian_filter(image, WIDER * scale)


def whole_pixels(a: Floats, b: Floats) -> tuple[int, int]:
    """By how many whole pixels the second picture must go down, and to the right, to lie on the first.

    The peak of the cross-correlation, looked for again in what both show, where the window is no bias.
    """
    a, b = (_band(image, SCALES[0]) for image in (a, b))
    down = across = 0
    for _ in range(PEAKS):
        size = a.shape[0] - abs(down), a.shape[1] - abs(across)
        if min(size) < min(a.shape) / 2:
            break
        x = a[max(0, down) :, max(0, across) :][: size[0], : size[1]]
        y = b[max(0, -down) :, max(0, -across) :][: size[0], : size[1]]
        window = np.hanning(size[0] + 2)[1:-1, None] * np.hanning(size[1] + 2)[None, 1:-1]
        if min(x.std(), y.std()) < EMPTY:
            break
        more, _, _ = phase_cross_correlation(x * window, y * window, normalization=None)
        down, across = down + int(more[0]), across + int(more[1])
        if not more.any():
            break
    return down, across


def _shifted(image: Floats, down: float, across: float) -> Floats:
    return np.asarray(moved(torch.from_numpy(image), down, across).numpy(), dtype=np.float64)


def _overlap(shape: tuple[int, ...], down: float, across: float, margin: int) -> tuple[slice, slice]:
    """The rows and columns that both pictures show, less a margin where filters see the mirror image."""
    spans = []
    for size, shift in zip(shape, (down, across), strict=True):
        cut = min(margin, (size - 1) // 4)
        low = cut + max(0, math.ceil(shift))
        high = size - cut + min(0, math.floor(shift))
        spans.append(slice(low, high) if high > low else slice(0, size))
    return spans[0], spans[1]


def _refined(a: Floats, b: Floats, down: float, across: float) -> tuple[float, float, tuple[float, float]]:
    a, b = gaussian_filter(a, 1.0), gaussian_filter(b, 1.0)
    start = down, across
    error = (math.inf, math.inf)
    for _ in range(ROUNDS):
        other = _shifted(b, down, across)
        box = _overlap(a.shape, down, across, margin=8)
        both = (a + other) / 2
        steep, slope = np.gradient(both, axis=0)[box].ravel(), np.gradient(both, axis=1)[box].ravel()
        # Unknown: the step down and across, and the brightness that the second lacks (gain and offset).
        system = np.stack([-steep, -slope, other[box].ravel(), np.ones_like(steep)], axis=1)
        normal = system.T @ system + 1e-12 * np.eye(4)
        residual = (a - other)[box].ravel()
        step = np.linalg.solve(normal, system.T @ residual)
        left = residual - system @ step
        # Smoothing shares the noise between about 4 pi pixels, so that there are fewer independent ones.
        variance = 4 * math.pi * float(left @ left) / len(left)
        spread = np.sqrt(np.maximum(variance * np.diag(np.linalg.inv(normal))[:2], 0))
        error = (float(spread[0]), float(spread[1]))
        down, across = down + float(step[0]), across + float(step[1])
        if max(abs(down - start[0]), abs(across - start[1])) > 2:
            return *start, (math.inf, math.inf)  # no minimum nearby: the peak stands as it is
        if max(abs(step[0]), abs(step[1])) < CONVERGED:
            break
    return down, across, error


def _established(a: Floats, b: Floats, down: float, across: float) -> tuple[float, float]:
    """The move less the parts that explain nothing: an edge says where it lies across itself only.

    A part is kept when the squared difference, in units of its own variance, falls by more than noise makes
    it fall (`FALL`); gain and offset are fitted, as a slope that moves looks like one that gets brighter.
    """
    a, b = gaussian_filter(a, 1.0), gaussian_filter(b, 1.0)
    rows, columns = (
        slice(max(box.start for box in pair), min(box.stop for box in pair))
        for pair in zip(
            _overlap(a.shape, down, across, margin=8), _overlap(a.shape, 0, 0, margin=8), strict=True
        )
    )
    truth = a[rows, columns].ravel()
    lefts = {}
    for move in ((0.0, 0.0), (down, 0.0), (0.0, across), (down, across)):
        other = _shifted(b, *move)[rows, columns].ravel()
        system = np.stack([other, np.ones_like(other)], axis=1)
        left = truth - system @ np.linalg.lstsq(system, truth, rcond=None)[0]
        lefts[move] = max(float(left @ left), EMPTY**2 * len(truth))
    places = len(truth) / (4 * math.pi)
    least = min(lefts.values())
    return next(move for move, left in lefts.items() if places * (left / least - 1) <= FALL)


def _alike(a: Floats, b: Floats, down: float, across: float) -> tuple[float, float, bool]:
    """(correlation, what is expected of one scene, whether structure is to be seen at all).

    The figures are those of the finest band in which structure is to be seen: where white noise of the
    measured level would leave more correlation than is expected. Unrelated bands correlate by chance like
    1 / sqrt(n), with n independent places, and the best shift has been sought; fine bands have many places,
    and large shapes, which any two pictures share, do not count in them.
    """
    noise = [float(mad(torch.from_numpy(image)[None])[0]) ** 2 for image in (a, b)]
    correlation, expected = 0.0, 1.0
    for scale in SCALES:
        box = _overlap(a.shape, down, across, margin=int(2 * scale))
        x, y = (_band(image, scale)[box].ravel() for image in (a, b))
        x, y = x - x.mean(), y - y.mean()
        power = [max(float(z @ z) / len(z), EMPTY**2) for z in (x, y)]
        correlation = float(x @ y) / len(x) / math.sqrt(power[0] * power[1])
        area = 4 * math.pi * scale**2  # pixels that share their noise after the smoothing
        expected = min(max(LEAST, SPREAD / math.sqrt(max(x.size / area, 1.0))), 0.9)
        signal = [max(0.0, 1 - n / area / p) for n, p in zip(noise, power, strict=True)]
        if math.sqrt(signal[0] * signal[1]) > CLEAR * expected:
            return correlation, expected, True
    return correlation, expected, False
