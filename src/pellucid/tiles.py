"""Overlapping tiles: an image of any size through a function in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid import checks

Function = Callable[[Tensor], Tensor]
"""From (C, h, w) to (C', h, w)."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A part of an image that is worked on by itself.

    Attributes:
        rows: what it is given of the rows, with its margin.
        columns: the same of the columns.
        core: the (rows, columns) that it decides alone.
        fade: pixels by which it reaches into its neighbours, where it fades into them; 0 where its core
            counts and nothing else.
    """

    rows: slice
    columns: slice
    core: tuple[slice, slice]
    fade: int = 0


class Canvas:
    """An image that is put together from tiles, one after the other; only one tile is held beside it.

    Args:
        height: of the image.
        width: of the image.

    >>> canvas = Canvas(1, 4)
    >>> for tile in cut(1, 4, tile=2, margin=1):
    ...     canvas.add(tile, torch.ones(1, 1, 3))
    >>> canvas.image()
    tensor([[[1., 1., 1., 1.]]])
    """

    def __init__(self, height: int, width: int) -> None:
        self._size = (height, width)
        self._total: Tensor | None = None
        self._weights: Tensor | None = None

    def add(self, tile: Tile, part: Tensor) -> None:
        """Lay (C', h, w), or (C', D, h, w), what became of a tile, on its place.

        Raises:
            ValueError: when it has another height or width than the tile.
        """
        expected = tuple(span.stop - span.start for span in (tile.rows, tile.columns))
        if part.ndim < 3 or part.shape[-2:] != expected:
            raise ValueError(
                f"a tiled function must keep height and width {expected}, it returned shape "
                f"{tuple(part.shape)}."
            )
        if self._total is None:
            self._total = part.new_zeros(*part.shape[:-2], *self._size)
        if not tile.fade:
            inside = [
                slice(core.start - outer.start, core.stop - outer.start)
                for core, outer in zip(tile.core, (tile.rows, tile.columns), strict=True)
            ]
            self._total[..., tile.core[0], tile.core[1]] = part[..., inside[0], inside[1]]
            return
        if self._weights is None:
            self._weights = part.new_zeros(1, *self._size)
        height, width = self._size
        weight = _fade(tile.rows, height, tile.fade).view(-1, 1) * _fade(tile.columns, width, tile.fade)
        weight = weight.to(part)
        self._total[..., tile.rows, tile.columns] += weight * part
        self._weights[:, tile.rows, tile.columns] += weight

    def image(self) -> Tensor:
        """(C', H, W), or (C', D, H, W).

        Raises:
            ValueError: when no tile was laid on it.
        """
        if self._total is None:
            raise ValueError("a canvas must hold at least one tile, got none. Add them first.")
        return self._total if self._weights is None else self._total / self._weights


def cut(
    height: int, width: int, *, tile: int, margin: int, stride: int = 1, exact: bool = False
) -> list[Tile]:
    """Where an image is cut, row after row.

    Args:
        height: of the image.
        width: of the image.
        tile: side of a core, pixels; a multiple of `stride`.
        margin: pixels by which a tile is given more than its core on each side, less where the image ends.
        stride: grid on which tiles begin.
        exact: whether cores lie side by side; else every tile fades into its neighbours over the margin.

    Raises:
        ValueError: for a tile that is not a positive multiple of the stride, or a negative margin.

    >>> [(t.rows, t.columns) for t in cut(4, 6, tile=4, margin=1)]
    [(slice(0, 4, None), slice(0, 4, None)), (slice(0, 4, None), slice(2, 6, None))]
    """
    _check(tile, margin, stride)
    reach = math.ceil(margin / stride) * stride
    return [
        Tile(
            rows=slice(max(0, top - reach), min(height, bottom + reach)),
            columns=slice(max(0, left - reach), min(width, right + reach)),
            core=(slice(top, bottom), slice(left, right)),
            fade=0 if exact else reach,
        )
        for top, bottom in _spans(height, tile, stride)
        for left, right in _spans(width, tile, stride)
    ]


def process(image: Tensor, function: Function, *, tile: int, halo: int, stride: int = 1) -> Tensor:
    """Apply a function tile by tile and stitch the cores: exactly `function(image)` for an exact method.

    Every tile comes with `halo` pixels of context, less where the image ends, so that the function meets the
    true borders where they are and nowhere else; its origin lies on the `stride` grid of the image.

    Args:
        image: (C, H, W).
        function: from (C, h, w) to (C', h, w), each output pixel depending on input at most `halo` pixels
            away and, beyond that, on its place modulo `stride` only.
        tile: side of a core, pixels; a multiple of `stride`.
        halo: context on each side, pixels.
        stride: grid on which the function works (2 for FFDNet, the step of a block filter).

    Returns:
        (C', H, W).

    Raises:
        ValueError: for a tile that is not a positive multiple of the stride, a negative halo, or a function
            that changes the size.

    >>> image = torch.arange(12.0).view(1, 3, 4)
    >>> bool((process(image, lambda x: 2 * x, tile=2, halo=1) == 2 * image).all())
    True
    """
    return _through(image, function, cut(*_size(image), tile=tile, margin=halo, stride=stride, exact=True))


def blend(image: Tensor, function: Function, *, tile: int, overlap: int, stride: int = 1) -> Tensor:
    """Apply a function to overlapping tiles and fade each into the next, for methods that are not exact.

    The weights are raised cosines over the overlap and sum to one, so that no seam shows.

    Args:
        image: (C, H, W).
        function: from (C, h, w) to (C', h, w).
        tile: side of a core, pixels; a multiple of `stride`.
        overlap: pixels by which a tile reaches into each of its neighbours.
        stride: grid on which tiles begin.

    Returns:
        (C', H, W).

    Raises:
        ValueError: as `process`.

    >>> image = torch.arange(12.0).view(1, 3, 4)
    >>> torch.allclose(blend(image, lambda x: 2 * x, tile=2, overlap=1), 2 * image)
    True
    """
    return _through(image, function, cut(*_size(image), tile=tile, margin=overlap, stride=stride))


def _through(image: Tensor, function: Function, spots: list[Tile]) -> Tensor:
    canvas = Canvas(*_size(image))
    for spot in spots:
        canvas.add(spot, function(image[:, spot.rows, spot.columns]))
    return canvas.image() if spots else image.clone()


def _size(image: Tensor) -> tuple[int, int]:
    """Height and width of (C, H, W)."""
    if image.ndim != 3:
        raise ValueError(f"image must have shape (C, H, W), got {tuple(image.shape)}.")
    return image.shape[1], image.shape[2]


def _check(tile: int, margin: int, stride: int) -> None:
    checks.in_range("stride", stride, 1)
    checks.in_range("tile", tile, stride)
    checks.in_range("halo or overlap", margin, 0)
    if tile % stride:
        raise ValueError(f"tile must be a multiple of the stride {stride}, got {tile}.")


def _spans(length: int, tile: int, stride: int) -> Iterator[tuple[int, int]]:
    """Cores of about equal length, at most `tile`, that begin on the grid: no sliver is left for the last."""
    cells = math.ceil(length / stride)
    count = math.ceil(cells / (tile // stride))
    edges = [i * cells // count * stride for i in range(count)]
    return zip(edges, [*edges[1:], length], strict=True)


def _fade(span: slice, length: int, reach: int) -> Tensor:
    """Weights of one tile along one axis: 1 inside, falling over 2 reach pixels to each neighbour."""
    size = span.stop - span.start
    weight = torch.ones(size)
    width = min(2 * reach, size)
    ramp = torch.sin(0.5 * math.pi * (torch.arange(width) + 0.5) / max(width, 1)).square()
    if span.start > 0:
        weight[:width] *= ramp
    if span.stop < length:
        weight[size - width :] *= ramp.flip(0)
    return weight
