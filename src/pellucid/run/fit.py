"""One method on one piece of a picture: a slice whole, or tile after tile where that keeps memory bounded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pellucid import stopping, tiles
from pellucid.steps import Method, Step, Task
from pellucid.stopping import Outcome
from pellucid.tiles import Tile

LARGE = 2048 * 2048
"""pixels above which a method that can be cut exactly is cut, so that memory stays bounded"""
SIDE = 1024
"""side of the tiles then, in pixels"""
LARGE_FIT = 1536 * 1536
"""pixels above which a picture is cut for a fit, which keeps all maps of its network"""
SIDE_FIT = 384
"""side of the tiles then, in pixels; with 64 pixels of overlap the paper's DIP takes about 2.7 GB for one"""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A picture or a tile of it, and what works on it.

    Attributes:
        task: what the method is given.
        method: the method.
        config: its configuration.
        rule: when it stops, as text for `stopping.parse`; "" where it ends by itself.
        seed: of its draws.
        device: where it runs.
        watch: called after each step with it, the statistic of the rule, and which tile this is, in words.
        place: which tile this is, in words; "" for a whole picture.
    """

    task: Task
    method: Method
    config: Any
    rule: str
    seed: int
    device: torch.device
    watch: Callable[[Step, float, str], None]
    place: str = ""

    def cut(self, tile: Tile, place: str = "") -> Piece:
        """The same work on a tile."""
        task, near = self.task, self.task.near_clean
        task = replace(
            task,
            shots=task.shots[..., tile.rows, tile.columns],
            near_clean=None if near is None else near[..., tile.rows, tile.columns],
        )
        return replace(self, task=task, place=place)


def fit(piece: Piece) -> Outcome:
    """Drive the steps of the method to their stop."""
    sigma = max(piece.task.noise.level, 1e-6)
    return stopping.until(
        piece.method.steps(piece.task, piece.config, seed=piece.seed, device=piece.device),
        stopping.parse(piece.rule, sigma=sigma) if piece.rule else None,
        budget=piece.task.budget,
        watch=lambda step, statistic: piece.watch(step, statistic, piece.place),
    )


def side_of(piece: Piece, asked: int | None) -> int | None:
    """Side of the tiles, a multiple of the method's grid; None to leave the picture whole.

    Args:
        piece: a whole picture.
        asked: the side that the user wants, or None.
    """
    task, method = piece.task, piece.method
    if task.degradation.kind != "noise" or task.guide is not None:
        return None
    height, width = task.shots.shape[-2:]
    # A trained network keeps many maps, and what lies beyond its halo hardly matters to it.
    bounded = method.tiling.kind == "exact" or (method.learning is not None and method.tiling.kind != "whole")
    if asked is not None:
        side = asked
    elif method.tiling.side is not None:
        side = method.tiling.side
    elif bounded and height * width > LARGE:
        side = SIDE
    elif method.tiling.kind == "approximate" and method.iterative and height * width > LARGE_FIT:
        side = SIDE_FIT
    else:
        return None
    side = math.ceil(side / method.tiling.stride) * method.tiling.stride
    return side if max(height, width) > side else None


def fit_tiles(piece: Piece, side: int) -> Outcome:
    """The same tile after tile, put together again.

    After an interrupt the tiles that are left stay as they came. Of the extras only a map of uncertainty is
    kept: what else a tile gives says nothing of the whole.

    Returns:
        The estimate and the map of the whole picture; all else as the deciding tile has it, or the last.
    """
    tiling, (height, width) = piece.method.tiling, piece.task.shots.shape[-2:]
    exact = tiling.kind == "exact" and not piece.method.iterative
    spots = tiles.cut(height, width, tile=side, margin=tiling.halo, stride=tiling.stride, exact=exact)
    return _together(piece, spots, side) if piece.method.iterative else _one_by_one(piece, spots)


def pilot(image: Tensor, spots: Sequence[Tile]) -> int:
    """The tile that decides: that of median variance, neither the emptiest nor the busiest.

    An empty tile would stop the others before they have their detail, the busiest would let the noise of
    empty ones in.

    >>> picture = torch.zeros(1, 2, 6)
    >>> picture[0, 0] = torch.tensor([0.0, 0.0, 1.0, 1.0, 5.0, 5.0])
    >>> pilot(picture, tiles.cut(2, 6, tile=2, margin=0))
    1
    """
    spread = torch.stack([image[:, spot.rows, spot.columns].var(dim=(1, 2)).mean() for spot in spots])
    return int(spread.argsort(stable=True)[(len(spots) - 1) // 2])


def _together(piece: Piece, spots: Sequence[Tile], side: int) -> Outcome:
    """A fit to every tile for the same number of iterations.

    Tiles that stop on their own end at different depths of the same process, and the difference is a seam
    that no blending hides. So one tile stops by the rule, with its share of the time, and all do as many;
    a method in stages ends each of them by itself, and would end at a coarse one if it were cut off.
    """
    count, task = len(spots), piece.task
    seen = task.shots if task.near_clean is None else torch.cat([task.shots, task.near_clean])
    chosen = pilot(seen.flatten(0, 1), spots)
    limit = task.budget.seconds
    share = replace(task.budget, seconds=None if limit is None else limit / count)
    first = fit(replace(piece, task=replace(task, budget=share)).cut(spots[chosen], _place(chosen, count)))
    rule, budget = f"iterations:{first.best_iteration}", replace(task.budget, seconds=None)
    if piece.method.staged:
        rule, budget = piece.rule, share
    alike = replace(piece, rule=rule, task=replace(task, budget=budget))
    canvas, spread = (tiles.Canvas(*task.shots.shape[-2:]) for _ in range(2))
    iterations, interrupted = first.iterations, first.interrupted
    notes: dict[str, list[int]] = {}
    for number, spot in enumerate(spots):
        part = alike.cut(spot, _place(number, count))
        outcome = first if number == chosen else _untouched(first, part) if interrupted else fit(part)
        canvas.add(spot, outcome.estimate)
        for note in outcome.notes:
            notes.setdefault(note, []).append(number + 1)
        if "uncertainty" in first.extras:
            spread.add(spot, outcome.extras.get("uncertainty", torch.zeros_like(outcome.estimate)))
        iterations, interrupted = max(iterations, outcome.iterations), interrupted or outcome.interrupted
    words = f"cut into tiles of about {side} pixels; " + (
        "each ended by itself"
        if piece.method.staged
        else f"one of middling content decided that all do {first.best_iteration} iterations"
    )
    known = "uncertainty" in first.extras and not interrupted
    return replace(
        first,
        estimate=canvas.image(),
        iterations=iterations,
        interrupted=interrupted,
        extras={"uncertainty": spread.image()} if known else {},
        state=None,
        notes=(words, *(_of_tiles(note, tiles, count) for note, tiles in notes.items())),
    )


def _one_by_one(piece: Piece, spots: Sequence[Tile]) -> Outcome:
    """A filter on every tile."""
    canvas = tiles.Canvas(*piece.task.shots.shape[-2:])
    outcome, iterations, interrupted = None, 0, False
    for spot in spots:
        part = piece.cut(spot)
        outcome = _untouched(outcome, part) if outcome is not None and interrupted else fit(part)
        canvas.add(spot, outcome.estimate)
        iterations, interrupted = max(iterations, outcome.iterations), interrupted or outcome.interrupted
    if outcome is None:
        raise ValueError("a picture must have at least one tile, got none.")
    return replace(
        outcome,
        estimate=canvas.image(),
        iterations=iterations,
        interrupted=interrupted,
        extras={},
        state=None,
    )


def _untouched(outcome: Outcome, piece: Piece) -> Outcome:
    """What is left of a tile to which nobody comes any more."""
    return replace(outcome, estimate=piece.task.shots.mean(0), extras={}, notes=())


def _of_tiles(note: str, found: Sequence[int], count: int) -> str:
    """A note with the tiles, from 1, that it is of, where not all say so.

    >>> _of_tiles("hardly begun", [2, 3], 4)
    'tiles 2, 3 of 4: hardly begun'
    """
    if len(found) == count:
        return note
    return f"tile{'s' * (len(found) > 1)} {', '.join(map(str, found))} of {count}: {note}"


def _place(number: int, count: int) -> str:
    return f", tile {number + 1} of {count}" if count > 1 else ""
