"""How well a network predicts pixels of a noisy picture that it is not shown: a score without truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport

SHARED = 0.1
"""autocorrelation of the noise from which two pixels count as sharing it"""
WINDOW = 256
"""side of the parts of a picture that are scored, pixels"""
AREA = 512 * 512
"""pixels that are scored, at the most"""
GROUPS = 4
"""hidden pixels are scored in so many passes, so that in each of them they lie far apart"""


@dataclass(frozen=True, kw_only=True)
class View:
    """A picture in the units of a network.

    Attributes:
        noisy: (C, H, W).
        noise: its report, from which the network is told a level.
        place: of a part: the number of the picture, and the row and column where it begins.
    """

    noisy: Tensor
    noise: NoiseReport
    place: tuple[int, int, int] = (0, 0, 0)


def radius_of(noise: NoiseReport) -> int:
    """Pixels around a pixel that hold some of its noise.

    >>> radius_of(NoiseReport.white(0.1, 1))
    0
    """
    if not noise.correlated:
        return 0
    middle = noise.kernel.shape[-1] // 2
    reach = math.ceil(noise.length_px)
    for channel in range(len(noise.sigma)):
        own = noise.kernel[channel, channel]
        for row, column in zip(*(abs(own) > SHARED * own[middle, middle]).nonzero(), strict=True):
            reach = max(reach, math.floor(math.hypot(row - middle, column - middle)))
    return reach


def spacing_of(radius: int) -> int:
    """Pixels between two pixels that are held out.

    >>> spacing_of(0)
    4
    """
    return 4 * (radius + 1)


def points(height: int, width: int, radius: int) -> list[Tensor]:
    """The pixels that are held out, (P, 2) rows and columns, in groups; their discs lie in the picture.

    >>> [len(group) for group in points(20, 20, 0)]
    [4, 2, 2, 1]
    """
    margin, step = 2 * radius + 4, spacing_of(radius)
    rows, columns = (torch.arange(margin, max(margin, side - margin), step) for side in (height, width))
    return [torch.cartesian_prod(rows[i::2], columns[j::2]).view(-1, 2) for i in (0, 1) for j in (0, 1)]


def disc(radius: int) -> list[tuple[int, int]]:
    """The places of a disc about its centre.

    >>> disc(0), len(disc(1))
    ([(0, 0)], 9)
    """
    reach = range(-radius, radius + 1)
    return [(y, x) for y in reach for x in reach if math.hypot(y, x) <= radius + 0.5]


def hide(picture: Tensor, places: Tensor, radius: int) -> Tensor:
    """The picture (C, H, W) with the disc about every place filled from the ring of pixels around it.

    A value is the mean of the ring with weights 1 / d², d the distance. Nothing in the result depends on the
    values in the discs. A mean is the mildest lie: beside a copy of one neighbour, a network that rightly
    trusts what it sees would score worse than one that blurs (measured: text at sigma 25, where a fit gained
    1.2 dB, lost by copies and won by means).

    Args:
        picture: (C, H, W).
        places: (P, 2) rows and columns.
        radius: of the discs.

    >>> shown = hide(torch.arange(81.0).view(1, 9, 9) ** 2, torch.tensor([[4, 4]]), 1)
    >>> bool((shown != torch.arange(81.0).view(1, 9, 9) ** 2).sum() == 9)
    True
    """
    shown = picture.clone()
    rows, columns = places.to(picture.device).unbind(1)
    rim = [place for place in disc(radius + 1) if place not in disc(radius)]
    around = torch.stack([picture[:, rows + y, columns + x] for y, x in rim])
    for down, across in disc(radius):
        near = torch.tensor([1.0 / ((y - down) ** 2 + (x - across) ** 2) for y, x in rim])
        weights = (near / near.sum()).to(picture)
        shown[:, rows + down, columns + across] = torch.einsum("k,kcp->cp", weights, around)
    return shown


def windows(views: Sequence[View]) -> list[View]:
    """Parts of the pictures, spread evenly over them, small enough together to be scored soon."""
    parts: list[View] = []
    for number, view in enumerate(views):
        height, width = view.noisy.shape[-2:]
        for top in range(0, height, WINDOW):
            for left in range(0, width, WINDOW):
                part = view.noisy[:, top : top + WINDOW, left : left + WINDOW]
                parts.append(replace(view, noisy=part, place=(number, top, left)))
    most = max(1, AREA // WINDOW**2)
    if len(parts) <= most:
        return parts
    return [parts[(2 * i + 1) * len(parts) // (2 * most)] for i in range(most)]


def errors(estimate: Callable[[View], Tensor], parts: Sequence[View], radius: int) -> Tensor:
    """Squared error of each held-out pixel, predicted from outside its disc, in units of the noise variance.

    The pixel's own noise is independent of the prediction. So the mean is that of the error of the
    prediction plus 1, the noise itself: networks compare by it as by their true errors.

    Args:
        estimate: the network: a View to (C, H, W).
        parts: from `windows`.
        radius: from `radius_of`.

    Returns:
        (P,) the mean over the channels at each pixel.
    """
    found: list[Tensor] = []
    for part in parts:
        variance = part.noisy.new_tensor(part.noise.sigma).square().clamp_min(1e-12).view(-1, 1)
        for places in points(part.noisy.shape[-2], part.noisy.shape[-1], radius):
            if len(places) == 0:
                continue
            shown = replace(part, noisy=hide(part.noisy, places, radius))
            rows, columns = places.to(part.noisy.device).unbind(1)
            wrong = (estimate(shown) - part.noisy)[:, rows, columns].square() / variance
            found.append(wrong.mean(0).double().cpu())
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)


def without(views: Sequence[View], parts: Sequence[View], radius: int) -> list[tuple[Tensor, Tensor]]:
    """The pictures with every held-out disc filled in, and masks (H, W), 1 where one may learn.

    Args:
        views: the pictures.
        parts: from `windows`, of these pictures.
        radius: from `radius_of`.
    """
    found = [(v.noisy.clone(), torch.ones_like(v.noisy[0])) for v in views]
    for part in parts:
        picture, top, left = part.place
        height, width = part.noisy.shape[-2:]
        places = torch.cat(points(height, width, radius))
        if len(places) == 0:
            continue
        inside = (slice(top, top + height), slice(left, left + width))
        shown, free = found[picture]
        shown[:, inside[0], inside[1]] = hide(part.noisy, places, radius)
        rows, columns = (places.to(free.device) + torch.tensor([top, left], device=free.device)).unbind(1)
        for down, across in disc(radius):
            free[rows + down, columns + across] = 0
    return found
