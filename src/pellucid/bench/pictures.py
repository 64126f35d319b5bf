"""The pictures of a page: crops at the same place for all methods, and what they removed and missed."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from scipy.ndimage import uniform_filter

from pellucid import files
from pellucid.bench.results import Cell
from pellucid.bench.table import MethodKey, Table, presets
from pellucid.files.replace import replaced
from pellucid.image import Pixels
from pellucid.pages import display

SIDE, WINDOW = 64, 7
"""of the crops, and of the windows in which their detail is measured"""
WHOLE = 320
"""the longer side of the small picture that shows where the crop is"""
REMOVED, MISSED = 0.15, 0.1
"""what the standard deviation of such a residual becomes at most; black and white are -0.5 and 0.5

Most of an error is small, and it is large at edges, which should not all be black and white."""


@dataclass(frozen=True, kw_only=True)
class MethodTile:
    """One method on one image: addresses of its pictures relative to the page, "" where there is none."""

    name: str
    picture: str
    removed: str = ""
    missed: str = ""
    psnr: float | None = None
    ssim: float | None = None
    kind: str = "measured"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One image with all its tiles.

    Attributes:
        title: name of the image.
        tiles: clean (where known), noisy, then the methods in the order of the table.
        whole, frame: the small picture, and where the crop is in it: left, top, width, height in per cent.
        note: how the pictures were made.
        width, height: of the crop in pixels.
    """

    title: str
    tiles: tuple[MethodTile, ...]
    whole: str
    frame: tuple[float, float, float, float]
    note: str
    width: int
    height: int

    @property
    def truth(self) -> bool:
        """Whether errors can be shown."""
        return any(tile.missed for tile in self.tiles)

    @property
    def best(self) -> float | None:
        """The best PSNR that needed no truth."""
        known = [t.psnr for t in self.tiles if t.kind == "measured" and t.psnr is not None]
        return max(known, default=None)


def gallery(
    table: Table, cells: Sequence[Cell], out: Path, *, most: int = 6, side: int = SIDE
) -> tuple[list[Shown], int]:
    """Write the pictures of one set below ``out``.

    Args:
        table: of this set; its rows give the order.
        cells: of this set.
        out: folder of the page.
        most: how many images at most, evenly spread over the set; noise seed: the first.
        side: of the crops.

    Returns:
        The images shown, and how many there are with pictures.
    """
    groups: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells:
        if cell.done and cell.path("file") and cell.path("noisy"):
            groups.setdefault((cell.image, cell.seed), []).append(cell)
    first = min((seed for _, seed in groups), default=0)
    keys = sorted(key for key in groups if key[1] == first)
    kept = sorted({round(v) for v in np.linspace(0, len(keys) - 1, min(most, len(keys)))}) if keys else []
    places = {row.name: place for place, row in enumerate(table.rows)}
    shown = presets(cells)
    found = []
    for image, seed in (keys[k] for k in kept):
        group = sorted(groups[image, seed], key=lambda c: places.get(_name(c, shown), len(places)))
        folder = out / "pictures" / anchor(table.title) / f"{anchor(image)}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        found.append(_image(image, group, shown, folder, out, side))
    return found, len(keys)


def busiest(pixels: Pixels, side: int = SIDE) -> tuple[slice, slice]:
    """Rows and columns of the square with the highest mean local standard deviation.

    The standard deviation is that of windows of 7 x 7 pixels of the mean of the channels. Its mean, and not
    the variance of the whole square, is what counts: one edge between two flat halves has a high variance
    and little to look at. Of equal squares the first from the top left wins.

    Args:
        pixels: (C, H, W), the clean picture where there is one, else the noisy one.
        side: in pixels; a smaller picture is taken whole.

    >>> picture = np.zeros((1, 100, 100), np.float32)
    >>> picture[0, 20:60, 30:70] = np.indices((40, 40)).sum(0) % 2
    >>> rows, columns = busiest(picture, 32)
    >>> 17 <= rows.start <= 31 and 27 <= columns.start <= 41
    True
    """
    gray = pixels.astype(np.float64).mean(axis=0)
    mean = uniform_filter(gray, WINDOW, mode="reflect")
    variance = uniform_filter(gray * gray, WINDOW, mode="reflect") - mean * mean
    local = np.sqrt(np.maximum(variance, 0))
    high, wide = (min(side, size) for size in gray.shape)
    total = np.pad(local.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = total[high:, wide:] - total[:-high, wide:] - total[high:, :-wide] + total[:-high, :-wide]
    top, left = np.unravel_index(int(np.argmax(np.round(sums, 6))), sums.shape)
    return slice(int(top), int(top) + high), slice(int(left), int(left) + wide)


def anchor(text: str) -> str:
    """A name that is safe in any file system and address.

    >>> anchor("Set9:gaussian:25, 64x64 crops")
    'Set9-gaussian-25-64x64-crops'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.") or "x"


def _name(cell: Cell, shown: dict[MethodKey, str]) -> str:
    preset = shown[cell.method, cell.preset]
    return f"{cell.method} ({preset})" if preset else cell.method


def _white(paths: Sequence[Path]) -> float | None:
    """One white for all pictures of an image; None leaves it to the files.

    A deep file does not say how many of its 16 bits count: read alone, a dark truth would come out brighter
    than its noisy version.
    """
    found = [files.read(path) for path in paths]
    deep = [image.scale for image in found if np.dtype(image.dtype) == np.uint16]
    return max(deep) if len(deep) == len(found) else None


def _read(path: Path | None, white: float | None) -> Pixels | None:
    """(C, H, W) in the working range: one channel or three."""
    if path is None:
        return None
    pixels: Pixels = files.read(path, data_range=white).pixels[0]
    if len(pixels) in (1, 3):
        return pixels
    gray: Pixels = pixels.mean(axis=0, keepdims=True)
    return gray


def _image(
    image: str, group: Sequence[Cell], shown: dict[MethodKey, str], folder: Path, out: Path, side: int
) -> Shown:
    paths = [cell.path(name) for cell in group for name in ("noisy", "clean", "file")]
    white = _white(list(dict.fromkeys(path for path in paths if path is not None)))
    noisy, clean = _read(group[0].path("noisy"), white), _read(group[0].path("clean"), white)
    if noisy is None:
        raise FileNotFoundError(f"the noisy picture of {image} is gone. Run the benchmark again.")
    if clean is not None and clean.shape != noisy.shape:
        clean = None
    truth = noisy if clean is None else clean
    rows, columns = busiest(truth, side)
    low, high = display.limits(truth, color=len(truth) == 3)
    span = high - low
    estimates = [(cell, e) for cell in group if (e := _read(cell.path("file"), white)) is not None]
    estimates = [(cell, e) for cell, e in estimates if e.shape == noisy.shape]
    own = [e for cell, e in estimates if cell.method != "noisy"]
    spread = [_rms(noisy - clean)] if clean is not None else [_rms(noisy - e) for e in own]
    removed_gain = _gain([s / span for s in spread], REMOVED)
    missed_gain = _gain([_rms(e - clean) / span for e in own], MISSED) if clean is not None else 1.0

    number = iter(range(10_000))

    def save(pixels: Pixels, kind: str, bounds: tuple[float, float]) -> str:
        path = folder / f"{next(number):03d}-{kind}.png"
        _write(path, display.to_bytes(pixels[:, rows, columns], *bounds))
        return path.relative_to(out).as_posix()

    def tile(name: str, pixels: Pixels, cell: Cell | None, kind: str) -> MethodTile:
        removed = missed = ""
        if kind != "input":
            removed = save((noisy - pixels) * np.float32(removed_gain / span), "removed", (-0.5, 0.5))
        if clean is not None and kind != "clean":
            missed = save((pixels - clean) * np.float32(missed_gain / span), "missed", (-0.5, 0.5))
        scores = (None, None) if cell is None else (cell.psnr, cell.ssim)
        if kind == "input":
            scores = group[0].noisy_psnr, group[0].noisy_ssim
        picture = save(pixels, "picture", (low, high))
        return MethodTile(
            name=name,
            picture=picture,
            removed=removed,
            missed=missed,
            psnr=scores[0],
            ssim=scores[1],
            kind=kind,
        )

    tiles = [] if clean is None else [tile("clean", clean, None, "clean")]
    tiles.append(tile("noisy", noisy, None, "input"))
    tiles += [
        tile(_name(cell, shown), e, cell, "oracle" if cell.oracle else "measured")
        for cell, e in estimates
        if cell.method != "noisy"
    ]
    high_, wide = noisy.shape[1:]
    whole = display.to_bytes(truth, low, high)
    path = folder / "whole.png"
    _write(path, _fitted(whole))
    return Shown(
        title=image,
        tiles=tuple(tiles),
        whole=path.relative_to(out).as_posix(),
        frame=(
            100 * columns.start / wide,
            100 * rows.start / high_,
            100 * (columns.stop - columns.start) / wide,
            100 * (rows.stop - rows.start) / high_,
        ),
        note=_note(rows, columns, (high_, wide), removed_gain, missed_gain, clean is not None),
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
    )


def _rms(difference: Pixels) -> float:
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


def _gain(spreads: Sequence[float], shade: float) -> float:
    """One factor for all: it brings the median spread to ``shade`` at most."""
    middle = float(np.median(spreads)) if spreads else 0.0
    return display.nice_factor(shade / middle) if middle > 1e-7 else 1.0


def _fitted(picture: display.Bytes) -> display.Bytes:
    factor = max(1, -(-max(picture.shape[:2]) // WHOLE))
    return display.shrink(picture, factor)


def _write(path: Path, picture: display.Bytes) -> None:
    buffer = io.BytesIO()
    Pillow.fromarray(np.ascontiguousarray(picture)).save(buffer, format="png")
    with replaced(path) as file:
        file.write(buffer.getvalue())


def _note(
    rows: slice, columns: slice, size: tuple[int, int], removed: float, missed: float, truth: bool
) -> str:
    """How the tiles were made."""
    parts = [
        f"Pixels {columns.start} to {columns.stop - 1} across and {rows.start} to {rows.stop - 1} down of "
        f"{size[1]} x {size[0]}, where the {'clean' if truth else 'noisy'} picture has the most detail.",
        f"Removed: noisy less estimate, {removed:g} times, around mid-gray, for all methods alike.",
    ]
    if truth:
        parts.append(f"Error: estimate less clean, {missed:g} times, around mid-gray, for all alike.")
    return " ".join(parts)
