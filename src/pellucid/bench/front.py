"""Quality against time, and the Pareto front: what no other method beats in both. As SVG, or as PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from pellucid import extras
from pellucid.bench import labels
from pellucid.bench.labels import Box, Label
from pellucid.bench.table import Row, Table
from pellucid.files.replace import replaced
from pellucid.pages import charts
from pellucid.pages.charts import XY, Dot, Line, Shape, Text

WIDTH, HEIGHT = 760, 440
AREA = Box(left=62, top=16, right=740, bottom=374)
HEAD = 34
"""room for the title above a drawing that stands alone"""
DotKind = Literal["front", "other", "oracle"]

_TIMES = (
    *(m * 10.0**d for d in range(-4, 1) for m in (1, 2, 5)),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 18000.0, 36000.0, 86400.0),
)
_ROUND = (*(10.0**d for d in range(-4, 2)), 60.0, 600.0, 3600.0, 36000.0)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One method: mean seconds per image, and its score."""

    name: str
    seconds: float
    quality: float
    oracle: bool = False
    tip: str = ""


def pareto(points: Sequence[Contender]) -> list[Contender]:
    """The points that no other beats in one of time and quality without losing in the other, fastest first.

    Rows that used the truth are left out: nobody can have them.

    >>> rows = (("a", 1, 30), ("b", 2, 29), ("c", 3, 31))
    >>> [p.name for p in pareto([Contender(name=n, seconds=s, quality=q) for n, s, q in rows])]
    ['a', 'c']
    """
    front: list[Contender] = []
    for point in sorted((p for p in points if not p.oracle), key=lambda p: (p.seconds, -p.quality)):
        if not front or point.quality > front[-1].quality:
            front.append(point)
    return front


def contenders(table: Table, metric: str = "psnr") -> list[Contender]:
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
                Contender(name=row.name, seconds=row.seconds, quality=score.mean, oracle=oracle, tip=tip)
            )
    return found


def _tip(row: Row, quality: float, metric: str) -> str:
    value = f"{quality:.2f} dB" if metric == "psnr" else f"SSIM {quality:.4f}"
    oracle = ", oracle: it used the truth" if row.kind == "oracle" else ""
    return f"{row.name}: {value}, {row.seconds:.3g} s, {row.images} images{oracle}"


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The plot as shapes in pixels, before it is SVG or PNG; ``labels`` are the names among them."""

    title: str
    shapes: tuple[Shape, ...]
    labels: tuple[Label, ...]
    alt: str


def draw(found: Sequence[Contender], *, title: str, metric: str = "psnr", across: str = "") -> Drawing:
    """Place everything.

    Args:
        found: at least one method.
        title: of the picture; the page has its own headings and leaves it out.
        metric: "psnr" or "ssim".
        across: words for the time axis, e.g. on which machine.

    Raises:
        ValueError: for no methods.
    """
    if not found:
        raise ValueError("the front needs a method with a time and a score, got none.")
    x0, x1 = _padded([math.log10(p.seconds) for p in found], 0.35)
    least = 0.5 if metric == "psnr" else 0.005
    floor = _floor([p.quality for p in found], least)
    y0, y1 = _padded([max(p.quality, floor) for p in found], least)
    low = y0 + 0.03 * (y1 - y0)

    def at(seconds: float, quality: float) -> XY:
        u = (math.log10(seconds) - x0) / (x1 - x0)
        v = (max(quality, low) - y0) / (y1 - y0)
        return AREA.left + u * (AREA.right - AREA.left), AREA.bottom - v * (AREA.bottom - AREA.top)

    best = pareto(found)
    stairs: list[XY] = []
    for p in best:
        x, y = at(p.seconds, p.quality)
        stairs += [(x, stairs[-1][1] if stairs else AREA.bottom), (x, y)]
    stairs += [(AREA.right, stairs[-1][1])] if stairs else []
    spots = [at(p.seconds, p.quality) for p in found]
    kinds: list[DotKind] = ["oracle" if p.oracle else ("front" if p in best else "other") for p in found]
    names = [p.name + (f" ({p.quality:.4g} ↓)" if p.quality < low else "") for p in found]
    room = Box(left=AREA.left + 2, top=AREA.top - 8, right=AREA.right + 16, bottom=AREA.bottom - 2)
    placed = labels.place(spots, names, room, stairs)
    dots = [_dot(spot, kind, p.tip) for spot, kind, p in zip(spots, kinds, found, strict=True)]
    shapes = [
        *_axes(
            [(at(t, y0)[0], duration(t)) for t in _time_ticks(10**x0, 10**x1)],
            [(at(10**x0, t)[1], f"{t:g}") for t in charts.ticks(y0, y1)],
            across or "seconds per image, logarithmic",
            "PSNR (dB)" if metric == "psnr" else "SSIM",
        ),
        charts.Polyline(kind="stairs", points=stairs),
        *(Line(kind="leader", start=lb.leader[0], end=lb.leader[1]) for lb in placed if lb.leader),
        *dots,
        *(Text(kind="name", text=lb.text, at=(lb.x, lb.y), anchor=lb.anchor) for lb in placed),
        *_legend([kind for kind in NAMES if kind in kinds]),
    ]
    told = ", ".join(f"{p.name} ({p.quality:.4g}, {p.seconds:.3g} s)" for p in best) or "none"
    alt = f"{title}: {len(found)} methods by time and quality. On the Pareto front, fastest first: {told}."
    return Drawing(title=title, shapes=tuple(shapes), labels=tuple(placed), alt=alt)


def _axes(
    ticks_x: Sequence[tuple[float, str]], ticks_y: Sequence[tuple[float, str]], across: str, up: str
) -> list[Shape]:
    shapes: list[Shape] = []
    for x, text in ticks_x:
        shapes.append(Line(kind="grid", start=(x, AREA.top), end=(x, AREA.bottom)))
        shapes.append(Text(text=text, at=(x, AREA.bottom + 19), anchor="middle"))
    for y, text in ticks_y:
        shapes.append(Line(kind="grid", start=(AREA.left, y), end=(AREA.right, y)))
        shapes.append(Text(text=text, at=(AREA.left - 8, y + 4.5), anchor="end"))
    middle = (AREA.left + AREA.right) / 2, (AREA.top + AREA.bottom) / 2
    shapes.append(Text(text=across, at=(middle[0], AREA.bottom + 40), anchor="middle"))
    shapes.append(Text(text=up, at=(14, middle[1]), anchor="middle", turned=True))
    return shapes


def _legend(kinds: Sequence[DotKind]) -> list[Shape]:
    shapes: list[Shape] = []
    left = AREA.left
    for kind in kinds:
        shapes.append(_dot((left + 5, HEIGHT - 8), kind))
        shapes.append(Text(text=NAMES[kind], at=(left + 16, HEIGHT - 3.5), anchor="start"))
        left += 40 + 7.2 * len(NAMES[kind])
    return shapes


def _dot(at: XY, kind: DotKind, tip: str = "") -> Dot:
    return Dot(kind=kind, at=at, radius=6 if kind == "front" else 5, diamond=kind == "oracle", tip=tip)


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
NAMES: dict[DotKind, str] = {
    "front": "on the front",
    "other": "beaten",
    "oracle": "oracle: used the truth",
}


def svg(drawing: Drawing, *, alone: bool = False) -> Markup:
    """The plot as SVG.

    Args:
        drawing: from `draw`.
        alone: a file of its own, with a title, a background and its own colours for light and dark; else to
            be put into a page that has `STYLE`.
    """
    if not alone:
        return charts.svg(drawing.shapes, kind="front", alt=drawing.alt, size=(WIDTH, HEIGHT))
    dark = f"@media (prefers-color-scheme: dark) {{\n{_STYLE.format(**DARK)}}}\n"
    return charts.svg(
        [_title(drawing), *drawing.shapes],
        kind="front",
        alt=drawing.alt,
        size=(WIDTH, HEIGHT + HEAD),
        top=-HEAD,
        style=_STYLE.format(**LIGHT) + dark,
    )


def _title(drawing: Drawing) -> Text:
    return Text(kind="title", text=drawing.title, at=(AREA.left, -12), anchor="start")


def png(drawing: Drawing, *, scale: float = 2.0) -> bytes:
    """The same shapes as a PNG in light colours, for places that show no SVG.

    Args:
        drawing: from `draw`.
        scale: pixels per unit of the SVG.

    Raises:
        MissingExtra: without matplotlib.
    """
    extras.need("bench", "A front as PNG")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = WIDTH / 100, (HEIGHT + HEAD) / 100
    figure = Figure(figsize=size, dpi=100 * scale, facecolor=LIGHT["paper"])
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(HEIGHT, -HEAD)
    axes.axis("off")
    for place, shape in enumerate([_title(drawing), *drawing.shapes]):
        if isinstance(shape, Text):
            axes.text(*shape.at, shape.text, zorder=place, **_font(shape))
        elif isinstance(shape, Dot):
            face = {"front": LIGHT["accent"], "other": LIGHT["soft"], "oracle": LIGHT["paper"]}[shape.kind]
            edge = LIGHT["second"] if shape.kind == "oracle" else LIGHT["paper"]
            marker = "D" if shape.diamond else "o"
            axes.plot(*shape.at, marker, mfc=face, mec=edge, ms=7, mew=1.2, zorder=place)
        elif isinstance(shape, Line | charts.Polyline) and (points := _through(shape)):
            color, width, alpha = _PENS[shape.kind]
            axes.plot(*zip(*points, strict=True), color=LIGHT[color], lw=width, alpha=alpha, zorder=place)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()


_PENS = {"grid": ("rule", 0.8, 1.0), "stairs": ("accent", 1.5, 0.75), "leader": ("soft", 0.6, 1.0)}
"""colour, width in points and opacity of the lines of a PNG"""


def _through(shape: Line | charts.Polyline) -> Sequence[XY]:
    return (shape.start, shape.end) if isinstance(shape, Line) else shape.points


def _font(text: Text) -> dict[str, Any]:
    return {
        "color": LIGHT["ink" if text.kind in ("name", "title") else "soft"],
        "fontsize": 9,
        "weight": "bold" if text.kind == "title" else "normal",
        "ha": {"start": "left", "middle": "center", "end": "right"}[text.anchor],
        "va": "center" if text.turned else "baseline",
        "rotation": 90 if text.turned else 0,
    }


def write(
    tables: Sequence[Table],
    path: str | Path,
    *,
    of: str | None = None,
    manifests: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the front of one set as a file of its own, for a README.

    Args:
        tables: those there are.
        path: ends in .svg (follows light and dark) or .png.
        of: set spec or title of the table; None is the first with more than one point.
        manifests: they say how many threads and which device the times are for.

    Raises:
        ValueError: for another suffix, a set that is not there, or one without times and scores.
        MissingExtra: for a .png without matplotlib.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in (".svg", ".png"):
        raise ValueError(f"the front is written as .svg or .png, got {file.name}. Choose one of them.")
    if of is None:
        chosen = [t for t in tables if len(contenders(t)) > 1]
    else:
        chosen = [t for t in tables if of in (t.set, t.title)]
    if not chosen:
        known = ", ".join(t.title for t in tables) or "none"
        raise ValueError(
            f"no set for the front, got {of!r}; there are {known}, with scores and times or not."
        )
    table = chosen[0]
    counts = {row.images for row in table.rows if row.kind == "measured"}
    images = f", {next(iter(counts))} images" if len(counts) == 1 else ""
    drawing = draw(contenders(table), title=table.title + images, across=_across(manifests))
    data = png(drawing) if suffix == ".png" else svg(drawing, alone=True).encode()
    with replaced(file) as out:
        out.write(data)


def _across(manifests: Sequence[Mapping[str, Any]]) -> str:
    """The time axis in words, e.g. "seconds per image on cpu, 1 thread, logarithmic"."""
    devices = {str(m["device"]) for m in manifests if m.get("device") not in (None, "", "auto")}
    threads = {int(m["threads"]) for m in manifests if m.get("threads")}
    words = "seconds per image"
    words += f" on {devices.pop()}" if len(devices) == 1 else ""
    if len(threads) == 1:
        n = threads.pop()
        words += f", {n} thread" + ("s" if n != 1 else "")
    return words + ", logarithmic"
