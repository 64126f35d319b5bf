"""Pseudo-colour: a picture of one value whose colours are a table of it, as programs show their maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FEWEST, MOST = 40, 256  # colours of a table that shows noise; fewer are drawn, more are a photograph
SAMPLED = 20_000  # pixels among which more colours end the search
SPAN = 12  # places of the table over which its curve is looked at: so many parts of it
STRAIGHT = (0.9, 0.6)  # chord over path there: middling, and for the tenth of the places that bend most
LONGEST = 0.1  # step between neighbours of the table over the length of its curve, at the most


@dataclass(frozen=True, kw_only=True, eq=False)
class Palette:
    """A table of colours along a curve; a pixel is filtered as its place on that.

    Attributes:
        colours: (K, 3) working units, in order.
        places: (K,) length of the curve up to each, from 0 to 1.
        color: False, a place is no colour.
        words: what was found.
    """

    colours: NDArray[np.float32]
    places: NDArray[np.float64]
    color: bool = False
    words: str = "its colours are a table of one value (pseudo-colour): that is filtered"

    def lay(self, pixels: Tensor) -> Tensor:
        """(..., 3, H, W) colours to (..., 1, H, W) places on the curve; of others, that of the nearest."""
        codes = np.moveaxis(pixels.numpy(), -3, -1)
        known, inverse = np.unique(codes.reshape(-1, 3), axis=0, return_inverse=True)
        apart = ((known[:, None].astype(np.float64) - self.colours[None]) ** 2).sum(-1)
        values = self.places[apart.argmin(1)][inverse.reshape(codes.shape[:-1])]
        return torch.from_numpy(values.astype(np.float32)).unsqueeze(-3)

    def lay_map(self, levels: Tensor) -> Tensor:
        """Levels or flags of all pixels, (..., 3, H, W) to (..., 1, H, W): the mean over the channels."""
        return levels.mean(-3, keepdim=True)

    def back(self, laid: Tensor, index: int) -> Tensor:
        """(..., 1, H, W) places to (..., 3, H, W) colours, on the line between two of the table."""
        values = laid[..., 0, :, :].double().numpy()
        planes = [np.interp(values, self.places.astype(np.float32), self.colours[:, c]) for c in range(3)]
        return torch.from_numpy(np.stack(planes, -3).astype(np.float32))

    def back_map(self, laid: Tensor, index: int) -> Tensor:
        """The same for a map of standard deviations: by the mean slope of the table."""
        slope = np.abs(np.diff(self.colours, axis=0)).sum(0)
        return laid * torch.from_numpy(slope.astype(np.float32)).view(3, 1, 1)


def find(pixels: Tensor, *, color: bool) -> Palette | None:
    """Whether the colours of a picture are few, and lie on a curve.

    From its darker end the curve is followed from colour to nearest colour. It is one where it bends slowly
    and has no gaps; the colours of a photograph that was reduced to 256 fill space.

    Args:
        pixels: (N, 3, H, W), or the shots of a scene (S, N, 3, H, W).
        color: whether the channels are display colours.

    >>> gray = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0)).mul(99).round() / 99
    >>> found = find(torch.cat([gray, gray**2, 1 - gray], 1), color=True)
    >>> found.words[:36], len(found.colours)
    ('its colours are a table of one value', 100)
    """
    if not color or pixels.shape[-3] != 3:
        return None
    flat = np.moveaxis(pixels.numpy(), -3, -1).reshape(-1, 3)
    if len(np.unique(flat[:: max(1, len(flat) // SAMPLED)], axis=0)) > MOST:
        return None
    colours = np.unique(flat, axis=0)
    if not FEWEST <= len(colours) <= MOST:
        return None
    order = _followed(colours.astype(np.float64))
    steps = np.linalg.norm(np.diff(colours[order].astype(np.float64), axis=0), axis=1)
    if not _curve(colours[order].astype(np.float64), steps):
        return None
    places = np.concatenate([[0.0], np.cumsum(steps)]) / steps.sum()
    return Palette(colours=colours[order], places=places)


def _followed(colours: NDArray[np.float64]) -> list[int]:
    """The colours one after the other, each the nearest that is left, from the end of the curve."""
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=-1)

    def chain(first: int) -> list[int]:
        order, left = [first], np.ones(len(colours), dtype=bool)
        left[first] = False
        for _ in range(len(colours) - 1):
            nearest = int(np.where(left, apart[order[-1]], np.inf).argmin())
            order.append(nearest)
            left[nearest] = False
        return order

    # From anywhere a walk ends at an end of the curve, or jumps to the other one; from there it meets all.
    ends = {chain(start)[-1] for start in (0, len(colours) - 1, int(colours.sum(1).argmin()))}
    chains: list[list[int]] = [chain(end) for end in sorted(ends)]

    def longest(order: list[int]) -> float:
        return float(apart[order[:-1], order[1:]].max())

    best = min(chains, key=longest)
    return best if colours[best[0]].sum() <= colours[best[-1]].sum() else best[::-1]


def _curve(ordered: NDArray[np.float64], steps: NDArray[Any]) -> bool:
    """Whether colours in this order lie on a curve without gaps."""
    if float(steps.max()) > LONGEST * float(steps.sum()):
        return False
    reach = max(2, len(ordered) // SPAN)
    path = np.concatenate([[0.0], np.cumsum(steps)])
    chord = np.linalg.norm(ordered[reach:] - ordered[:-reach], axis=1)
    straight = chord / (path[reach:] - path[:-reach])
    return bool(np.median(straight) >= STRAIGHT[0] and np.quantile(straight, 0.1) >= STRAIGHT[1])
