"""Any image size for networks that halve it several times: pad by reflection, crop back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pellucid import checks


def mirrored(size: int, padded: int) -> Tensor:
    """The indices that extend ``size`` samples to ``padded`` by reflection, half of the new ones on each
    side.

    The mirror stands on the first and the last sample (``cba|bcd``), again and again where the border is
    wider than the picture; a single sample is repeated.

    Args:
        size: number of samples there are, at least 1.
        padded: number of samples wanted, at least ``size``.

    Returns:
        (padded,) int64 indices into the samples.

    >>> mirrored(3, 8).tolist()
    [2, 1, 0, 1, 2, 1, 0, 1]
    """
    before = (padded - size) // 2
    period = max(2 * (size - 1), 1)
    position = (torch.arange(padded) - before).remainder(period)
    return torch.minimum(position, period - position) if size > 1 else torch.zeros_like(position)


def with_any_size(forward: Callable[[Tensor], Tensor], image: Tensor, multiple: int) -> Tensor:
    """Apply ``forward`` to an image of any size, although it needs sides that are multiples of ``multiple``.

    Padding instead of cropping keeps every pixel, and a loss on what is returned sees the real pixels only.
    Two multiples are the least, because a side of one sample at the deepest level can be neither mirrored nor
    normalised.

    Args:
        forward: maps (B, C, H', W') to (B, D, H', W').
        image: (B, C, H, W).
        multiple: what the sides must be divisible by.

    Returns:
        (B, D, H, W).

    >>> with_any_size(lambda x: x + 1, torch.zeros(1, 2, 5, 7), 4).shape
    torch.Size([1, 2, 5, 7])
    """
    checks.in_range("multiple", multiple, 1)
    if torch.compiler.is_exporting():
        return _of_any_size(forward, image, multiple)
    height, width = image.shape[-2:]
    tall, wide = (max(2, -(-side // multiple)) * multiple for side in (height, width))
    if (tall, wide) == (height, width):
        return forward(image)
    rows, columns = mirrored(height, tall).to(image.device), mirrored(width, wide).to(image.device)
    top, left = (tall - height) // 2, (wide - width) // 2
    result = forward(image.index_select(-2, rows).index_select(-1, columns))
    return result[..., top : top + height, left : left + width]


def _of_any_size(forward: Callable[[Tensor], Tensor], image: Tensor, multiple: int) -> Tensor:
    """The same as a graph in which height and width stand for numbers that are not known yet.

    No branch and no slice depends on them, as either would fix what they are, and nothing below 0 is divided,
    as ONNX rounds that to 0. Sides of at least `multiple` are mirrored once on each side, which absolute
    values say.
    """
    if multiple == 1:
        return forward(image)
    height, width = image.shape[-2:]
    tall, wide = (
        torch.sym_max((side + multiple - 1) // multiple, 2) * multiple  # type: ignore[no-untyped-call]
        for side in (height, width)
    )
    rows, columns = _folded(height, tall, image), _folded(width, wide, image)
    result = forward(image.index_select(-2, rows).index_select(-1, columns))
    rows = torch.arange(height, device=image.device) + (tall - height) // 2
    columns = torch.arange(width, device=image.device) + (wide - width) // 2
    return result.index_select(-2, rows).index_select(-1, columns)


def _folded(size: int, padded: int, like: Tensor) -> Tensor:
    """`mirrored` where no side is mirrored twice."""
    position = torch.arange(padded, device=like.device) - (padded - size) // 2
    return (size - 1) - ((size - 1) - position.abs()).abs()
