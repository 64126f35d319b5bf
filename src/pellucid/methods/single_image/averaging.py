"""The running average of the outputs of a fit."""

from __future__ import annotations


def past(average: float, share: float, iteration: int) -> float:
    """The weight of the past in the running average at an iteration.

    Args:
        average: the weight, in [0, 1).
        share: the average looks back at most this share of the steps done, so that the poor first outputs of
            a short fit are soon forgotten; 0 for the plain weight.
        iteration: from 1.

    >>> past(0.99, 0, 1), past(0.99, 0.5, 2)
    (0.99, 0.5)
    """
    if share == 0:
        return average
    span = share * iteration
    return min(average, span / (1 + span))
