"""Holes: pixels without a measurement (NaN, infinity, nodata), how they are known, and what stands there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, uniform_filter

from pellucid.image import Pixels

Nodata = float | str
"""a stored value, "auto" for what the file says and what is obvious, or "none" """

KNOWN = (-999.0, -9999.0, -99999.0, -999999.0, -32767.0, -32768.0, -2147483647.0, -2147483648.0)
"""values that programs write where there is nothing"""
ABSURD = 1e19
"""what no instrument gives; netCDF writes 9.97e36, others 1e20 or the largest float"""
FAR, CLEAR = 10.0, 0.5
"""distance from the rest over its range, from which on a repeated extreme, or a known value, is none of it"""
HUDDLED = 0.5
"""share of the pixels of a repeated extreme with some of their kind around them; hot pixels stand alone"""
DISTINCT = 16
"""values that the rest must hold at the least: a drawing has fewer"""
SMOOTH = 2.0
"""pixels over which the values along the rim of a hole are averaged, so that their noise makes no streaks"""


def missing(
    slices: NDArray[Any], nodata: Nodata = "auto", declared: float | None = None, *, color: bool = False
) -> tuple[NDArray[np.bool_] | None, tuple[str, ...]]:
    """Where stored values (N, C, H, W) are no measurement, or None where all are; and notes for the user.

    NaN and infinite values always are none. Beside them: the value that the user names; else those that the
    file declares, and obvious ones: an extreme value, repeated exactly, far outside of all others.

    Args:
        slices: stored values.
        nodata: "auto", "none", or the value.
        declared: what the file says.
        color: whether the channels are display colours; there a value counts where all channels hold it.

    >>> values = np.linspace(0, 1, 64).reshape(1, 1, 8, 8)
    >>> values[..., :3, :3] = -9999
    >>> missing(values)[1]
    ('9 of 64 pixels hold -9999, which is taken for nodata: they stay as they are (nodata="none" to ...',)
    """
    found = np.zeros(slices.shape, bool) if slices.dtype.kind != "f" else ~np.isfinite(slices)
    notes: list[str] = []
    if found.any():
        notes.append(f"{_share(found)} are NaN or infinite: they stay as they are.")
    said = declared if nodata == "auto" else None
    stated = said if isinstance(nodata, str) else nodata
    if stated is not None and math.isfinite(stated):
        same = _equal(slices, stated, color)
        if same.any() and not (same | found).all():
            notes.append(f"{_share(same)} hold the nodata value {stated:g}: they stay as they are.")
            found |= same
        elif nodata != "auto":
            much = "every" if same.any() else "no"
            notes.append(f"{much} pixel holds the nodata value {stated:g}: it was taken for none.")
    if nodata == "auto":
        for _ in range(3):  # a file may hold two kinds of nodata
            value = _obvious(slices, found, color)
            if value is None:
                break
            same = _equal(slices, value, color) & ~found
            notes.append(
                f"{_share(same)} hold {value:g}, which is taken for nodata: they stay as they are "
                '(nodata="none" to work on them, --nodata none).'
            )
            found |= same
    return (found if found.any() else None), tuple(notes)


def of_pixels(missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels (N, H, W) of which a channel is missing, but for channels that are missing throughout.

    >>> missing = np.zeros((1, 2, 1, 3), bool)
    >>> missing[0, 0], missing[0, 1, 0, 0] = True, True
    >>> of_pixels(missing).tolist()
    [[[True, False, False]]]
    """
    partly = ~missing.all(axis=(-2, -1), keepdims=True)
    return np.asarray((missing & partly).any(axis=1) | missing.all(axis=1), dtype=np.bool_)


def _equal(slices: NDArray[Any], value: float, color: bool) -> NDArray[np.bool_]:
    """Where stored values are this one, as far as their type can say it; of colours, where all are."""
    if slices.dtype.kind != "f":
        info = np.iinfo(slices.dtype)
        if not (value == int(value) and info.min <= int(value) <= info.max):
            return np.zeros(slices.shape, bool)
        same: NDArray[np.bool_] = np.equal(slices, slices.dtype.type(int(value)))
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            same = np.equal(slices, slices.dtype.type(value))
            if abs(value) >= ABSURD:  # people write -3.4e38 for -3.4028235e38
                same = np.abs(slices / value - 1) < 0.01
    return np.broadcast_to(same.all(axis=1, keepdims=True), same.shape) if color else same


def _share(where: NDArray[np.bool_]) -> str:
    pixels = where.any(axis=1)
    return f"{int(pixels.sum())} of {pixels.size} pixels"


def _obvious(slices: NDArray[Any], found: NDArray[np.bool_], color: bool) -> float | None:
    """An extreme value that is obviously no measurement, or None."""
    if slices.dtype.itemsize == 1:
        return None  # in 8 bits every value is a shade
    valid = slices[~found]
    if valid.size < 4:
        return None
    for value in (float(valid.min()), float(valid.max())):
        here = _equal(slices, value, color) & ~found
        count = int(here.sum())
        rest = slices[~(found | here)]
        if count == valid.size or not rest.size:
            continue
        with np.errstate(over="ignore"):
            low, high = (float(v) for v in np.quantile(_sample(rest).astype(np.float64), (0.001, 0.999)))
        gap, extent = max(low - value, value - high), high - low
        if gap <= 0 or extent <= 0:
            continue
        absurd = abs(value) >= ABSURD and gap > 1e3 * max(abs(low), abs(high))
        known = value in KNOWN and count > 1 and gap >= CLEAR * extent
        repeated = (
            gap >= FAR * extent and count > 1 and _huddled(here) and len(np.unique(_sample(rest))) >= DISTINCT
        )
        if absurd or known or repeated:
            return value
    return None


def _huddled(here: NDArray[np.bool_]) -> bool:
    """Whether most pixels of a kind have at least three of their kind among their eight neighbours."""
    around = uniform_filter(here.astype(np.float32), (1, 1, 3, 3), mode="constant") * 9
    return float((around[here] > 3.5).mean()) >= HUDDLED


def _sample(values: NDArray[Any]) -> NDArray[Any]:
    """At most a million of the values (any shape), spread evenly."""
    flat = values.reshape(-1)
    return flat[:: max(1, flat.size // 1_000_000) | 1]


def filled(pixels: Pixels, holes: NDArray[np.bool_]) -> Pixels:
    """Pixels (N, C, H, W) with a continuation of what lies nearest where `holes` (the same shape) are.

    The values along the rim are averaged over a few pixels before they are continued, so that the noise of a
    single one makes no streak. A plane without any valid pixel becomes the mean of all, or 0.
    """
    result = pixels.copy()
    known = ~holes
    everywhere = float(pixels[known].mean(dtype=np.float64)) if known.any() else 0.0
    for place in np.ndindex(pixels.shape[:2]):
        hole = holes[place]
        if not hole.any():
            continue
        if hole.all():
            result[place] = everywhere
            continue
        around = _around(hole)
        part = hole[around]
        rows, columns = distance_transform_edt(part, return_distances=False, return_indices=True)
        plane = np.where(part, 0.0, pixels[place][around]).astype(np.float64)
        weight = gaussian_filter((~part).astype(np.float64), SMOOTH)
        smooth = gaussian_filter(plane, SMOOTH) / np.maximum(weight, 1e-12)
        result[place][around][part] = smooth[rows[part], columns[part]]
    return result


def _around(hole: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The least rectangle with all holes and what the filling looks at around them."""
    margin = int(4 * SMOOTH) + 1
    found = [np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0)]
    rows, columns = (slice(max(0, int(i[0]) - margin), int(i[-1]) + margin + 1) for i in found)
    return rows, columns
