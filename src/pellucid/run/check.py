"""check: what the user should know of a result, as far as it can be told without a clean image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport
from pellucid.run.state import State
from pellucid.steps import Method, Trust

MOVED = 0.005
"""change of the mean of a channel, of itself, that is told"""


def check(state: State) -> State:
    """Say where a result is not to be trusted, and where its brightness is another on purpose."""
    method, notes, trust = state.method, state.notes, state.trust
    if method is not None and trust is not None:
        told = doubt(trust)
        notes += (told,) if told else ()
        if not method.keeps(state.choice.config, state.noise):
            estimates = [part.estimate for part in state.parts]
            words = brighter(list(state.noisy), estimates, state.noise, cause(method, state.choice.config))
            notes += (words,) if words else ()
    return replace(state, notes=(*notes, *dict.fromkeys(n for part in state.parts for n in part.notes)))


def cause(method: Method, config: Any) -> str:
    """Why a method changes the mean brightness, in words.

    >>> from pellucid import methods
    >>> cause(methods.load("median"), methods.load("median").config())
    ': median does not keep the mean. --method bm3d does'
    """
    if method.learning is not None and method.learning.sees == "clean pairs":
        return ", as the model learnt from its clean targets"
    if hasattr(config, "light"):
        return (
            ": a noisy photograph is darker than its scene, as its noise was added before the curve of the "
            "camera. --method bm3d keeps the mean"
        )
    return f": {method.name} does not keep the mean. --method bm3d does"


def doubt(trust: Trust) -> str | None:
    """The warning that goes with low trust, else None.

    >>> doubt(Trust(level="low", reasons=("a line is gone",)))
    'the result is probably worse than the input: a line is gone. Look at the difference, ...'
    """
    if trust.level != "low":
        return None
    return (
        f"the result is probably worse than the input: {'; '.join(trust.reasons)}. Look at the difference, "
        "state the noise (--sigma), or choose another method"
    )


def brighter(noisy: Sequence[Tensor], estimate: Sequence[Tensor], noise: NoiseReport, why: str) -> str | None:
    """A note when the mean brightness of a channel was changed on purpose, else None.

    Args:
        noisy: N slices (C, H, W) in working units.
        estimate: the same.
        noise: what was measured or stated.
        why: what changes it, the end of the note.

    >>> import torch
    >>> gray = torch.full((1, 1, 8, 8), 0.5)
    >>> brighter(gray, gray * 1.02, NoiseReport.white(0.1, 1), ", as was asked for")
    'the mean brightness was changed by +2.0 %, as was asked for'
    """
    if noise.impulse > 0:
        return None
    before, after = (_means(slices) for slices in (noisy, estimate))
    change = (after - before) / before.clamp_min(1e-6)
    largest = float(change[change.abs().argmax()])
    if abs(largest) < MOVED:
        return None
    return f"the mean brightness was changed by {100 * largest:+.1f} %{why}"


def _means(slices: Sequence[Tensor]) -> Tensor:
    """(C,) means of the channels of N slices (C, H, W); plane by plane, as each is copied in 64 bits."""
    means = [torch.stack([plane.clamp(0, 1).mean(dtype=torch.float64) for plane in one]) for one in slices]
    return torch.stack(means).mean(0)
