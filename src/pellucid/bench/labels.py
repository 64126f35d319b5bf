"""Where the labels of points go, so that none lies on another label or on a point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pellucid.pages.charts import XY, Anchor

SIZE = 13.0
"""height of the letters in pixels"""
WIDE = 0.6
"""mean width of a letter, as a share of its height; a little more than most fonts have"""
DISTANCES = (9.0, 16.0, 26.0, 38.0, 52.0, 70.0, 90.0, 115.0)
ANGLES = tuple(math.radians(a) for a in (0, 180, 90, 270, 30, 330, 150, 210, 60, 300, 120, 240))


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle on the page, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: Box) -> float:
        """Area that both cover."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, high)

    def distance(self, at: XY) -> float:
        """From a point to the nearest edge; 0 inside."""
        across = max(self.left - at[0], 0.0, at[0] - self.right)
        return math.hypot(across, max(self.top - at[1], 0.0, at[1] - self.bottom))


@dataclass(frozen=True, kw_only=True)
class Label:
    """Text at (x, y) on its baseline; ``leader`` is a line from a point that lies apart."""

    text: str
    x: float
    y: float
    anchor: Anchor
    box: Box
    leader: tuple[XY, XY] | None


def place(points: Sequence[XY], texts: Sequence[str], room: Box, path: Sequence[XY] = ()) -> list[Label]:
    """A place for the label of every point, in the order of the points.

    Greedy: points with the closest neighbours choose first; each takes the nearest place that is free, or the
    one with the least overlap when none is.

    Args:
        points: (x, y) in pixels.
        texts: one for each.
        room: labels stay inside.
        path: a line that labels had better not cover.
    """
    dots = [Box(left=x - 6, top=y - 6, right=x + 6, bottom=y + 6) for x, y in points]
    lines = _along(path)

    def crowd(i: int) -> float:
        return sum(1 / (1 + math.dist(points[i], other)) for j, other in enumerate(points) if j != i)

    chosen: dict[int, Label] = {}
    for i in sorted(range(len(points)), key=crowd, reverse=True):
        taken = [label.box for label in chosen.values()] + dots
        others = [p for j, p in enumerate(points) if j != i]
        chosen[i] = _choose(points[i], texts[i], taken, lines, room, others)
    return [chosen[i] for i in range(len(points))]


def _choose(
    point: XY, text: str, taken: Sequence[Box], lines: Sequence[Box], room: Box, others: Sequence[XY]
) -> Label:
    """The nearest free place, or the one with the least overlap."""
    best = math.inf, _candidate(point, text, DISTANCES[0], ANGLES[0])
    for distance in DISTANCES:
        for angle in ANGLES:
            label = _candidate(point, text, distance, angle)
            box = label.box
            outside = (box.right - box.left) * (box.bottom - box.top) - box.overlap(room)
            bad = 10 * outside + sum(box.overlap(other) for other in taken)
            bad += 0.3 * sum(box.overlap(piece) for piece in lines)
            # Without a line to its point, a label must not stand nearer to another one.
            own = box.distance(point)
            if label.leader is None and any(box.distance(other) <= own + 2 for other in others):
                bad += 60
            if bad < 0.5:
                return label
            if bad < best[0]:
                best = bad, label
    return best[1]


def _candidate(at: XY, text: str, distance: float, angle: float) -> Label:
    """The label whose nearest edge is ``distance`` from the point in this direction."""
    wide, high = len(text) * SIZE * WIDE, SIZE * 1.15
    across, down = math.cos(angle), -math.sin(angle)
    # The centre of the box moves out until its edge is that far away.
    x = at[0] + across * distance + (across if abs(across) < 0.3 else math.copysign(1, across)) * wide / 2
    y = at[1] + down * distance + (math.copysign(1, down) * high / 2 if abs(down) > 0.3 else 0)
    box = Box(left=x - wide / 2, top=y - high / 2, right=x + wide / 2, bottom=y + high / 2)
    end = (min(max(at[0], box.left), box.right), min(max(at[1], box.top), box.bottom))
    leader = (at, end) if math.dist(at, end) > 14 else None
    # The end next to the point is fixed, so that a wider font grows away from it.
    anchor: Anchor = "start" if across > 0.3 else ("end" if across < -0.3 else "middle")
    fixed = {"start": box.left, "end": box.right, "middle": x}[anchor]
    return Label(text=text, x=fixed, y=y + SIZE * 0.35, anchor=anchor, box=box, leader=leader)


def _along(path: Sequence[XY]) -> list[Box]:
    """Small boxes along a line."""
    boxes = []
    for (x0, y0), (x1, y1) in pairwise(path):
        steps = max(1, int(math.dist((x0, y0), (x1, y1)) / 8))
        for k in range(steps + 1):
            x, y = x0 + (x1 - x0) * k / steps, y0 + (y1 - y0) * k / steps
            boxes.append(Box(left=x - 4, top=y - 4, right=x + 4, bottom=y + 4))
    return boxes
