"""Which frames of a film begin from the fit to the frame before, where that is asked for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pellucid.request import Denoise
from pellucid.run import film
from pellucid.run.state import Part, State
from pellucid.series import stacks
from pellucid.steps import Method

OWN = "code"
"""what of a saved fit belongs to its picture alone (see `Step`)"""


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a fit begins from.

    Attributes:
        first: the slice whose seed it draws by, as the weights mean nothing beside other noise.
        weights: of the fit before.
    """

    first: int
    weights: Mapping[str, Tensor]


def order(state: State) -> tuple[dict[int, int], tuple[str, ...]]:
    """The frame before each frame of the same scene, by index, where frames begin from that; and notes.

    Raises:
        ValueError: when the file does not say which axis is that of the film.
    """
    request = state.request
    if not isinstance(request, Denoise) or not request.warm_start or state.method is None:
        return {}, ()
    axes = stacks.axes_of(state.first, request.axes)
    letter, notes = stacks.letter_of(
        state.first.shape, axes, state.first.name, axis="auto", method=state.method.name, wanted="t"
    )
    runs = stacks.along(state.first, axes, letter) if letter else ()
    scenes = film.cuts(state, runs)
    return {now: before for scene in scenes for before, now in itertools.pairwise(scene)}, notes


def after(part: Part, index: int, start: Start | None) -> Start | None:
    """What the next frame begins from; None where this one was cut into tiles, each with a fit of its own."""
    saved = part.extras.get("state")
    if saved is None:
        return None
    kept = {name: value for name, value in saved.items() if name != OWN}
    return Start(first=index if start is None else start.first, weights=kept)


def iterations(method: Method, config: Any) -> int:
    """How many a fit takes that begins warm."""
    return max(1, math.ceil(method.warm * int(config.iterations)))
