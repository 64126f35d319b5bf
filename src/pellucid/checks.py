"""Argument checks: every message says what was expected, what came, and what to do."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from difflib import get_close_matches


class UsageError(ValueError):
    """What was asked for does not fit the picture: wrong usage, though it takes the picture to tell."""


def in_range(
    name: str,
    value: float,
    low: float,
    high: float = math.inf,
    *,
    low_open: bool = False,
    high_open: bool = False,
    hint: str = "",
) -> float:
    """Return ``value`` when it is a finite number inside the interval.

    Raises:
        ValueError: naming the argument, the interval and the value.

    >>> in_range("sigma", 0.1, 0, 1, low_open=True)
    0.1
    >>> in_range("sigma", 25.0, 0, 1, low_open=True, hint="Divide 8-bit units by 255.")
    Traceback (most recent call last):
    ...
    ValueError: sigma must be in (0, 1], got 25.0. Divide 8-bit units by 255.
    """
    above = value > low if low_open else value >= low
    below = value < high if high_open else value <= high
    if math.isfinite(value) and above and below:
        return value
    if math.isinf(high):
        expected = f"{'greater than' if low_open else 'at least'} {low}"
    else:
        expected = f"in {'(' if low_open else '['}{low}, {high}{')' if high_open else ']'}"
    raise ValueError(f"{name} must be {expected}, got {value}. {hint}".strip())


def one_of(name: str, value: str, allowed: Collection[str]) -> str:
    """Return ``value`` when it is one of ``allowed``, else a ValueError with the nearest spelling.

    >>> one_of("method", "bm3", ["bm3d", "nlm"])
    Traceback (most recent call last):
    ...
    ValueError: method must be one of bm3d, nlm; got 'bm3'. Did you mean 'bm3d'?
    """
    if value in allowed:
        return value
    near = get_close_matches(value, allowed, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"{name} must be one of {', '.join(allowed)}; got {value!r}.{hint}")


def same_shape(name: str, shape: Iterable[int], other: str, expected: Iterable[int]) -> None:
    """Raise a ValueError when two shapes differ.

    >>> same_shape("mask", (4, 5), "image", (4, 4))
    Traceback (most recent call last):
    ...
    ValueError: mask must have the shape of image, (4, 4), got (4, 5). Resize or crop it first.
    """
    got, want = tuple(shape), tuple(expected)
    if got != want:
        expected_text = f"{name} must have the shape of {other}, {want}"
        raise ValueError(f"{expected_text}, got {got}. Resize or crop it first.")
