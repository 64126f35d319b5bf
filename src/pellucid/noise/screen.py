"""The dots of a print: a pattern both ways, which is picture, and as even as noise that pixels share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

from pellucid.noise.report import Periodic
from pellucid.noise.values import rise

OFF = 0.012  # cycles per pixel that two waves of one period may be from running straight across each other
PAIRED = 0.4  # of the stronger one's amplitude that the weaker one has
DOTS = (0.04, 0.08)  # amplitude of these, of the contrast, from which they may be, and are, a screen


def screened(patterns: Sequence[Periodic]) -> float:
    """How surely a picture of contrast 1 is a printed screen, 0 to 1: dots in rows both ways.

    Two waves of one period and much the same amplitude run across each other; stripes run one way.

    >>> across, down = (Periodic(frequency=f, amplitude=0.2) for f in ((0.0, 0.2), (0.2, 0.0)))
    >>> screened([across, down]), screened([across])
    (1.0, 0.0)
    """
    found = 0.0
    for one, other in combinations(patterns, 2):
        (a, b), (c, d) = one.frequency, other.frequency
        turned = min(math.hypot(a - sign * d, b + sign * c) for sign in (1, -1))
        weaker, stronger = sorted((one.amplitude, other.amplitude))
        if turned < OFF and weaker > PAIRED * stronger:
            found = max(found, rise(weaker, *DOTS))
    return found
