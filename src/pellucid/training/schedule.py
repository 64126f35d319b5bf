"""The learning rate in time."""

from __future__ import annotations

import math

from pellucid import checks
from pellucid.learning import DECAYS, Progress


def factor(decay: str, progress: Progress) -> float:
    """What the learning rate is multiplied by.

    With t from 0 at the first step to 1 at the last: constant 1; linear 1 up to t = 1/2, then 2 (1 - t);
    ramp 1 up to t = 0.7, then cos^4 to 0, as Noise2Noise has it; halves 1/2^k in the k-th fifth from 0;
    cosine (1 + cos(pi t)) / 2.

    >>> [factor("linear", Progress(step=s, steps=100)) for s in (0, 50, 75, 100)]
    [1.0, 1.0, 0.5, 0.0]
    >>> [factor("halves", Progress(step=s, steps=100)) for s in (0, 20, 99)]
    [1.0, 0.5, 0.0625]
    """
    t = progress.fraction
    checks.one_of("decay", decay, DECAYS)
    if decay == "linear":
        return min(1.0, 2 * (1 - t))
    if decay == "ramp":
        late = max(0.0, (t - 0.7) / 0.3)
        return (0.5 + 0.5 * math.cos(math.pi * late)) ** 2
    if decay == "halves":
        return float(0.5 ** min(4, int(5 * t + 1e-9)))
    if decay == "cosine":
        return 0.5 * (1 + math.cos(math.pi * t))
    return 1.0
