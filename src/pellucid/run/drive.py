"""One slice through one method: stabilise, cut into tiles where that helps, drive the steps to their stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from pellucid import stopping, tiles
from pellucid.auto import Stabiliser
from pellucid.degradation import Degradation, Identity
from pellucid.noise.report import NoiseReport
from pellucid.run import cutting
from pellucid.run.settings import Settings
from pellucid.steps import Budget, Method, Step, Task
from pellucid.stopping import Outcome

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
    warnings: tuple[str, ...] = ()


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
    degradation: Degradation | None = None,
    guide: Tensor | None = None,
    seconds: float | None = None,
    place: tuple[int, int] = (1, 1),
    near_clean: Tensor | None = None,
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
        degradation: what happened besides noise, or None.
        guide: (C', H, W) second picture of the scene, or None.
        seconds: time for this slice, or None.
        place: (slice, slices), for progress.
        near_clean: (K, C, H, W) of this slice, or None.
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

    def watch(step: Step, statistic: float, where: str = "") -> None:
        if progress is not None:
            progress(
                Progress(
                    slice=place[0],
                    slices=place[1],
                    iteration=step.iteration,
                    total=step.total,
                    phase=step.phase + where,
                    loss=step.loss,
                    statistic=None if math.isnan(statistic) else statistic,
                    seconds=time.perf_counter() - started,
                    limit=limit,
                )
            )

    # Near-clean images are cut with the shots, as more of them.
    taken = len(shots)
    given = shots if near_clean is None else torch.cat([shots, near_clean.to(shots)])

    def work(piece: Tensor, other_rule: str | None = None, number: int = 1, count: int = 1) -> Outcome:
        """(S + K, C, h, w) to (C, h, w); what is said about the first piece of a fit is said about all."""
        # The first tile may take its share; the others do as many iterations, so that no tile ends early.
        share = None if limit is None or other_rule is not None else limit / count
        task = Task(
            shots=piece[:taken],
            noise=noise,
            degradation=degradation or Identity(),
            guide=guide,
            near_clean=None if near_clean is None else piece[taken:],
            initial=settings.initial,
            model=settings.model,
            budget=Budget(iterations=settings.budget.iterations, seconds=share),
            color=color,
        )
        text = rule if other_rule is None else other_rule
        outcome = stopping.until(
            method.steps(task, config, seed=seed, device=settings.device),
            stopping.parse(text, sigma=max(noise.level, 1e-6)) if text else None,
            budget=task.budget,
            watch=lambda step, value: watch(step, value, f", tile {number} of {count}" if count > 1 else ""),
        )
        whole.iterations = max(whole.iterations, outcome.iterations)
        whole.interrupted = whole.interrupted or outcome.interrupted
        return outcome

    side = _side(method, settings, shots) if degradation is None and guide is None else None
    if side is not None:
        estimate, outcome = _cut(given, taken, method, side, work, whole)
    else:
        outcome = work(given)
        estimate = outcome.estimate
        whole.extras = _extras(outcome.extras, outcome.state)
    whole.stopped_by = "interrupted" if whole.interrupted else outcome.stopped_by
    whole.curves = {name: list(values) for name, values in outcome.curves.items()}
    if stabilise is not None:
        estimate = stabilise.inverse(estimate)
    whole.estimate = estimate.detach().to("cpu", torch.float32)
    if not bool(torch.isfinite(whole.estimate).all()):
        raise ArithmeticError(
            f"{method.name} gave values that are not finite. The input is kept; try another method or seed."
        )
    return whole


def _cut(
    shots: Tensor, taken: int, method: Method, side: int, work: Callable[..., Outcome], whole: Driven
) -> tuple[Tensor, Outcome]:
    """The estimate (C, H, W) from tiles, and the Outcome to report; `taken` shots, then near-clean images.

    Of the extras only a map of uncertainty is kept: what else a tile gives says nothing of the image. After
    an interrupt the tiles that are left stay as they came.
    """
    flat, halo, stride = shots.flatten(0, 1), method.tiling.halo, method.tiling.stride
    channels = shots.shape[1]
    last: list[Outcome] = []

    def piece(part: Tensor, other_rule: str | None = None, number: int = 1, count: int = 1) -> Outcome:
        part = part.reshape(*shots.shape[:2], *part.shape[1:])
        if whole.interrupted:
            return replace(last[-1], estimate=part[:taken].mean(0), extras={})
        last.append(work(part, other_rule, number, count))
        return last[-1]

    if method.stop:
        estimate, outcome = cutting.together(flat, piece, tile=side, overlap=halo, stride=stride)
        whole.warnings = (
            f"cut into tiles of about {side} pixels; one of middling content decided that all do "
            f"{outcome.best_iteration} iterations",
        )
        if len(estimate) > channels and not whole.interrupted:
            whole.extras["uncertainty"] = estimate[channels:].cpu().numpy()
        return estimate[:channels], outcome
    margin = {"halo" if method.tiling.kind == "exact" else "overlap": halo}
    through = tiles.process if method.tiling.kind == "exact" else tiles.blend
    return through(flat, lambda part: piece(part).estimate, tile=side, stride=stride, **margin), last[-1]


def _side(method: Method, settings: Settings, shots: Tensor) -> int | None:
    """Side of the tiles, a multiple of the method's grid; None to leave the image whole."""
    height, width = shots.shape[-2:]
    # A trained network keeps many maps, and what lies beyond its halo hardly matters to it.
    trained = method.learning is not None and method.tiling.kind != "whole"
    if settings.tile is not None:
        side = settings.tile
    elif (method.tiling.kind == "exact" or trained) and height * width > LARGE:
        side = TILE
    elif method.tiling.kind == "approximate" and method.stop and height * width > cutting.LARGE:
        side = cutting.TILE
    else:
        return None
    side = math.ceil(side / method.tiling.stride) * method.tiling.stride
    return side if max(height, width) > side else None


def _extras(extras: Mapping[str, Any], state: Mapping[str, Tensor] | None) -> dict[str, Any]:
    """The extras of a run, the map of uncertainty as NumPy like the estimate."""
    spread = extras.get("uncertainty")
    known = {} if spread is None else {"uncertainty": spread.cpu().numpy()}
    return {**extras, **known, **({"state": dict(state)} if state is not None else {})}
