"""Overlapping tiles: an image of any size through a function in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from pellucid import checks

Function = Callable[[Tensor], Tensor]
"""From (C, h, w) to (C', h, w)."""


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
    _check(image, tile, halo, stride)
    reach = math.ceil(halo / stride) * stride
    height, width = image.shape[1:]
    result: Tensor | None = None
    for top, bottom in _spans(height, tile, stride):
        for left, right in _spans(width, tile, stride):
            y, x = max(0, top - reach), max(0, left - reach)
            part = _apply(function, image[:, y : bottom + reach, x : right + reach])
            if result is None:
                result = part.new_empty(part.shape[0], height, width)
            result[:, top:bottom, left:right] = part[:, top - y : bottom - y, left - x : right - x]
    return image.clone() if result is None else result


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
    places = boxes(image, tile=tile, overlap=overlap, stride=stride)
    reach = math.ceil(overlap / stride) * stride
    height, width = image.shape[1:]
    total: Tensor | None = None
    weights = image.new_zeros(1, height, width)
    for rows, columns in places:
        part = _apply(function, image[:, rows, columns])
        if total is None:
            total = part.new_zeros(part.shape[0], height, width)
        weight = _fade(rows, height, reach).view(-1, 1) * _fade(columns, width, reach)
        weight = weight.to(image)
        total[:, rows, columns] += weight * part
        weights[:, rows, columns] += weight
    return image.clone() if total is None else total / weights


def boxes(image: Tensor, *, tile: int, overlap: int, stride: int = 1) -> list[tuple[slice, slice]]:
    """(rows, columns) of the tiles that `blend` works through, overlap included, in its order.

    >>> boxes(torch.zeros(1, 4, 6), tile=4, overlap=1)
    [(slice(0, 4, None), slice(0, 4, None)), (slice(0, 4, None), slice(2, 6, None))]
    """
    _check(image, tile, overlap, stride)
    reach = math.ceil(overlap / stride) * stride
    height, width = image.shape[1:]
    return [
        (
            slice(max(0, top - reach), min(height, bottom + reach)),
            slice(max(0, left - reach), min(width, right + reach)),
        )
        for top, bottom in _spans(height, tile, stride)
        for left, right in _spans(width, tile, stride)
    ]


def _check(image: Tensor, tile: int, margin: int, stride: int) -> None:
    if image.ndim != 3:
        raise ValueError(f"image must have shape (C, H, W), got {tuple(image.shape)}.")
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


def _apply(function: Function, part: Tensor) -> Tensor:
    result = function(part)
    if result.ndim != 3 or result.shape[1:] != part.shape[1:]:
        raise ValueError(
            f"a tiled function must keep height and width {tuple(part.shape[1:])}, "
            f"it returned shape {tuple(result.shape)}."
        )
    return result


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
