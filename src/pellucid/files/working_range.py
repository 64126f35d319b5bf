"""The working range: stored value = pixel * white, and its exact inverse.

8-bit values are divided by 255. Longer integers are divided by 2^bits - 1, with the bits that the file
declares or else the fewest of 10, 12, 14, 16, 24, 32 (and 64) that hold the largest value of the whole stack.
Signed integers keep their
zero: they are divided by the largest value of the fewest bits of 7 (int8), 10, 12, 14, 15, 24, 31 (and 63)
that hold the largest magnitude, so negative values are negative pixels. Floats that nearly all lie in [-0.5,
1.5] are left as they are; others need a data range.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import checks
from pellucid.image import Pixels

NEARLY_ALL = 0.999
LOW, HIGH = -0.5, 1.5
UNSIGNED_BITS = (10, 12, 14, 16, 24, 32, 64)
SIGNED_BITS = (10, 12, 14, 15, 24, 31, 63)


def white(
    array: NDArray[Any], *, bits: int | None = None, data_range: float | None = None
) -> tuple[float, tuple[str, ...]]:
    """The stored value that 1.0 stands for, and notes for the user.

    Args:
        array: stored values, any shape, at least one.
        bits: significant bits where declared.
        data_range: overrides every rule.

    Raises:
        ValueError: for a data range that is not positive, or floats far outside [0, 1] without one.

    >>> white(np.array([0, 3000], dtype="uint16"))[0]
    4095.0
    """
    if data_range is not None:
        return checks.in_range("data_range", float(data_range), 0, low_open=True), ()
    if array.dtype.kind == "f":
        return _white_of_floats(array)
    signed = array.dtype.kind == "i"
    largest = max(int(array.max()), -int(array.min()) - 1)  # -2^b needs no more bits than 2^b - 1
    if array.dtype.itemsize == 1:
        return (127.0 if signed else 255.0), ()
    if bits is not None and largest < 2**bits:
        return float(2**bits - 1), ()
    fitting = next(b for b in (SIGNED_BITS if signed else UNSIGNED_BITS) if largest < 2**b)
    if bits is None:
        return float(2**fitting - 1), ()
    return float(2**fitting - 1), (
        f"the file declares {bits} significant bits but holds {largest}; {fitting} bits are assumed.",
    )


def _white_of_floats(array: NDArray[Any]) -> tuple[float, tuple[str, ...]]:
    low, high = float(array.min()), float(array.max())
    if low < LOW or high > HIGH:
        inside = np.count_nonzero((array >= LOW) & (array <= HIGH)) / array.size
        if inside < NEARLY_ALL:
            guess = next((f"{2**b - 1}" for b in (8, 10, 12, 14, 16) if 1.5 < high < 2**b), f"{high:.6g}")
            raise ValueError(
                f"{array.dtype} pixels must nearly all lie in [{LOW}, {HIGH}] (white = 1), got {low:.6g} "
                f"to {high:.6g}. Say which value is white: data_range={guess} "
                f"(on the command line --data-range {guess})."
            )
    if max(abs(low), abs(high)) < 1 / 256:
        note = f"the pixels reach only from {low:.3g} to {high:.3g}; if white is not 1, give the data range."
        return 1.0, (note,)
    return 1.0, ()


def check_finite(array: NDArray[Any], axes: str) -> None:
    """Raise a ValueError that counts the NaN and infinite values and says where the first is."""
    finite = np.isfinite(array)
    if finite.all():
        return
    first = np.unravel_index(int(np.argmin(finite)), array.shape)
    where = ", ".join(f"{axis}={int(i)}" for axis, i in zip(axes, first, strict=True))
    bad = array.size - np.count_nonzero(finite)
    raise ValueError(
        f"pixels must be finite, got {bad} of {array.size} NaN or infinite; "
        f"the first is at {where} (counted from 0). Replace them, or restore them as holes with inpaint."
    )


def to_working(values: NDArray[Any], scale: float) -> Pixels:
    """Divide by the scale, as float32, C-contiguous.

    Raises:
        ValueError: when the quotient overflows float32.
    """
    # float32 division is exact enough for 16 bits: the error is below 1/256 of a step.
    work = np.float32 if values.dtype.itemsize <= 2 else np.float64
    if values.dtype == np.float32 and scale == 1.0:
        return np.array(values, order="C")
    with np.errstate(over="ignore"):
        pixels = np.divide(values, work(scale), dtype=work).astype(np.float32, copy=False)
    if work is np.float64 and not np.isfinite(pixels).all():
        raise ValueError(f"pixels divided by {scale:g} must fit float32. Give a larger data_range.")
    return np.ascontiguousarray(pixels)


def from_working(pixels: Pixels, scale: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Multiply by the scale, in the stored type: integers rounded and clipped, floats as they are.

    Raises:
        ValueError: when a pixel is not finite.
    """
    check_finite(pixels, "NCYX")
    if dtype.kind == "f":
        if scale == 1.0 and dtype == np.float32:
            return pixels.copy()
        limit = float(np.finfo(dtype).max)
        return np.clip(pixels.astype(np.float64) * scale, -limit, limit).astype(dtype)
    work = np.float32 if dtype.itemsize <= 2 else np.float64
    values = np.multiply(pixels, work(scale), dtype=work)
    np.rint(values, out=values)
    if dtype.itemsize == 8:
        return _to_64_bits(values, dtype)
    np.clip(values, np.iinfo(dtype).min, np.iinfo(dtype).max, out=values)
    result: NDArray[Any] = values.astype(dtype)
    return result


def _to_64_bits(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Clip to a 64-bit type whose largest value no float holds."""
    info = np.iinfo(dtype)
    below = np.nextafter(float(info.max), 0.0)
    result: NDArray[Any] = np.clip(values, info.min, below).astype(dtype)
    result[values > below] = info.max
    return result


def need_exact(values: NDArray[Any], pixels: Pixels, scale: float) -> bool:
    """Whether some stored value does not come back from its float32 pixel."""
    if (values.dtype.kind in "ui" and values.dtype.itemsize <= 2) or (
        values.dtype.kind == "f" and values.dtype.itemsize <= 4 and scale == 1.0
    ):
        return False
    return not np.array_equal(from_working(pixels, scale, values.dtype), values)
