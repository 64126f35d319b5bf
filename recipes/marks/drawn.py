"""Photographs with drawn damage: scratches, dust, fibres and tears; what was drawn is the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

FINE = 4
"""times finer than the picture the marks are drawn, so that their edges are soft"""
KINDS = ("scratch", "dust", "fibre", "tear")


class Sheet:
    """A sheet to draw on, in pixels of the picture."""

    def __init__(self, height: int, width: int) -> None:
        self.size = (width, height)
        self.image = Image.new("L", (width * FINE, height * FINE))
        self.pen = ImageDraw.Draw(self.image)

    def line(self, path: np.ndarray, width: float) -> None:
        """Draw a line through points (N, 2), x first."""
        points = [tuple(point * FINE) for point in path]
        self.pen.line(points, fill=255, width=max(1, round(width * FINE)), joint="curve")

    def blob(self, path: np.ndarray) -> None:
        """Fill a polygon."""
        self.pen.polygon([tuple(point * FINE) for point in path], fill=255)

    def cover(self) -> np.ndarray:
        """(H, W) share of every pixel that is covered."""
        return np.asarray(self.image.resize(self.size, Image.Resampling.BOX), np.float32) / 255


def walk(start: np.ndarray, angle: np.ndarray, length: float) -> np.ndarray:
    """A path of equal steps in the given directions."""
    steps = np.stack([np.cos(angle), np.sin(angle)], 1) * length / len(angle)
    return start + np.cumsum(steps, 0)


def coverage(height: int, width: int, rng: np.random.Generator, kinds: Sequence[str] = KINDS) -> np.ndarray:
    """(H, W) share of every pixel that damage covers."""
    sheet, side, corner = Sheet(height, width), max(height, width), np.array([width, height])
    if "scratch" in kinds:
        for _ in range(rng.integers(2, 7)):
            length = rng.uniform(0.15, 0.9) * side
            count = max(4, int(length / 12))
            angle = rng.uniform(0, np.pi) + np.cumsum(rng.normal(0, 0.03, count))
            path, broad, place = walk(rng.uniform(0, 1, 2) * corner, angle, length), rng.uniform(1, 3.5), 0
            while place < count - 1:  # broken here and there
                run = int(rng.integers(4, max(5, count)))
                sheet.line(path[place : place + run + 1], broad * rng.uniform(0.8, 1.2))
                place += run + (int(rng.integers(1, 3)) if rng.random() < 0.3 else 0)
    if "dust" in kinds:
        for _ in range(rng.integers(8, 40)):
            centre, radius, corners = rng.uniform(0, 1, 2) * corner, rng.uniform(0.8, 3.5), rng.integers(5, 9)
            angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
            reach = radius * rng.uniform(0.6, 1.3, corners)
            sheet.blob(centre + np.stack([np.cos(angle), np.sin(angle)], 1) * reach[:, None])
    if "fibre" in kinds:
        for _ in range(rng.integers(0, 5)):
            start, length = rng.uniform(0, 1, 2) * corner, rng.uniform(15, 70)
            angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.25, 24))
            sheet.line(walk(start, angle, length), rng.uniform(0.8, 1.8))
    if "tear" in kinds and rng.random() < 0.3:
        edge, along = rng.integers(0, 4), rng.uniform(0.1, 0.9)
        start = np.array([(along, 0), (along, 1), (0, along), (1, along)][edge]) * corner
        inward = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)][edge], float)
        aside, depth = np.array([-inward[1], inward[0]]), np.linspace(-2, rng.uniform(0.15, 0.5) * side, 14)
        path = start + inward * depth[:, None] + aside * np.cumsum(rng.normal(0, 3, 14))[:, None]
        broad = rng.uniform(4, 9)
        for step in range(13):
            sheet.line(path[step : step + 2], broad * (1 - step / 14 * 0.7))
    return sheet.cover()


def damaged(
    clean: np.ndarray, rng: np.random.Generator, *, kinds: Sequence[str] = KINDS, grain: float | None = None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """A picture (H, W, C) from 0 to 1 as a worn print gives it: with marks of one tone, a soft edge, grain.

    Args:
        clean: the picture.
        rng: of the drawing.
        kinds: which marks.
        grain: standard deviation of white noise; None draws it, up to 0.035.

    Returns:
        The picture, the truth (H, W) bool, and whether the marks are light.
    """
    cover = coverage(*clean.shape[:2], rng, kinds)
    light = bool(rng.random() < 0.65)
    low, high = np.percentile(clean, (0.5, 99.5))
    tone = (
        np.clip(high + rng.uniform(-0.02, 0.1), 0.85, 1)
        if light
        else np.clip(low - rng.uniform(-0.02, 0.1), 0, 0.12)
    )
    opaque = rng.uniform(0.8, 1)
    rough = 1 - 0.15 * np.clip(gaussian_filter(rng.normal(0, 1, cover.shape), 2) * 4, 0, 1)
    share = (cover * opaque * rough)[..., None]
    worn = gaussian_filter(clean * (1 - share) + tone * share, (0.45, 0.45, 0))
    level = rng.uniform(0, 0.035) if grain is None else grain
    noisy = worn + rng.normal(0, 1, worn.shape) * level
    return np.clip(noisy, 0, 1).astype(np.float32), cover > 0.2, light
