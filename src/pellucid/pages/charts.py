"""Small charts as inline SVG; their colours are CSS variables, so that they follow light and dark.

A chart is composed once, as shapes in pixels, and then written: as SVG here, or by whoever else takes shapes
(`pellucid.bench.front` makes a PNG of the same). A chart library would bring its own colours, script and
megabytes; what the pages need are lines, bars, a heat map and dots.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from pellucid import pages

Floats = NDArray[np.float64]
XY = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
WIDTH, HEIGHT = 460, 240
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 12, 40


@dataclass(frozen=True, kw_only=True)
class Line:
    """A straight line; ``kind`` is its class, as for all shapes."""

    tag: ClassVar[str] = "line"
    kind: str
    start: XY
    end: XY


@dataclass(frozen=True, kw_only=True)
class Polyline:
    """A line through points."""

    tag: ClassVar[str] = "path"
    kind: str
    points: Sequence[XY]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A filled rectangle."""

    tag: ClassVar[str] = "bar"
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Dot:
    """A disc, or a diamond, with a tooltip."""

    tag: ClassVar[str] = "dot"
    kind: str
    at: XY
    radius: float = 5
    diamond: bool = False
    tip: str = ""

    @property
    def corners(self) -> list[XY]:
        """Of the diamond."""
        x, y = self.at
        return [(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)]


@dataclass(frozen=True, kw_only=True)
class Text:
    """A word; ``at`` is on its baseline, at the start, middle or end of it."""

    tag: ClassVar[str] = "text"
    text: str
    at: XY
    anchor: Anchor
    kind: str = ""
    turned: bool = False


Shape = Line | Polyline | Bar | Dot | Text


def svg(
    shapes: Sequence[Shape],
    *,
    kind: str,
    alt: str,
    size: XY,
    top: float = 0,
    legend: Sequence[str] = (),
    style: str = "",
) -> Markup:
    """Shapes as SVG.

    Args:
        shapes: in the order in which they are drawn.
        kind: class of the drawing.
        alt: what it shows, for those who cannot see it.
        size: width and height in pixels.
        top: upper edge.
        legend: names of the curves, below the drawing, where there are two or more.
        style: of a file that stands alone; without one it takes that of the page.
    """
    values = {
        "shapes": shapes,
        "kind": kind,
        "alt": alt,
        "top": top,
        "legend": legend,
        "style": Markup(style),
    }
    return pages.drawing("shapes", values | {"width": size[0], "height": size[1], "alone": bool(style)})


def lines(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    alt: str,
    across: str,
    log: bool = False,
    bars: tuple[Sequence[float], Sequence[float]] | None = None,
    low: float | None = None,
    marks: Sequence[tuple[float, str, str]] = (),
) -> Markup:
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
    right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM

    def place(at: Floats) -> Floats:
        u = (at[:, 0] - x0) / (x1 - x0)
        v = np.log(at[:, 1] / y0) / math.log(y1 / y0) if log else (at[:, 1] - y0) / (y1 - y0)
        return np.column_stack([LEFT + u * (right - LEFT), floor - v * (floor - TOP)])

    shapes: list[Shape] = []
    for tick in log_ticks(y0, y1) if log else ticks(y0, y1):
        y = float(place(np.array([[x0, tick]]))[0, 1])
        shapes.append(Line(kind="grid", start=(LEFT, y), end=(right, y)))
        shapes.append(Text(text=_short(tick), at=(LEFT - 6, y + 4), anchor="end"))
    for tick in ticks(x0, x1):
        x = float(place(np.array([[tick, y1]]))[0, 0])
        shapes.append(Text(text=f"{tick:.6g}", at=(x, floor + 16), anchor="middle"))
    shapes.append(Text(text=across, at=((LEFT + right) / 2, HEIGHT - 6), anchor="middle"))
    if bars is not None:
        corners = place(np.column_stack(bars))
        thick = (right - LEFT) / max(1, len(corners) - 1)
        shapes += [
            Bar(left=max(LEFT, x - thick / 2), top=y, width=thick, height=max(0.0, floor - y))
            for x, y in corners
        ]
    for row, (value, label, kind) in enumerate(mark for mark in marks if x0 <= mark[0] <= x1):
        x = float(place(np.array([[value, y1]]))[0, 0])
        shapes.append(Line(kind=f"mark {kind}", start=(x, TOP), end=(x, floor)))
        if label:
            # Each label on a line of its own, on the side with more room.
            left = x > (LEFT + right) / 2
            at = (x + (-5 if left else 5), floor - 8 - 16 * row)
            shapes.append(Text(text=label, at=at, anchor="end" if left else "start", kind=f"mark {kind}"))
    # The first curve is the one the others are compared with: drawn last, on top.
    for index, data in reversed(list(enumerate(kept.values()))):
        shapes.append(Polyline(kind=f"line l{index}", points=place(data).tolist()))
    return svg(shapes, kind="chart", alt=alt, size=(WIDTH, HEIGHT), legend=list(kept))


def heat(values: Floats, *, alt: str, signed: bool = False, marks: Sequence[str] = ()) -> Markup:
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
    for (row, column), value in np.ndenumerate(values):
        share = max(-1.0, min(1.0, float(value) / top))
        # The square root opens up the faint end, where the eye looks for a pattern.
        opacity = f"{math.sqrt(abs(share)):.3f}"
        tip = marks[row * columns + column] if marks else f"{value:.3g}"
        kind = "neg" if share < 0 else "pos"
        cells.append({"row": row, "column": column, "kind": kind, "opacity": opacity, "tip": tip})
    return pages.drawing("heat", {"cells": cells, "rows": rows, "columns": columns, "alt": alt})


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
