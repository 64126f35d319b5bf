"""Quality against time, and the Pareto front: what no other method beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from pellucid.bench import labels
from pellucid.bench.labels import XY, Box, Label
from pellucid.bench.table import Row, Table
from pellucid.report import charts

WIDTH, HEIGHT = 760, 440
AREA = Box(left=62, top=16, right=740, bottom=374)
Place = Literal["front", "other", "oracle"]

_TIMES = (
    *(m * 10.0**d for d in range(-4, 1) for m in (1, 2, 5)),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 18000.0, 36000.0, 86400.0),
)
_ROUND = (*(10.0**d for d in range(-4, 2)), 60.0, 600.0, 3600.0, 36000.0)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One method: mean seconds per image, and its score."""

    name: str
    seconds: float
    quality: float
    oracle: bool = False
    tip: str = ""


def pareto(points: Sequence[Point]) -> list[Point]:
    """The points that no other beats in one of time and quality without losing in the other, fastest first.

    Rows that used the truth are left out: nobody can have them.

    >>> rows = (("a", 1, 30), ("b", 2, 29), ("c", 3, 31))
    >>> [p.name for p in pareto([Point(name=n, seconds=s, quality=q) for n, s, q in rows])]
    ['a', 'c']
    """
    front: list[Point] = []
    for point in sorted((p for p in points if not p.oracle), key=lambda p: (p.seconds, -p.quality)):
        if not front or point.quality > front[-1].quality:
            front.append(point)
    return front


def points(table: Table, metric: str = "psnr") -> list[Point]:
    """The rows of a table that have both a time and a finite score; not the noisy input, not papers."""
    found = []
    for row in table.rows:
        score = row.psnr if metric == "psnr" else row.ssim
        if row.kind not in ("measured", "oracle") or score is None or not row.seconds:
            continue
        if math.isfinite(score.mean):
            tip = _tip(row, score.mean, metric)
            oracle = row.kind == "oracle"
            found.append(
                Point(name=row.name, seconds=row.seconds, quality=score.mean, oracle=oracle, tip=tip)
            )
    return found


def _tip(row: Row, quality: float, metric: str) -> str:
    value = f"{quality:.2f} dB" if metric == "psnr" else f"SSIM {quality:.4f}"
    oracle = ", oracle: it used the truth" if row.kind == "oracle" else ""
    return f"{row.name}: {value}, {row.seconds:.3g} s, {row.images} images{oracle}"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The plot in pixels, before it is SVG or PNG."""

    title: str
    across: str
    up: str
    ticks_x: list[tuple[float, str]]
    ticks_y: list[tuple[float, str]]
    staircase: list[XY]
    dots: list[tuple[XY, Place, str]]
    labels: list[Label]
    alt: str
    places: tuple[Place, ...] = field(default=())


def draw(found: Sequence[Point], *, title: str, metric: str = "psnr", across: str = "") -> Drawing:
    """Place everything.

    Args:
        found: at least one point.
        title: of the picture; the page has its own headings and leaves it out.
        metric: "psnr" or "ssim".
        across: words for the time axis, e.g. on which machine.

    Raises:
        ValueError: for no points.
    """
    if not found:
        raise ValueError("the front needs a method with a time and a score, got none.")
    x0, x1 = _padded([math.log10(p.seconds) for p in found], 0.35)
    least = 0.5 if metric == "psnr" else 0.005
    floor = _floor([p.quality for p in found], least)
    y0, y1 = _padded([max(p.quality, floor) for p in found], least)

    def at(seconds: float, quality: float) -> XY:
        u = (math.log10(seconds) - x0) / (x1 - x0)
        v = (max(quality, y0 + 0.03 * (y1 - y0)) - y0) / (y1 - y0)
        return AREA.left + u * (AREA.right - AREA.left), AREA.bottom - v * (AREA.bottom - AREA.top)

    best = pareto(found)
    stairs: list[XY] = []
    for p in best:
        x, y = at(p.seconds, p.quality)
        stairs += [(x, stairs[-1][1] if stairs else AREA.bottom), (x, y)]
    stairs += [(AREA.right, stairs[-1][1])] if stairs else []
    spots = [at(p.seconds, p.quality) for p in found]
    kinds: list[Place] = ["oracle" if p.oracle else ("front" if p in best else "other") for p in found]
    low = y0 + 0.03 * (y1 - y0)
    names = [p.name + (f" ({p.quality:.4g} ↓)" if p.quality < low else "") for p in found]
    room = Box(left=AREA.left + 2, top=AREA.top - 8, right=AREA.right + 16, bottom=AREA.bottom - 2)
    return Drawing(
        title=title,
        across=across or "seconds per image, logarithmic",
        up="PSNR (dB)" if metric == "psnr" else "SSIM",
        ticks_x=[(at(t, y0)[0], duration(t)) for t in _time_ticks(10**x0, 10**x1)],
        ticks_y=[(at(10**x0, t)[1], f"{t:g}") for t in charts.ticks(y0, y1)],
        staircase=stairs,
        dots=[(spot, kind, p.tip) for spot, kind, p in zip(spots, kinds, found, strict=True)],
        labels=labels.place(spots, names, room, stairs),
        alt=f"{title}: {len(found)} methods by time and quality. On the Pareto front, fastest first: "
        + (", ".join(f"{p.name} ({p.quality:.4g}, {p.seconds:.3g} s)" for p in best) or "none")
        + ".",
        places=tuple(kind for kind in NAMES if kind in kinds),
    )


def _floor(values: Sequence[float], least: float) -> float:
    """Below this a point is far from the others: it is drawn at the lower edge, with its figure.

    One method that fails would otherwise press all the others together.

    >>> _floor([20.0, 28.0, 29.0, 30.0, 30.5], 0.5) > 20
    True
    >>> _floor([26.0, 28.0, 29.0, 30.0], 0.5) < 26
    True
    """
    ordered = sorted(values)
    quarter = len(ordered) // 4
    low, high = ordered[quarter], ordered[-1]
    return low - max(1.5 * (high - low), 4 * least)


def duration(seconds: float) -> str:
    """A tick of the time axis.

    >>> [duration(v) for v in (0.05, 2, 60, 1200, 7200)]
    ['0.05 s', '2 s', '1 min', '20 min', '2 h']
    """
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _padded(values: Sequence[float], least: float) -> XY:
    """Lowest and highest with some room around, and at least ``least`` on both sides."""
    low, high = min(values), max(values)
    room = max(0.08 * (high - low), least)
    return low - room, high + room


def _time_ticks(low: float, high: float) -> list[float]:
    few = [t for t in _ROUND if low <= t <= high]
    return few if len(few) > 2 else [t for t in _TIMES if low <= t <= high]


LIGHT = {
    "paper": "#ffffff", "ink": "#1b1e23", "soft": "#5b626d", "rule": "#dfe2e6", "accent": "#0b63c5",
    "second": "#c2410c",
}  # fmt: skip
DARK = {
    "paper": "#14161a", "ink": "#e7e9ec", "soft": "#a0a7b2", "rule": "#333842", "accent": "#6cb0ff",
    "second": "#ff9a62",
}  # fmt: skip
_STYLE = """.front text {{ font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif;
  fill: {soft}; }}
.front .name {{ fill: {ink}; }} .front .title {{ fill: {ink}; font-weight: 600; }}
.front .grid {{ stroke: {rule}; }} .front .leader {{ stroke: {soft}; stroke-width: 0.8; }}
.front .stairs {{ fill: none; stroke: {accent}; stroke-width: 2; stroke-opacity: 0.75; }}
.front .dot {{ stroke: {paper}; stroke-width: 1.5; fill: {soft}; }} .front .dot.front {{ fill: {accent}; }}
.front .dot.oracle {{ fill: {paper}; stroke: {second}; stroke-width: 2; }}
.front .back {{ fill: {paper}; }}
"""
STYLE = _STYLE.format(**{name: f"var(--{name})" for name in LIGHT})
"""for a page that has the variables"""
NAMES: dict[Place, str] = {
    "front": "on the front",
    "other": "beaten",
    "oracle": "oracle: used the truth",
}


def svg(drawing: Drawing, *, alone: bool = False) -> str:
    """The plot as SVG.

    Args:
        drawing: from `draw`.
        alone: a file of its own, with a title, a background and its own colours for light and dark; else to
            be put into a page that has `STYLE`.
    """
    parts = []
    top = 34 if alone else 0
    for x, text in drawing.ticks_x:
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{AREA.top:g}" y2="{AREA.bottom:g}"/>')
        parts.append(_text(x, AREA.bottom + 19, text, "middle"))
    for y, text in drawing.ticks_y:
        parts.append(f'<line class="grid" x1="{AREA.left:g}" x2="{AREA.right:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(AREA.left - 8, y + 4.5, text, "end"))
    middle = (AREA.left + AREA.right) / 2
    parts.append(_text(middle, AREA.bottom + 40, drawing.across, "middle"))
    turned = f'transform="rotate(-90 14 {(AREA.top + AREA.bottom) / 2:g})"'
    parts.append(_text(14, (AREA.top + AREA.bottom) / 2, drawing.up, "middle", turned))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawing.staircase)
    parts.append(f'<polyline class="stairs" points="{path}"/>')
    for label in drawing.labels:
        if label.leader is not None:
            (x0, y0), (x1, y1) = label.leader
            parts.append(f'<line class="leader" x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"/>')
    for (x, y), kind, tip in drawing.dots:
        parts.append(f"<g>{_dot(x, y, kind)}<title>{escape(tip)}</title></g>")
    parts += [_text(lb.x, lb.y, lb.text, lb.anchor, 'class="name"') for lb in drawing.labels]
    across = AREA.left
    for kind in drawing.places:
        parts += [_dot(across + 5, HEIGHT - 8, kind), _text(across + 16, HEIGHT - 3.5, NAMES[kind], "start")]
        across += 40 + 7.2 * len(NAMES[kind])
    box = (
        f'viewBox="0 {-top} {WIDTH} {HEIGHT + top}" role="img" aria-label="{escape(drawing.alt, quote=True)}"'
    )
    if not alone:
        return f'<svg class="front" {box}>{"".join(parts)}</svg>'
    dark = f"@media (prefers-color-scheme: dark) {{\n{_STYLE.format(**DARK)}}}\n"
    title = _text(AREA.left, -12, drawing.title, "start", 'class="title"')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="front" width="{WIDTH}" height="{HEIGHT + top}" '
        f"{box}>"
        f"<style>\n{_STYLE.format(**LIGHT)}{dark}</style>"
        f'<rect class="back" x="0" y="{-top}" width="{WIDTH}" height="{HEIGHT + top}"/>'
        f"{title}{''.join(parts)}</svg>\n"
    )


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    space = f" {more}" if more else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{space}>{escape(text)}</text>'


def _dot(x: float, y: float, kind: Place) -> str:
    if kind == "oracle":
        corners = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in ((0, -6), (6, 0), (0, 6), (-6, 0)))
        return f'<polygon class="dot oracle" points="{corners}"/>'
    return f'<circle class="dot {kind}" cx="{x:.1f}" cy="{y:.1f}" r="{6 if kind == "front" else 5}"/>'
