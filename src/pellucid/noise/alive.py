"""Where it is looked at what was removed: parts of a large picture, and pixels that show something."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from pellucid.noise.strokes import Bools, Floats

SIDE = 512  # of the parts that are looked at; enough pixels for every figure
COARSE = 4  # step in which those parts are looked for
EDGE = 4  # pixels at the border that are left out, where filters mirror
WIDE = 13  # pixels from which a constant part is left out


def parts(noisy: Floats, estimate: Floats) -> list[tuple[slice, slice]]:
    """Rows and columns to look at: all of a picture of at most SIDE x SIDE pixels, else two parts of that
    size, where the estimate holds most detail and where most was removed.

    Args:
        noisy: (C, H, W).
        estimate: the same shape.
    """
    height, width = noisy.shape[-2:]
    if max(height, width) <= SIDE:
        return [(slice(0, height), slice(0, width))]
    thin = (..., slice(0, None, COARSE), slice(0, None, COARSE))
    kept, gone = estimate[thin], np.square(noisy[thin].astype(np.float64) - estimate[thin]).sum(0)
    detail = np.abs(np.diff(kept, axis=-1, append=kept[..., -1:])).sum(0, dtype=np.float64)
    chosen = [
        _fullest(weight, height, width) for weight in (detail, np.minimum(gone, np.quantile(gone, 0.99)))
    ]
    return chosen if chosen[0] != chosen[1] else chosen[:1]


def _fullest(weight: Floats, height: int, width: int) -> tuple[slice, slice]:
    """The part of SIDE x SIDE pixels with most weight, which is given in steps of COARSE."""
    rows, columns = min(height, SIDE), min(width, SIDE)
    down, across = -(-rows // COARSE), -(-columns // COARSE)
    down, across = min(down, weight.shape[0]), min(across, weight.shape[1])
    total = np.pad(weight.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    upper, lower = total[:-down], total[down:]
    area = lower[:, across:] - upper[:, across:] - lower[:, :-across] + upper[:, :-across]
    place = int(area.argmax())
    top = min(COARSE * (place // area.shape[1]), height - rows)
    left = min(COARSE * (place % area.shape[1]), width - columns)
    return slice(top, top + rows), slice(left, left + columns)


def living(noisy: Floats) -> Bools:
    """(H, W) outside wide constant parts: gaps between letters live, margins and a black surround do not."""
    still = _constant(noisy)
    if not still.any():
        return ~still
    still = ndimage.binary_dilation(still, np.ones((5, 5), bool))
    wide = ndimage.binary_opening(still, np.ones((WIDE, WIDE), bool))
    found: Bools = ~wide
    return found


def _constant(picture: Floats) -> Bools:
    """(H, W) whether what the 5 x 5 square around a pixel of (C, H, W) has of the picture is constant.

    >>> ramp = np.arange(12.0)[None, None].repeat(9, 1)
    >>> ramp[..., :7] = 0
    >>> int(_constant(ramp).sum())
    45
    """
    height, width = picture.shape[-2:]
    across, down = np.ones((height + 4, width + 3), bool), np.ones((height + 3, width + 4), bool)
    across[2:-2, 2:-2] = (picture[..., 1:] == picture[..., :-1]).all(0)
    down[2:-2, 2:-2] = (picture[:, 1:] == picture[:, :-1]).all(0)
    same = np.ones((height, width), bool)
    for marked, rows, columns in ((across, 5, 4), (down, 4, 5)):
        lines = np.logical_and.reduce([marked[:, i : i + width] for i in range(columns)])
        same &= np.logical_and.reduce([lines[i : i + height] for i in range(rows)])
        if not same.any():  # as in most photographs, after half of the work
            break
    return same


def eroded(inner: Bools) -> Bools:
    """Pixels that are at least EDGE away from the border of (H, W) and from what is not marked."""
    if not inner.all():
        eroded: Bools = ndimage.binary_erosion(inner, np.ones((3, 3), bool), iterations=EDGE)
        return eroded
    found = np.zeros_like(inner)
    found[EDGE:-EDGE, EDGE:-EDGE] = True
    return found


def framed(noisy: Floats) -> tuple[slice, slice]:
    """Rows and columns without the constant ones at the border.

    >>> framed(np.pad(np.arange(6.0).reshape(1, 2, 3), ((0, 0), (1, 2), (0, 1))))
    (slice(1, 3, None), slice(0, 3, None))
    """
    rows, columns = slice(0, noisy.shape[-2]), slice(0, noisy.shape[-1])
    ends = (noisy[:, :1], noisy[:, -1:], noisy[..., :1], noisy[..., -1:])
    if all(end.size and bool((np.ptp(end, axis=(1, 2)) > 0).any()) for end in ends):  # as in most pictures
        return rows, columns
    while True:
        part = noisy[:, rows, columns]
        down = np.ptp(part, axis=2).max(0).nonzero()[0] if part.size else np.zeros(0)
        across = np.ptp(part, axis=1).max(0).nonzero()[0] if part.size else np.zeros(0)
        if len(down) == 0 or len(across) == 0:
            return slice(0, 0), slice(0, 0)
        inside = (
            slice(rows.start + int(down[0]), rows.start + int(down[-1]) + 1),
            slice(columns.start + int(across[0]), columns.start + int(across[-1]) + 1),
        )
        if inside == (rows, columns):
            return inside
        rows, columns = inside
