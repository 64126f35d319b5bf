"""What slices share besides the scene: noise, as a lag leaves it; rows of another time, by interlacing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FAR = 6
"""slices from which on nothing of the noise is shared any more, at the most"""
FEWEST = 4
"""slices of which that can be told"""
SIDE = 8
"""of a block of the finest band, which is half as wide and high as the picture"""
CALM = 0.2
"""share of the blocks, the calmest, that are looked at"""
BLOCKS = 8
"""blocks without which nothing can be told"""
LARGER = 1.4
"""variance of the change of two slices over that of noise beyond which it is the scene that changes"""
SURE = 4.0
"""standard errors by which a figure must stand out"""
UNEVEN = 0.1
"""difference of what two slices share the one way and the other, over their change, from which rows have
times of their own"""


def noise(film: Floats, level: float) -> float | None:
    """The correlation of the noise of a slice with that of the next one; None where it cannot be told.

    In the finest diagonal band r of the calmest blocks hardly anything but noise changes, and half the
    squared difference of two slices is D(k) = (1 - rho(k)) times its variance. What does not change at all,
    texture or the pattern of a sensor, is in none of them. With far slices sharing nothing,
    rho(1) = 1 - D(1) / D(far).

    Args:
        film: (T, H, W) of one scene.
        level: standard deviation of the noise in the finest band.

    >>> draws = np.random.default_rng(0).standard_normal((9, 96, 96))
    >>> lag = draws[1:] + draws[:-1]
    >>> round(noise(draws, 1.0), 1) + 0.0, round(noise(lag, 2**0.5), 1)
    (0.0, 0.5)
    """
    frames, height, width = film.shape
    far = min(FAR, frames - 1)
    rows, columns = height // (2 * SIDE), width // (2 * SIDE)
    if far < FEWEST - 1 or rows * columns < BLOCKS or level <= 0:
        return None
    cut = film[:, : rows * 2 * SIDE, : columns * 2 * SIDE]
    a, b, c, d = cut[:, ::2, ::2], cut[:, ::2, 1::2], cut[:, 1::2, ::2], cut[:, 1::2, 1::2]

    def blocks(band: Floats) -> Floats:
        """(T, blocks, 64)."""
        split = band.reshape(len(band), rows, SIDE, columns, SIDE).transpose(0, 1, 3, 2, 4)
        return split.reshape(len(band), rows * columns, SIDE * SIDE)

    mean = cut.mean(0, keepdims=True)
    e, f, g, h = mean[:, ::2, ::2], mean[:, ::2, 1::2], mean[:, 1::2, ::2], mean[:, 1::2, 1::2]
    detail = np.square(blocks(e + f - g - h)) + np.square(blocks(e - f + g - h))
    calm = np.argsort(detail[0].mean(1))[: max(BLOCKS, int(CALM * rows * columns))]
    fine = blocks((a - b - c + d) / 2)[:, calm]

    def change(lag: int) -> Floats:
        return np.asarray(np.square(fine[lag:] - fine[:-lag]).mean((0, 2)) / 2)

    near, apart = change(1), (change(far) + change(far - 1)) / 2
    whole = float(apart.mean())
    if whole <= 0 or whole > LARGER * level**2:
        return None
    shared = 1 - float(near.mean()) / whole
    doubt = float((near - (1 - shared) * apart).std()) / math.sqrt(len(calm)) / whole
    return shared if abs(shared) > SURE * doubt else 0.0


def interlaced(film: Floats, level: float) -> bool:
    """Whether even and odd rows of frames (T, H, W) of one scene were taken at different times.

    Even rows are compared with what the odd rows around them show in the next frame, and odd rows with the
    even rows of the next frame. Where all rows are of one time both differ alike, by a frame's worth of
    movement; interlaced, the one by half of that and the other by half as much again.

    Args:
        film: of one scene.
        level: standard deviation of the noise.

    >>> scene = np.random.default_rng(0).standard_normal((40, 90)).repeat(6, 1).repeat(3, 0)
    >>> whole = np.stack([scene[:, 4 * t : 4 * t + 64] for t in range(4)])
    >>> fields = whole.copy()
    >>> fields[:, 1::2] = [scene[1::2, 4 * t + 2 : 4 * t + 66] for t in range(4)]
    >>> interlaced(whole, 0.0), interlaced(fields, 0.0)
    (False, True)
    """
    frames, height, width = film.shape
    if frames < 2 or height < 4 * SIDE or width < 2 * SIDE:
        return False
    even, odd = film[:, 0 : height // 2 * 2 : 2], film[:, 1::2]
    here, after = even[:-1, 1:-1], even[1:]
    first = here - (odd[1:, :-2] + odd[1:, 1:-1]) / 2
    second = odd[:-1, 1:-1] - (after[:, 1:-1] + after[:, 2:]) / 2
    rows, columns = first.shape[1] // SIDE, width // (2 * SIDE)

    def blocks(change: Floats) -> Floats:
        part = np.square(change[:, : rows * SIDE, : columns * 2 * SIDE]).mean(0)
        return np.asarray(part.reshape(rows, SIDE, columns, 2 * SIDE).mean((1, 3)).ravel())

    one, other = blocks(first), blocks(second)
    apart, moved = one - other, float((one + other).mean()) / 2 - 1.5 * level**2
    if moved <= 0:
        return False
    stands = abs(float(apart.mean())) > SURE * float(apart.std()) / math.sqrt(len(apart))
    return stands and abs(float(apart.mean())) > UNEVEN * moved
