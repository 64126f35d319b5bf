"""The plot of quality against time as a PNG, for places that show no SVG."""

from __future__ import annotations

import io
from typing import Any

from pellucid import extras
from pellucid.bench.front import AREA, HEIGHT, LIGHT, NAMES, WIDTH, Drawing

TOP = 34
ANCHOR = {"start": "left", "middle": "center", "end": "right"}


def png(drawing: Drawing, *, scale: float = 2.0) -> bytes:
    """The same picture as `front.svg(drawing, alone=True)` in light colours.

    Args:
        drawing: from `front.draw`.
        scale: pixels per unit of the SVG.

    Raises:
        MissingExtra: without matplotlib.
    """
    extras.need("bench", "A front as PNG")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    high = HEIGHT + TOP
    figure = Figure(figsize=(WIDTH / 100, high / 100), dpi=100 * scale, facecolor=LIGHT["paper"])
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(HEIGHT, -TOP)
    axes.axis("off")
    soft: dict[str, Any] = {"color": LIGHT["soft"], "fontsize": 9, "va": "baseline"}
    for x, text in drawing.ticks_x:
        axes.plot([x, x], [AREA.top, AREA.bottom], color=LIGHT["rule"], lw=0.8, zorder=1)
        axes.text(x, AREA.bottom + 19, text, ha="center", **soft)
    for y, text in drawing.ticks_y:
        axes.plot([AREA.left, AREA.right], [y, y], color=LIGHT["rule"], lw=0.8, zorder=1)
        axes.text(AREA.left - 8, y + 4.5, text, ha="right", **soft)
    axes.text((AREA.left + AREA.right) / 2, AREA.bottom + 40, drawing.across, ha="center", **soft)
    middle = (AREA.top + AREA.bottom) / 2
    axes.text(14, middle, drawing.up, rotation=90, ha="center", **(soft | {"va": "center"}))
    if drawing.staircase:
        axes.plot(*zip(*drawing.staircase, strict=True), color=LIGHT["accent"], lw=1.5, alpha=0.75, zorder=2)
    spots = [(x, y, kind) for (x, y), kind, _ in drawing.dots]
    across = AREA.left
    for kind in drawing.places:
        spots.append((across + 5, HEIGHT - 8, kind))
        axes.text(across + 16, HEIGHT - 3.5, NAMES[kind], **soft)
        across += 40 + 7.2 * len(NAMES[kind])
    for x, y, kind in spots:
        face = {"front": LIGHT["accent"], "other": LIGHT["soft"], "oracle": LIGHT["paper"]}[kind]
        edge = LIGHT["second"] if kind == "oracle" else LIGHT["paper"]
        axes.plot(x, y, "D" if kind == "oracle" else "o", mfc=face, mec=edge, ms=7, mew=1.2, zorder=4)
    for label in drawing.labels:
        if label.leader is not None:
            axes.plot(*zip(*label.leader, strict=True), color=LIGHT["soft"], lw=0.6, zorder=3)
        axes.text(label.x, label.y, label.text, ha=ANCHOR[label.anchor], **(soft | {"color": LIGHT["ink"]}))
    axes.text(AREA.left, -12, drawing.title, **(soft | {"color": LIGHT["ink"], "weight": "bold"}))
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
