"""Hidden pixels: which are hidden, and what stands in their place."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from pellucid import checks
from pellucid.learning import apply
from pellucid.methods.dataset.plain import bordered

VALUES = ("uniform", "other", "mean", "median")
"""what takes the place of a hidden pixel: any pixel around it, any but itself, their mean, their median"""


def scattered(shape: torch.Size, box: int, generator: torch.Generator) -> Tensor:
    """One position in every box of `box` x `box` pixels, for every picture of a batch anew.

    Args:
        shape: (B, C, H, W) of the batch.
        box: side of the boxes; those at the right and the lower edge may be cut.
        generator: draws the positions; its device is theirs.

    Returns:
        (B, K) int64, row * W + column.

    >>> scattered(torch.Size((2, 3, 8, 12)), 4, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 6])
    """
    count, _, height, width = shape
    device = generator.device
    sides = []
    for side in (height, width):
        first = torch.arange(0, side, box, device=device)
        sides.append((first, (side - first).clamp_max(box)))
    (top, tall), (left, wide) = sides
    draws = torch.rand((2, count, len(top), len(left)), generator=generator, device=device)
    rows = top[:, None] + torch.minimum((draws[0] * tall[:, None]).long(), tall[:, None] - 1)
    columns = left + torch.minimum((draws[1] * wide).long(), wide - 1)
    return (rows * width + columns).flatten(1)


def at(image: Tensor, positions: Tensor) -> Tensor:
    """(B, C, K) values of (B, C, H, W) at (B, K) positions."""
    return image.flatten(2).gather(2, positions[:, None].expand(-1, image.shape[1], -1))


def put(image: Tensor, positions: Tensor, values: Tensor) -> Tensor:
    """A copy of (B, C, H, W) with (B, C, K) values at (B, K) positions.

    >>> put(torch.zeros(1, 1, 2, 2), torch.tensor([[3]]), torch.ones(1, 1, 1)).flatten()
    tensor([0., 0., 0., 1.])
    """
    places = positions[:, None].expand_as(values)
    return image.flatten(2).scatter(2, places, values).view_as(image)


def replacements(
    image: Tensor, positions: Tensor, value: str, radius: int, generator: torch.Generator
) -> Tensor:
    """What takes the place of pixels, from the (2 radius + 1)² pixels around each that lie in the picture.

    Args:
        image: (B, C, H, W).
        positions: (B, K).
        value: of VALUES.
        radius: in pixels.
        generator: draws for uniform and other; all channels of a pixel come from one neighbour.

    Returns:
        (B, C, K).

    Source: uniform as Krull, Buchholz, Jug, "Noise2Void", CVPR 2019; median as Höck and others, "N2V2", 2022.
    """
    checks.one_of("value", value, VALUES)
    height, width = image.shape[-2:]
    steps = torch.arange(-radius, radius + 1, device=image.device)
    down, across = (grid.flatten() for grid in torch.meshgrid(steps, steps, indexing="ij"))
    rows = positions[..., None] // width + down
    columns = positions[..., None] % width + across
    valid = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    if value != "uniform":
        valid &= (down != 0) | (across != 0)
    around = torch.where(valid, rows * width + columns, positions[..., None])
    if value in ("uniform", "other"):
        keys = torch.rand(around.shape, generator=generator, device=generator.device)
        chosen = keys.masked_fill(~valid, -1.0).argmax(-1, keepdim=True)
        return at(image, around.gather(-1, chosen).squeeze(-1))
    values = at(image, around.flatten(1)).view(*image.shape[:2], *around.shape[1:])
    counts = valid.sum(-1)[:, None]
    if value == "mean":
        return torch.where(valid[:, None], values, 0.0).sum(-1) / counts
    ordered = values.masked_fill(~valid[:, None], torch.inf).sort(-1).values
    middle = torch.stack([(counts - 1) // 2, counts // 2], -1).expand(-1, image.shape[1], -1, -1)
    return ordered.gather(-1, middle).mean(-1)


def from_neighbours(image: Tensor) -> Tensor:
    """The weighted mean of the eight neighbours of every pixel, without itself: (½ 1 ½, 1 0 1, ½ 1 ½) / 6.

    >>> from_neighbours(torch.ones(1, 2, 3, 4)).mean()
    tensor(1.)
    """
    kernel = image.new_tensor([[0.5, 1, 0.5], [1, 0, 1], [0.5, 1, 0.5]]) / 6
    channels = image.shape[1]
    return conv2d(bordered(image, 1), kernel.expand(channels, 1, 3, 3), groups=channels)


def phase(height: int, width: int, index: int, side: int, device: torch.device) -> Tensor:
    """(H, W) bool: the pixels whose place in their cell of `side` x `side` is `index`, row by row.

    >>> phase(2, 4, 1, 2, torch.device("cpu")).int().tolist()
    [[0, 1, 0, 1], [0, 0, 0, 0]]
    """
    rows, columns = (torch.arange(n, device=device) % side for n in (height, width))
    return (rows == index // side)[:, None] & (columns == index % side)


def hidden(image: Tensor, index: int, grid: int) -> tuple[Tensor, Tensor]:
    """The picture whose pixels of one phase are replaced by their neighbours' mean, and where (H, W).

    >>> picture = torch.arange(16.0).view(1, 1, 4, 4)
    >>> replaced, where = hidden(picture, 5, 4)
    >>> int(where.sum()), bool((replaced == picture)[0, 0, ~where].all())
    (1, True)
    """
    height, width = image.shape[-2:]
    where = phase(height, width, index, grid, image.device)
    return torch.where(where, from_neighbours(image), image), where


def blind(network: nn.Module, noisy: Tensor, sigma: Tensor | None, grid: int) -> Tensor:
    """f_J put together: each pixel as the network predicts it while it is hidden, (B, C, H, W)."""
    output = torch.zeros_like(noisy)
    for index in range(grid**2):
        given, where = hidden(noisy, index, grid)
        output = torch.where(where, apply(network, given, sigma), output)
    return output
