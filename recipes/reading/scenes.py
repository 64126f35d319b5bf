"""Clean scenes to be spoilt: crops of photographs, and drawn pages, line art, labels, blobs and stars.

Scenes are (side, side, 3) arrays of float32 with values from 0 to 255.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.floating[Any]]
FIRST = 0.6
"""share of the photographs that come from the first folder, where there are several"""
SCALES = (1.0, 0.7, 0.5)
"""by which photographs are reduced, where they are large enough"""
WORDS = (
    *("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "Lorem", "ipsum", "dolor", "sit"),
    *("amet", "consectetur", "0123456789", "Table", "of", "contents", "(iv)", "Figure", "7.2"),
)


def folders(paths: Sequence[Path]) -> list[list[Path]]:
    """The pictures in each folder, in order of their names."""
    kinds = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"}
    found = [sorted(p for p in path.glob("*") if p.suffix.lower() in kinds) for path in paths]
    for path, pictures in zip(paths, found, strict=True):
        if not pictures:
            raise SystemExit(f"expected pictures in {path}, got none. pictures.py makes such a folder.")
    return found


def photograph(draws: np.random.Generator, pool: Sequence[Sequence[Path]], side: int) -> Floats:
    """A square of one of the photographs, reduced at random, enlarged only where it is too small."""
    first = len(pool) == 1 or draws.random() < FIRST
    pictures = pool[0] if first else pool[1 + int(draws.integers(len(pool) - 1))]
    with Image.open(pictures[int(draws.integers(len(pictures)))]) as file:
        picture = file.convert("RGB")
    shorter = min(picture.size)
    scale = float(draws.choice(SCALES))
    if shorter * scale < side + 8:
        scale = max(1.0, 1.001 * side / shorter)
    width = min(math.ceil(side / scale) + 2, shorter)
    x, y = (int(draws.integers(length - width + 1)) for length in picture.size)
    picture = picture.crop((x, y, x + width, y + width))
    if scale == 1.0:
        picture = picture.crop((0, 0, side, side))
    else:
        how = Image.Resampling.LANCZOS if draws.random() < 0.5 else Image.Resampling.BOX
        picture = picture.resize((side, side), how)
    return np.asarray(picture).astype(np.float32)


def drawn(draws: np.random.Generator, side: int) -> Floats:
    """A page of text, lines and boxes, a label of few values, or blobs and stars."""
    kind = draws.integers(6)
    if kind >= 4:
        return _three((_blobs, _threads)[kind - 4](draws, side))
    paper = int(draws.choice([255, 255, 250, 240, 230, int(draws.integers(150, 255))]))
    ink = int(draws.choice([0, 0, 20, 30, int(draws.integers(0, 100))]))
    if draws.random() < 0.15:
        paper, ink = ink, paper
    sheet = Image.new("L", (side, side), paper)
    (_text, _text, _lines, _label)[kind](draws, ImageDraw.Draw(sheet), side, ink)
    scene: Floats = np.asarray(sheet).astype(np.float32)
    if draws.random() < 0.4:
        scene = gaussian_filter(scene, draws.uniform(0.3, 1))
    if draws.random() < 0.3:
        scene = scene * (1 - 0.3 * draws.random() * _shade(draws, side, draws.uniform(20, 60)))
    scene = _three(scene)
    if draws.random() < 0.4:
        scene = scene * draws.uniform(0.6, 1, 3)
    return scene.astype(np.float32)


def _text(draws: np.random.Generator, pen: ImageDraw.ImageDraw, side: int, ink: int) -> None:
    size = int(draws.integers(8, 22))
    font = ImageFont.load_default(size)
    dense = draws.uniform(0.4, 1)
    y = int(draws.integers(0, 10))
    while y < side:
        if draws.random() < dense:
            pen.text((int(draws.integers(0, 8)), y), " ".join(draws.choice(WORDS, 30)), fill=ink, font=font)
        y += size + int(draws.integers(1, 6))


def _lines(draws: np.random.Generator, pen: ImageDraw.ImageDraw, side: int, ink: int) -> None:
    for _ in range(int(draws.integers(3, 60))):
        if draws.random() < 0.5:
            ends = [int(v) for v in draws.integers(0, side, 4)]
            pen.line(ends, fill=ink, width=int(draws.integers(1, 4)))
        else:
            pen.rectangle(_box(draws, side), outline=ink)


def _label(draws: np.random.Generator, pen: ImageDraw.ImageDraw, side: int, ink: int) -> None:
    """Boxes of few values, as on screens and labels; of any value, not of the ink."""
    for value in draws.integers(0, 256, int(draws.integers(3, 40))):
        pen.rectangle(_box(draws, side), fill=int(value))


def _box(draws: np.random.Generator, side: int) -> list[int]:
    (left, right), (top, bottom) = np.sort(draws.integers(0, side, (2, 2)), 1).tolist()
    return [left, top, right, bottom]


def _blobs(draws: np.random.Generator, side: int) -> Floats:
    """Stars, cells or beads on an uneven ground."""
    count, width = int(draws.integers(5, 200)), draws.uniform(0.3, 8)
    scene: Floats = np.zeros((side, side), np.float32)
    scene[draws.integers(0, side, count), draws.integers(0, side, count)] = draws.uniform(0.2, 1, count)
    if width > 0.5:
        scene = gaussian_filter(scene, width)
    scene = scene / max(float(scene.max()), 1e-9)
    ground = _shade(draws, side, draws.uniform(5, 40))
    return draws.uniform(0, 60) + scene * draws.uniform(50, 190) + ground * draws.uniform(0, 60)


def _threads(draws: np.random.Generator, side: int) -> Floats:
    """Threads that wander over a dark ground, as the skeletons of cells do."""
    sheet: Floats = np.zeros((side, side), np.float32)
    steps = np.arange(2 * side)
    for _ in range(int(draws.integers(5, 60))):
        angle = draws.uniform(0, 2 * math.pi) + np.cumsum(draws.normal(0, 0.08, len(steps)))
        x = draws.uniform(0, side) + np.cumsum(np.cos(angle))
        y = draws.uniform(0, side) + np.cumsum(np.sin(angle))
        inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
        sheet[y[inside].astype(int), x[inside].astype(int)] += draws.uniform(0.3, 1)
    scene = gaussian_filter(sheet, draws.uniform(0.6, 2))
    scene = scene / max(float(scene.max()), 1e-9)
    return (
        draws.uniform(0, 40) + scene * draws.uniform(60, 210) + _shade(draws, side, 40) * draws.uniform(0, 40)
    )


def _shade(draws: np.random.Generator, side: int, width: float) -> Floats:
    """Slow change between 0 and 1."""
    slow: Floats = gaussian_filter(draws.normal(size=(side, side)), width)
    return (slow - slow.min()) / (np.ptp(slow) + 1e-9)


def _three(plane: Floats) -> Floats:
    return np.repeat(plane[..., None], 3, -1).astype(np.float32)
