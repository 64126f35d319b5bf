"""Progress: where a run is, told at every step to whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run is; given to the progress callback at every step.

    Attributes:
        slice: slice at work, from 1.
        slices: slices of the stack.
        iteration: iteration within this slice (or tile), from 1.
        total: planned iterations, or None when open.
        phase: what is being done.
        loss: detached scalar tensor or None; calling float() on it may wait for the device, so do it seldom.
        statistic: what the stop rule looks at, or None.
        seconds: since the start of this slice.
        limit: seconds that this slice may take, or None.
    """

    slice: int
    slices: int
    iteration: int
    total: int | None
    phase: str
    loss: Tensor | None
    statistic: float | None
    seconds: float
    limit: float | None


Watcher = Callable[[Progress], None]
