"""Flat blocks: where a picture shows nothing but its noise.

A block is chosen by the calm of its surroundings, never by its own energy: choosing the quietest blocks by
themselves would choose those whose noise happens to be small. The surroundings are 12 pixels away, too far
for their noise to be that of the block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid.noise import spectrum
from pellucid.noise.spectrum import SIDE

STRIDE = 4
CLIPPED = 1 / 512
RING = 3  # in strides: neighbours at 12 pixels
WINDOW = 256
PIXELS = 1_500_000  # enough for a stable figure; larger pictures are sampled by windows
BRIGHTNESS = 6  # classes with the same number of blocks
SHARE = 0.02  # of the blocks of a class, the calmest
FEWEST = 40
MANY = 8  # channels beyond which no covariance between channels is measured


@dataclass(frozen=True)
class Blocks:
    """8x8 blocks of a picture in the DCT domain.

    Attributes:
        coefficients: (B, C, 64) orthonormal DCT coefficients.
        mean: (B, C) brightness.
        calm: (B,) energy of the surroundings, small where they are flat; infinite for clipped, constant ones.
    """

    coefficients: Tensor
    mean: Tensor
    calm: Tensor


def collect(views: Sequence[Tensor], usable: Sequence[Tensor], *, floor: float, ceiling: float) -> Blocks:
    """The blocks of windows (C, h, w) of a picture of contrast 1.

    Args:
        views: the windows.
        usable: (rows, columns) for each, which of its blocks can tell of noise.
        floor, ceiling: values at which noise was cut off, infinite where it was not.
    """
    parts = [_window(v, u, floor, ceiling) for v, u in zip(views, usable, strict=True)]
    return Blocks(*(torch.cat(p) for p in zip(*parts, strict=True)))


def windows(pixels: Tensor) -> list[Tensor]:
    """Views (C, h, w) of (N, C, H, W): the slices, or windows spread evenly over them."""
    count, _, height, width = pixels.shape
    if count * height * width <= PIXELS:
        return list(pixels)
    places = [(n, y, x) for n in range(count) for y in _starts(height) for x in _starts(width)]
    area = min(WINDOW, height) * min(WINDOW, width)
    wanted = max(1, PIXELS // area)
    step = max(1.0, len(places) / wanted)
    chosen = [places[int(i * step)] for i in range(min(wanted, len(places)))]
    return [pixels[n, :, y : y + WINDOW, x : x + WINDOW] for n, y, x in chosen]


def hidden(holes: Tensor | None) -> list[Tensor] | None:
    """The windows (h, w) of holes (N, H, W), as those of the picture."""
    return None if holes is None else [window[0] for window in windows(holes[:, None])]


def _starts(length: int) -> list[int]:
    if length <= WINDOW:
        return [0]
    parts = math.ceil(length / WINDOW)
    return [round(i * (length - WINDOW) / (parts - 1)) for i in range(parts)]


def _window(pixels: Tensor, usable: Tensor, floor: float, ceiling: float) -> tuple[Tensor, Tensor, Tensor]:
    channels = pixels.shape[0]
    blocks = pixels.unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE).permute(1, 2, 0, 3, 4)
    rows, columns = blocks.shape[:2]
    flat = blocks.reshape(rows, columns, channels, SIDE * SIDE)
    coefficients = flat @ spectrum.transform().float().T
    energy = coefficients[..., 1:].square()
    calm = torch.where(usable, _surroundings(energy.sum((-2, -1))), torch.inf)
    cut = ((flat <= floor + CLIPPED) | (flat >= ceiling - CLIPPED)).float().mean((2, 3))
    calm = torch.where(cut < 0.05, calm, torch.inf)
    return (
        coefficients.reshape(-1, channels, SIDE * SIDE),
        flat.mean(-1).reshape(-1, channels),
        calm.reshape(-1),
    )


def _surroundings(energy: Tensor) -> Tensor:
    """Mean energy of the eight neighbours RING strides away, of those that exist; own energy where none
    does.
    """
    rows, columns = energy.shape
    total, count = torch.zeros_like(energy), torch.zeros_like(energy)
    for dy in (-RING, 0, RING):
        for dx in (-RING, 0, RING):
            if (dy == 0 and dx == 0) or abs(dy) >= rows or abs(dx) >= columns:
                continue
            here = (slice(max(0, -dy), rows - max(0, dy)), slice(max(0, -dx), columns - max(0, dx)))
            there = (slice(max(0, dy), rows - max(0, -dy)), slice(max(0, dx), columns - max(0, -dx)))
            total[here] += energy[there]
            count[here] += 1
    return torch.where(count > 0, total / count.clamp_min(1), energy)


def by_brightness(blocks: Blocks) -> list[Tensor]:
    """Indices of the blocks that can tell of noise, one tensor per class of brightness, darkest first."""
    usable = torch.isfinite(blocks.calm).nonzero()[:, 0]
    if len(usable) == 0:
        return []
    order = usable[blocks.mean[usable].mean(1).argsort(stable=True)]
    classes = min(BRIGHTNESS, max(1, len(order) // (2 * FEWEST)))
    return list(torch.tensor_split(order, classes))


def calmest(blocks: Blocks) -> list[Tensor]:
    """Indices of the calmest blocks, one tensor per class of brightness, darkest first."""
    chosen = []
    for part in by_brightness(blocks):
        count = min(len(part), max(FEWEST, round(SHARE * len(part))))
        chosen.append(part[blocks.calm[part].topk(count, largest=False).indices])
    return chosen


def variances(coefficients: Tensor) -> Tensor:
    """Variance per channel of (B, C, K) coefficients, by the median of the squares."""
    return coefficients.square().median(0).values.mean(-1) / spectrum.MEDIAN


def correlations(coefficients: Tensor, variance: Tensor) -> Tensor:
    """Correlation coefficients (C, C) between channels, from the variances of their sums and differences.

    Pairs are measured each for itself, so that three might not go together; what is returned does: none of
    its eigenvalues is negative.
    """
    channels = coefficients.shape[1]
    result = torch.eye(channels).double()
    scaled = coefficients / variance.clamp_min(1e-30).sqrt()[:, None]
    for c in range(channels if channels <= MANY else 0):
        for d in range(c + 1, channels):
            pair = torch.stack([scaled[:, c] + scaled[:, d], scaled[:, c] - scaled[:, d]], 1)
            plus, minus = variances(pair).tolist()
            result[c, d] = result[d, c] = (plus - minus) / max(plus + minus, 1e-30)
    values, vectors = torch.linalg.eigh(result)
    if float(values[0]) < 0:
        root = vectors * values.clamp_min(0).sqrt()
        root = root / root.norm(dim=1, keepdim=True)
        result = root @ root.T
    return result
