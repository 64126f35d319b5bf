"""Whether a picture is calmer without something that was found in it, where it is calm."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.noise.shown import Flags

Floats = NDArray[np.float64]
SIDE = 4
"""side of the squares in pixels: smaller than what lies between the lines of a table"""
QUANTILES = (0.1, 0.25, 0.5)
"""of the squares, the calmest first"""
MORE = 1.1
"""by which factor a square may be more uneven than before"""
LEAST = 1e-3
"""of the spread of the picture; less is rounding"""


def calmer(before: Floats, after: Floats, known: Flags) -> bool:
    """Whether calm squares have become no less calm: what lay over the whole picture lay over them too.

    What is drawn, as the grid of a table, is a pattern as well; taken off, it is left in the paper between
    the lines as its own negative.

    Args:
        before: (H, W).
        after: the same without what was found.
        known: where the picture shows something.

    >>> noise = np.random.default_rng(0).normal(size=(64, 64))
    >>> wave = np.cos(np.arange(64.0))
    >>> everywhere = np.ones((64, 64), bool)
    >>> calmer(noise + wave, noise, everywhere), calmer(noise, noise - wave, everywhere)
    (True, False)
    """
    uneven = [_uneven(plane, known) for plane in (before, after)]
    if not uneven[0].size:
        return True
    allowed = LEAST * float(np.std(before[known]))
    then, now = (np.quantile(u, QUANTILES) for u in uneven)
    return bool((now <= MORE * then + allowed).all())


def _uneven(plane: Floats, known: Flags) -> Floats:
    """Standard deviation in each square that is known wholly."""
    rows, columns = (n // SIDE for n in plane.shape)
    cut = (slice(rows * SIDE), slice(columns * SIDE))
    squares, whole = (
        a[cut].reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(rows * columns, SIDE * SIDE)
        for a in (plane, known)
    )
    found: Floats = squares[whole.all(1)].std(1)
    return found
