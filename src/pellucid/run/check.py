"""check: what the user should know of a result, as far as it can be told without a clean image."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport
from pellucid.run.state import State

LIMIT = 2.0
"""residual over noise; beyond it the result is worse than the input, if the level is right by a quarter"""

MOVED = 0.005
"""change of the mean of a channel, of itself, that is told"""


def check(state: State) -> State:
    """Say where the result may be worse than the input, and where its brightness is another on purpose."""
    method, notes = state.method, state.notes
    if method is not None and state.request.kind == "noise":
        estimate = torch.stack([part.estimate for part in state.parts])
        found = [too_much(state.noisy, estimate, state.noise)]
        if not method.keeps(state.choice.config, state.noise):
            taught = method.learning is not None and method.learning.sees == "clean pairs"
            found.append(brighter(state.noisy, estimate, state.noise, taught=taught))
        notes += tuple(words for words in found if words)
    return replace(state, notes=(*notes, *dict.fromkeys(n for part in state.parts for n in part.notes)))


def brighter(noisy: Tensor, estimate: Tensor, noise: NoiseReport, *, taught: bool = False) -> str | None:
    """A note when the mean brightness of a channel was changed on purpose, else None.

    Args:
        noisy: (N, C, H, W) in working units.
        estimate: the same shape.
        noise: what was measured or stated.
        taught: whether the method has learnt the brightness from clean targets.

    >>> import torch
    >>> gray = torch.full((1, 1, 8, 8), 0.5)
    >>> brighter(gray, gray * 1.02, NoiseReport.white(0.1, 1))
    'the mean brightness was changed by +2.0 %: a noisy photograph is darker than its scene, ...'
    """
    if noise.impulse > 0:
        return None
    before, after = (p.double().clamp(0, 1).mean((0, 2, 3)) for p in (noisy, estimate))
    change = (after - before) / before.clamp_min(1e-6)
    largest = float(change[change.abs().argmax()])
    if abs(largest) < MOVED:
        return None
    if taught:
        return (
            f"the mean brightness was changed by {100 * largest:+.1f} %, as the model learnt from its clean "
            "targets"
        )
    return (
        f"the mean brightness was changed by {100 * largest:+.1f} %: a noisy photograph is darker than its "
        "scene, as its noise was added before the curve of the camera. --method bm3d keeps the mean"
    )


def too_much(noisy: Tensor, estimate: Tensor, noise: NoiseReport) -> str | None:
    """A warning when far more was removed than there was noise, else None.

    The residual y - x_hat = n - e, with noise n and error e, has mean square sigma^2 + |e|^2 - 2 <e, n>, and
    <e, n> is not negative for a method that keeps some of the noise. So |e| > sigma, which is worse than the
    input, wherever that mean square exceeds 2 sigma^2; the limit leaves room for a level measured too low.

    Args:
        noisy: (N, C, H, W) in working units.
        estimate: the same shape.
        noise: what was measured or stated.

    >>> import torch
    >>> flat = torch.zeros(1, 1, 8, 8)
    >>> too_much(flat, flat + 0.1, NoiseReport.white(0.1, 1)) is None
    True
    >>> too_much(flat, flat + 0.3, NoiseReport.white(0.1, 1, scale=255))
    'what was removed (76.5) is more than twice the noise (25.5): the result is probably worse ...'
    """
    removed = float((noisy - estimate).double().square().mean().sqrt())
    power = noise.level**2 + sum(p.amplitude**2 / 2 for p in noise.periodic)
    if noise.impulse > 0 or removed <= LIMIT * power**0.5 or removed < 1 / 255:
        return None
    return (
        f"what was removed ({removed * noise.scale:.3g}) is more than twice the noise "
        f"({power**0.5 * noise.scale:.3g}): the result is probably worse than the input. "
        "Give the method more time, or choose another"
    )
