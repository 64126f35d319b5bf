"""One slice through one method: stabilise, cut into tiles where that helps, drive the steps to their stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pellucid import stopping, tiles
from pellucid.auto import Stabiliser
from pellucid.noise.report import NoiseReport
from pellucid.run.settings import Settings
from pellucid.steps import Budget, Method, Step, Task

LARGE = 2048 * 2048
"""pixels above which a method that can be cut exactly is cut, so that memory stays bounded"""
TILE = 1024
"""side of the tiles then, in pixels"""


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


@dataclass(kw_only=True)
class Driven:
    """What came of one slice."""

    estimate: Tensor
    iterations: int = 0
    stopped_by: str = "finished"
    interrupted: bool = False
    curves: dict[str, list[float]] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)


def drive(
    shots: Tensor,
    method: Method,
    config: Any,
    noise: NoiseReport,
    settings: Settings,
    *,
    color: bool,
    seed: int,
    stabilise: Stabiliser | None = None,
    seconds: float | None = None,
    place: tuple[int, int] = (1, 1),
    progress: Callable[[Progress], None] | None = None,
) -> Driven:
    """Run ``method`` on the shots (S, C, H, W) of one slice.

    Args:
        shots: working units, any device.
        method: what to run.
        config: its configuration.
        noise: the report of these shots.
        settings: seed, device, stop rule, budget, tile.
        color: whether the channels are display colours.
        seed: the seed of this slice.
        stabilise: change of values around the method, or None.
        seconds: time for this slice, or None.
        place: (slice, slices), for progress.
        progress: called at every step.

    Returns:
        The estimate (C, H, W) in working units on the CPU, with curves and the way it ended.
    """
    started = time.perf_counter()
    limit = seconds
    rule = method.stop if settings.rule is None else settings.rule
    shots = shots.to(settings.device)
    if stabilise is not None:
        shots = torch.stack([stabilise.forward(shot) for shot in shots])
        noise = stabilise.noise
    whole = Driven(estimate=shots[0])

    def watch(step: Step, statistic: float) -> None:
        if progress is not None:
            progress(
                Progress(
                    slice=place[0],
                    slices=place[1],
                    iteration=step.iteration,
                    total=step.total,
                    phase=step.phase,
                    loss=step.loss,
                    statistic=None if math.isnan(statistic) else statistic,
                    seconds=time.perf_counter() - started,
                    limit=limit,
                )
            )

    def work(piece: Tensor) -> Tensor:
        """(S, C, h, w) -> (C, h, w); what is said about the last piece is said about all."""
        task = Task(
            shots=piece,
            noise=noise,
            initial=settings.initial,
            model=settings.model,
            budget=Budget(iterations=settings.budget.iterations, seconds=limit),
            color=color,
        )
        outcome = stopping.until(
            method.steps(task, config, seed=seed, device=settings.device),
            stopping.parse(rule, sigma=max(noise.level, 1e-6)) if rule else None,
            budget=task.budget,
            watch=watch,
        )
        whole.iterations = max(whole.iterations, outcome.iterations)
        whole.stopped_by = outcome.stopped_by
        whole.interrupted = whole.interrupted or outcome.interrupted
        whole.curves = {name: list(values) for name, values in outcome.curves.items()}
        whole.extras = _extras(outcome.extras, outcome.state)
        return outcome.estimate

    side = _side(method, settings, shots)
    if side is not None:

        def tile(piece: Tensor) -> Tensor:
            return work(piece.reshape(*shots.shape[:2], *piece.shape[1:]))

        flat, halo, stride = shots.flatten(0, 1), method.tiling.halo, method.tiling.stride
        if method.tiling.kind == "exact":
            estimate = tiles.process(flat, tile, tile=side, halo=halo, stride=stride)
        else:
            estimate = tiles.blend(flat, tile, tile=side, overlap=halo, stride=stride)
        whole.extras = {}  # a map of the last tile is no map of the image
    else:
        estimate = work(shots)
    if stabilise is not None:
        estimate = stabilise.inverse(estimate)
    whole.estimate = estimate.detach().to("cpu", torch.float32)
    if not bool(torch.isfinite(whole.estimate).all()):
        raise ArithmeticError(
            f"{method.name} gave values that are not finite. The input is kept; try another method or seed."
        )
    return whole


def _side(method: Method, settings: Settings, shots: Tensor) -> int | None:
    """Side of the tiles, a multiple of the method's grid; None to leave the image whole."""
    height, width = shots.shape[-2:]
    if settings.tile is not None:
        side = settings.tile
    elif method.tiling.kind == "exact" and height * width > LARGE:
        side = TILE
    else:
        return None
    side = math.ceil(side / method.tiling.stride) * method.tiling.stride
    return side if max(height, width) > side else None


def _extras(extras: Mapping[str, Any], state: Mapping[str, Tensor] | None) -> dict[str, Any]:
    return {**extras, **({"state": dict(state)} if state is not None else {})}
