"""The working range: stored value = pixel * scale + offset, and its exact inverse.

8-bit values are divided by 255. Longer integers are divided by 2^bits - 1, with the bits that the file
declares or else the fewest of 10, 12, 14, 16, 24, 32 (and 64) that hold the largest value of the whole stack.
Signed integers keep their zero: they are divided by the largest value of the fewest bits of 7 (int8), 10, 12,
14, 15, 24, 31 (and 63) that hold the largest magnitude, so negative values are negative pixels. Floats that
nearly all lie in [-0.5, 1.5] and are not tiny are left as they are; others are divided by 255 where they
reach beyond half of it and not further, else by their own magnitude, which a thousandth of the pixels at
either end has no say in. Where deep integers and floats lie so far from zero that float32 would lose their
contrast, that is subtracted first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import checks
from pellucid.image import Pixels, stored_limits

NEARLY_ALL = 0.999
LOW, HIGH = -0.5, 1.5
TINY = 1 / 16
"""magnitude under which floats are not taken to have 1.0 as their white"""
OUTSIDE = 0.001
"""share of the pixels at either end that has no say in the magnitude of floats"""
FAR = 256
"""distance from zero over the contrast, from which on an offset is subtracted: 16 of 24 bits are left"""
UNSIGNED_BITS = (10, 12, 14, 16, 24, 32, 64)
SIGNED_BITS = (10, 12, 14, 15, 24, 31, 63)


@dataclass(frozen=True, kw_only=True)
class Range:
    """How stored values become pixels.

    Attributes:
        scale: what 1.0 stands for, above the offset.
        offset: what 0.0 stands for.
        bits: significant bits that the values keep to, or None for all of their type.
        notes: remarks for the user.
    """

    scale: float
    offset: float = 0.0
    bits: int | None = None
    notes: tuple[str, ...] = ()


def working_range(values: NDArray[Any], *, bits: int | None = None, data_range: float | None = None) -> Range:
    """The working range of stored values of any type and magnitude.

    Args:
        values: stored values, finite, any shape, at least one.
        bits: significant bits where declared.
        data_range: overrides the scale.

    Raises:
        ValueError: for a data range that is not positive, or that integers exceed in earnest.

    >>> working_range(np.array([0, 3000], dtype="uint16")).scale
    4095.0
    >>> working_range(np.array([0.001, 0.004], dtype="float32")).scale
    0.004000000189989805
    >>> found = working_range(np.array([10**9, 10**9 + 300]))
    >>> found.scale, found.offset
    (300.0, 1000000000.0)
    """
    far = _far(values)
    if data_range is not None:
        scale = checks.in_range("data_range", float(data_range), 0, low_open=True)
        offset = far.offset if far else 0.0
        _check_reach(values, scale, offset)
        return Range(scale=scale, offset=offset, bits=_kept_bits(values, bits))
    if far is not None:
        return far
    if values.dtype.kind == "f":
        return Range(scale=_scale_of_floats(values))
    scale, notes = white(values, bits=bits)
    return Range(scale=scale, bits=_kept_bits(values, bits), notes=notes)


def _kept_bits(values: NDArray[Any], bits: int | None) -> int | None:
    """The bits that the values keep to: as declared, or those at whose very end the largest value lies."""
    if values.dtype.kind == "f":
        return None
    largest = int(values.max())
    if bits is None and values.dtype.kind == "u" and values.dtype.itemsize > 1:
        bits = next((b for b in UNSIGNED_BITS if largest == 2**b - 1), None)
    if bits is None or bits >= 8 * values.dtype.itemsize:
        return None
    low, high = stored_limits(str(values.dtype), bits)
    return bits if largest <= high and int(values.min()) >= low else None


def _spread(values: NDArray[Any]) -> tuple[float, float]:
    """The least and the greatest value but for the outermost thousandth; of all where these are equal."""
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // 1_000_000) | 1]
    last = sample.size - 1
    ends = (int(OUTSIDE * last), last - int(OUTSIDE * last))
    low, high = (float(v) for v in np.partition(sample, ends)[list(ends)])
    return (low, high) if low < high else (float(values.min()), float(values.max()))


def _far(values: NDArray[Any]) -> Range | None:
    """Offset and scale of deep values that lie far from zero for their contrast, else None."""
    if values.dtype.itemsize <= 2:
        return None
    low, high = _spread(values)
    if not 0 < FAR * (high - low) < max(abs(low), abs(high)):
        return None
    return Range(scale=high - low, offset=low)


def _check_reach(values: NDArray[Any], data_range: float, offset: float) -> None:
    """Refuse a white that more than a handful of integers exceed; floats may, as nothing cuts them off."""
    if values.dtype.kind == "f":
        return
    reach = _spread(values)[1] - offset
    if reach <= data_range:
        return
    fitting = f"{white(values)[0]:.0f}"
    raise ValueError(
        f"data_range={data_range:g} must be the white of the picture, got values that reach {reach:.6g}. "
        f"Give at least {fitting} (--data-range {fitting}), or leave it out."
    )


def _scale_of_floats(values: NDArray[Any]) -> float:
    low, high = _spread(values)
    magnitude = max(abs(low), abs(high))
    inside = np.count_nonzero((values >= LOW) & (values <= HIGH)) >= NEARLY_ALL * values.size
    if magnitude == 0 or (inside and magnitude >= TINY):
        return 1.0
    return 255.0 if 128 <= magnitude <= 255 else magnitude


def white(
    array: NDArray[Any], *, bits: int | None = None, data_range: float | None = None
) -> tuple[float, tuple[str, ...]]:
    """The stored value that white is, one for many files; and notes for the user.

    Unlike `working_range` it gives nearly the same for all pictures of a kind, so floats must say theirs.

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
        f"the first is at {where} (counted from 0). Replace them first, e.g. with numpy.nan_to_num."
    )


def to_working(values: NDArray[Any], scale: float, offset: float = 0.0, *, finite: bool = True) -> Pixels:
    """(values - offset) / scale as float32, C-contiguous.

    Args:
        values: stored values.
        scale: stored units per working unit.
        offset: the stored value of 0.
        finite: whether all must fit float32; else those that do not become infinite.

    Raises:
        ValueError: when a quotient must fit float32 and does not.
    """
    if values.dtype == np.float32 and scale == 1.0 and offset == 0.0:
        return np.array(values, order="C")
    # float32 division is exact enough for 16 bits: the error is below 1/256 of a step.
    work = np.float32 if values.dtype.itemsize <= 2 and offset == 0.0 else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        above = values if offset == 0.0 else _above(values, offset)
        # In this order at once, as to turn colours side by side into planes afterwards takes as long again.
        pixels = np.divide(above, work(scale), dtype=work, order="C").astype(np.float32, copy=False)
    if finite and work is np.float64 and not np.isfinite(pixels).all():
        raise ValueError(f"pixels divided by {scale:g} must fit float32. Give a larger data_range.")
    return np.ascontiguousarray(pixels)


def _above(values: NDArray[Any], offset: float) -> NDArray[np.float64]:
    """What lies above the offset, in float64; exact near it for 64-bit integers too."""
    rough = values.astype(np.float64) - offset
    if values.dtype.kind == "f" or values.dtype.itemsize < 8:
        return rough
    exact = (values.view(np.uint64) - np.uint64(int(offset) % 2**64)).view(np.int64)
    return np.where(np.abs(rough) < 2.0**62, exact.astype(np.float64), rough)


def from_working(
    pixels: Pixels, scale: float, dtype: np.dtype[Any], offset: float = 0.0, bits: int | None = None
) -> NDArray[Any]:
    """Pixels * scale + offset in the stored type: integers rounded and clipped, floats as they are.

    Args:
        pixels: working units.
        scale: stored units per working unit.
        dtype: the stored type.
        offset: the stored value of 0.
        bits: significant bits that integers keep to, or None for all of their type.

    Raises:
        ValueError: when a pixel is not finite.
    """
    check_finite(pixels, "NCYX"[-pixels.ndim :])
    if dtype.kind == "f":
        if scale == 1.0 and offset == 0.0 and dtype == np.float32:
            return pixels.copy()
        limit = float(np.finfo(dtype).max)
        values = pixels.astype(np.float64) * scale
        values = values + offset if offset else values  # -0.0 stays what it is
        return np.clip(values, -limit, limit).astype(dtype)
    work = np.float32 if dtype.itemsize <= 2 and offset == 0.0 else np.float64
    values = np.multiply(pixels, work(scale), dtype=work)
    np.rint(values, out=values)
    if dtype.itemsize == 8:
        return _to_64_bits(values, int(offset), dtype, bits)
    values += work(offset)
    np.clip(values, *stored_limits(str(dtype), bits), out=values)
    result: NDArray[Any] = values.astype(dtype)
    return result


def _to_64_bits(
    values: NDArray[np.float64], offset: int, dtype: np.dtype[Any], bits: int | None
) -> NDArray[Any]:
    """Whole numbers above an offset, clipped to a 64-bit type whose largest value no float holds."""
    low, high = (int(v) for v in stored_limits(str(dtype), bits))
    rough = values + float(offset)
    below, above = rough <= float(low), rough > np.nextafter(float(high), 0.0)
    near = (np.abs(values) < 2.0**62) & ~below & ~above
    steps = np.where(near, values, 0.0).astype(np.int64).view(np.uint64) + np.uint64(offset % 2**64)
    result: NDArray[Any] = steps.view(dtype)
    far = ~near & ~below & ~above
    result[far] = rough[far].astype(dtype)
    result[below], result[above] = low, high
    return result


def need_exact(values: NDArray[Any], pixels: Pixels, scale: float, offset: float = 0.0) -> bool:
    """Whether some stored value does not come back from its float32 pixel."""
    if (values.dtype.kind in "ui" and values.dtype.itemsize <= 2) or (
        values.dtype.kind == "f" and values.dtype.itemsize <= 4 and scale == 1.0 and offset == 0.0
    ):
        return False
    return not np.array_equal(from_working(pixels, scale, values.dtype, offset), values)
