"""A fit to a large picture, tile by tile: one tile decides when to stop, all stop there, borders fade."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pellucid import tiles
from pellucid.stopping import Outcome

LARGE = 1536 * 1536
"""pixels above which a picture is cut for a fit, which keeps all maps of its network"""
TILE = 384
"""side of the tiles then, in pixels; with 64 pixels of overlap the paper's DIP takes about 2.7 GB for one"""

Fit = Callable[[Tensor, str | None, int, int], Outcome]
"""from (C, h, w), a stop rule (None for the method's own), the number of the tile and how many there are"""


def pilot(image: Tensor, places: list[tuple[slice, slice]]) -> int:
    """The tile that decides: that of median variance, neither the emptiest nor the busiest.

    An empty tile would stop the others before they have their detail, the busiest would let the noise of
    empty ones in.

    >>> picture = torch.zeros(1, 2, 6)
    >>> picture[0, 0] = torch.tensor([0.0, 0.0, 1.0, 1.0, 5.0, 5.0])
    >>> pilot(picture, tiles.boxes(picture, tile=2, overlap=0))
    1
    """
    spread = torch.stack([image[:, rows, columns].var(dim=(1, 2)).mean() for rows, columns in places])
    return int(spread.argsort(stable=True)[(len(places) - 1) // 2])


def together(image: Tensor, fit: Fit, *, tile: int, overlap: int, stride: int) -> tuple[Tensor, Outcome]:
    """Fit every tile for the same number of iterations and blend them.

    Tiles that stop on their own end at different depths of the same process, and the difference is a seam
    that no blending hides.

    Args:
        image: (C, H, W).
        fit: fits one tile; its estimate is (C', h, w).
        tile: side of a tile, a multiple of `stride`.
        overlap: pixels by which a tile reaches into each neighbour.
        stride: grid on which tiles begin.

    Returns:
        (C', H, W), or (2 C', H, W) with the uncertainty map behind the estimate where the fit gives one; and
        what came of the deciding tile.
    """
    places = tiles.boxes(image, tile=tile, overlap=overlap, stride=stride)
    chosen, count = pilot(image, places), len(places)
    rows, columns = places[chosen]
    first = fit(image[:, rows, columns], None, chosen + 1, count)
    numbers = iter(range(count))

    def one(piece: Tensor) -> Tensor:
        number = next(numbers)
        rule = f"iterations:{first.best_iteration}"
        outcome = first if number == chosen else fit(piece, rule, number + 1, count)
        if "uncertainty" not in first.extras:
            return outcome.estimate
        return torch.cat(
            [outcome.estimate, outcome.extras.get("uncertainty", torch.zeros_like(outcome.estimate))]
        )

    return tiles.blend(image, one, tile=tile, overlap=overlap, stride=stride), first
