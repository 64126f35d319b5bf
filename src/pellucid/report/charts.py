"""Small charts as inline SVG; their colours are CSS variables, so that they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 12, 40


def lines(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    alt: str,
    across: str,
    log: bool = False,
    bars: tuple[Sequence[float], Sequence[float]] | None = None,
    low: float | None = None,
    marks: Sequence[tuple[float, str, str]] = (),
) -> str:
    """A line chart, with bars behind where given.

    Args:
        curves: name -> (x, y); points that are not finite (or not positive when ``log``) are left out.
        alt: what the chart shows, for those who cannot see it.
        across: what the horizontal axis is.
        log: logarithmic vertical axis.
        bars: x (centres, evenly spaced) and heights.
        low: where the vertical axis starts; by default at the lowest point.
        marks: vertical lines: x, label ("" for none) and class; those outside the points are left out.
    """
    kept = {name: _finite(x, y, log) for name, (x, y) in curves.items()}
    points = np.concatenate([p for p in kept.values() if len(p)] or [np.array([[0.0, 1.0], [1.0, 1.0]])])
    if bars is not None:
        points = np.concatenate([points, np.column_stack(bars)])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    y0 = y0 if low is None else min(low, y0)
    x1, y1 = (x1 if x1 > x0 else x0 + 1), (y1 if y1 > y0 else y0 + max(abs(y0), 1e-9))

    def place(at: Floats) -> Floats:
        u = (at[:, 0] - x0) / (x1 - x0)
        v = np.log(at[:, 1] / y0) / math.log(y1 / y0) if log else (at[:, 1] - y0) / (y1 - y0)
        return np.column_stack(
            [LEFT + u * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - v * (HEIGHT - TOP - BOTTOM)]
        )

    parts = []
    for tick in log_ticks(y0, y1) if log else ticks(y0, y1):
        y = place(np.array([[x0, tick]]))[0, 1]
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    for tick in ticks(x0, x1):
        x = place(np.array([[tick, y1]]))[0, 0]
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:.6g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(across)}</text>')
    if bars is not None:
        corners = place(np.column_stack(bars))
        thick = (WIDTH - LEFT - RIGHT) / max(1, len(corners) - 1)
        floor = HEIGHT - BOTTOM
        parts += [
            f'<rect class="bar" x="{max(LEFT, x - thick / 2):.1f}" y="{y:.1f}" width="{thick:.1f}" '
            f'height="{max(0.0, floor - y):.1f}"/>'
            for x, y in corners
        ]
    shown = [mark for mark in marks if x0 <= mark[0] <= x1]
    for row, (value, label, kind) in enumerate(shown):
        x = place(np.array([[value, y1]]))[0, 0]
        parts.append(
            f'<line class="mark {escape(kind, quote=True)}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" '
            f'y2="{HEIGHT - BOTTOM}"/>'
        )
        if label:
            # Each label on a line of its own, on the side with more room.
            left = x > (LEFT + WIDTH - RIGHT) / 2
            at = f'x="{x + (-5 if left else 5):.1f}" y="{HEIGHT - BOTTOM - 8 - 16 * row}"'
            anchor = "end" if left else "start"
            at += f' class="mark {escape(kind, quote=True)}" text-anchor="{anchor}"'
            parts.append(f"<text {at}>{escape(label)}</text>")
    # The first curve is the one the others are compared with: drawn last, on top.
    for index, data in reversed(list(enumerate(kept.values()))):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in place(data)) if len(data) else ""
        parts.append(f'<polyline class="line l{index}" points="{path}"/>')
    return _svg(parts, alt) + _legend(list(kept))


def heat(values: Floats, *, alt: str, signed: bool = False, marks: Sequence[str] = ()) -> str:
    """A heat map of (rows, columns) in one ink, or two inks for the two signs, with a title on every cell.

    Args:
        values: unsigned: 0 to their maximum, or four times their mean, so that an even map has a middle
            shade; signed: -1 to 1.
        alt: what the map shows.
        signed: diverging colours around 0.
        marks: tooltip of every cell, row by row.
    """
    rows, columns = values.shape
    top = 1.0 if signed else max(float(values.max()), 4 * float(values.mean()), 1e-30)
    cells = []
    for i in range(rows):
        for j in range(columns):
            share = max(-1.0, min(1.0, float(values[i, j]) / top))
            # The square root opens up the faint end, where the eye looks for a pattern.
            strength = math.sqrt(abs(share))
            tip = marks[i * columns + j] if marks else f"{values[i, j]:.3g}"
            cells.append(
                f'<rect class="{"neg" if share < 0 else "pos"}" x="{j}" y="{i}" width="1.02" height="1.02" '
                f'fill-opacity="{strength:.3f}"><title>{escape(tip)}</title></rect>'
            )
    box = (
        f'<svg class="heat" role="img" viewBox="0 0 {columns} {rows}" aria-label="{escape(alt, quote=True)}">'
    )
    return box + "".join(cells) + "</svg>"


def _svg(parts: Sequence[str], alt: str) -> str:
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" aria-label="{escape(alt, quote=True)}"'
    return f'<svg class="chart" role="img" {box}>{"".join(parts)}</svg>'


def _legend(names: Sequence[str]) -> str:
    if len(names) < 2:
        return ""
    items = "".join(f'<li class="l{i}">{escape(name)}</li>' for i, name in enumerate(names))
    return f'<ul class="legend">{items}</ul>'


def _finite(x: Sequence[float], y: Sequence[float], log: bool) -> Floats:
    """(points, 2), thinned to about 400 points: more cannot be seen and makes the page heavy."""
    data = np.column_stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    data = data[np.isfinite(data).all(axis=1) & ((data[:, 1] > 0) | (not log))]
    step = max(1, len(data) // 400)
    last = data[-1:] if len(data) and (len(data) - 1) % step else data[:0]
    return np.concatenate([data[::step], last])


def _short(value: float) -> str:
    """A tick that fits beside the axis.

    >>> [_short(v) for v in (0.0, 0.05, 0.00065, 25)]
    ['0', '0.05', '6.5e-4', '25']
    """
    if value == 0 or abs(value) >= 0.001:
        return f"{value:.4g}"
    digits, _, power = f"{value:.1e}".partition("e")
    return f"{digits.removesuffix('.0')}e{int(power)}"


def ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers inside [low, high]."""
    raw = (high - low) / 5
    decade = 10.0 ** math.floor(math.log10(raw))
    step = next(m * decade for m in (1, 2, 5, 10) if m * decade >= raw)
    return [k * step for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers inside [low, high] for a logarithmic axis."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [m * 10.0**d for d in decades for m in ((1,) if high / low > 1000 else (1, 2, 5))]
    inside = [t for t in marks if low <= t <= high]
    return inside[:: 1 + len(inside) // 8] if len(inside) > 1 else ticks(low, high)
