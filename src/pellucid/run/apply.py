"""apply: the method on every slice in turn, sharing the time; what comes out has the mean that it should."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pellucid import seeds
from pellucid.degradation import Downsample, Mask
from pellucid.request import Denoise, Inpaint
from pellucid.run import warm
from pellucid.run.decide import method_of
from pellucid.run.fit import Piece, fit, fit_tiles, side_of
from pellucid.run.frame import Frame
from pellucid.run.state import Part, Progress, State
from pellucid.steps import Budget, Method, Step, Task

IMPULSES = 1e-3
"""fraction of salt-and-pepper pixels above which the mean of the noisy image is no longer worth keeping"""
LEAST = 0.05
"""of the level of a stack: a slice of less is taken for one of so much"""


def apply(state: State) -> State:
    """Run the method on every slice; after an interrupt the slices that are left stay as they came.

    Raises:
        ArithmeticError: when the method gives values that are not finite.
    """
    if state.method is None:
        return replace(state, parts=tuple(Part(estimate=noisy) for noisy in state.noisy))
    count, left = len(state.noisy), state.request.seconds
    work = _work(state)
    done: dict[int, Part] = {}
    before, said = warm.order(state)
    starts: dict[int, warm.Start | None] = {}
    for number, run in enumerate(work):
        started = time.perf_counter()
        start = starts.pop(before.get(run[0], -1), None)
        parts = one_run(state, run, None if left is None else left / (len(work) - number), start)
        if before:
            starts[run[0]] = warm.after(parts[0], run[0], start)
        done |= dict(zip(run, parts, strict=True))
        if left is not None:
            left = max(left - (time.perf_counter() - started), 1e-3)
        if parts[-1].interrupted:
            break
    notes = (*state.notes, *said)
    missing = [index for index in range(count) if index not in done]
    if missing:
        which = (
            ", ".join(str(index + 1) for index in missing)
            if state.runs
            else f"{count - len(missing) + 1} to {count}"
        )
        notes += (f"interrupted: slices {which} of {count} are as they came",)
        done |= {index: _untouched(state, index) for index in missing}
    parts = [done[index] for index in range(count)]
    if state.adapted is not None and state.adapted.interrupted:
        parts = [replace(part, stopped_by="interrupted") for part in parts]
    return replace(state, parts=tuple(parts), notes=notes)


def shown(state: State, estimate: Tensor, index: int = 0) -> Tensor:
    """An estimate of a slice as it comes out: in working units, with its mean, and with the pixels known.

    Args:
        state: after `choose`.
        estimate: (C, H, W) as the method gives it.
        index: of the slice.

    Returns:
        (C, H, W) float32 on the CPU.
    """
    choice, noisy, noise = state.choice_of(index), state.noisy[index], state.noise_of(index)
    method = _method(state, index)
    if choice.stabilise is not None:
        estimate = choice.stabilise.inverse(estimate)
    estimate = estimate.detach().to("cpu", torch.float32)
    if isinstance(state.degradation, Mask):
        known = isinstance(state.request, Inpaint) and state.request.keep_known
        return torch.where(state.degradation.hidden, estimate, state.shots[0, index]) if known else estimate
    spoilt = noise.impulse > IMPULSES and state.spoilt is None
    if state.request.kind != "noise" or method is None or spoilt:
        return estimate
    always = isinstance(state.request, Denoise) and state.request.keep_brightness
    still = None if state.still is None or noise.counts is not None else state.still[index].expand_as(noisy)
    if always or method.keeps(choice.config, noise):
        left = None if state.left_out is None else state.left_out[index]
        left = still if left is None else left if still is None else left | still
        estimate = keep_mean(estimate, noisy, limits=state.limits, left_out=left)
    return estimate if still is None else torch.where(still, noisy, estimate)


def keep_mean(
    estimate: Tensor,
    noisy: Tensor,
    *,
    limits: tuple[float, float] = (-math.inf, math.inf),
    left_out: Tensor | None = None,
) -> Tensor:
    """Noise of zero mean has no say in the brightness of a channel, so the method has none either.

    Both are seen as the file can hold them, so that what is cut off on writing moves the mean of neither.

    Args:
        estimate: (C, H, W).
        noisy: the same shape.
        limits: the least and the greatest value that the file holds, working units.
        left_out: (C, H, W) bool, the pixels that take no part in the mean, or None.

    >>> dark = torch.tensor([[[-1.0, 0.0, 0.5, 0.5]]])
    >>> keep_mean(torch.full((1, 1, 4), 0.3), dark).flatten()
    tensor([0., 0., 0., 0.])
    """
    bounded = limits != (-math.inf, math.inf)
    count = None if left_out is None else (~left_out).sum((-2, -1), keepdim=True).clamp_min(1)

    def of_plane(plane: Tensor, index: int) -> Tensor:
        seen = plane.clamp(*limits)
        if left_out is None or count is None:
            return seen.mean(dtype=torch.float64)
        return seen.masked_fill_(left_out[index], 0).sum(dtype=torch.float64) / count[index, 0, 0]

    def mean(picture: Tensor) -> Tensor:  # of one plane after the other, as each is copied in 64 bits
        return torch.stack([of_plane(plane, index) for index, plane in enumerate(picture)]).view(-1, 1, 1)

    wanted = mean(noisy)
    estimate = estimate + (wanted - mean(estimate)).float()
    for _ in range(2 if bounded else 0):
        estimate += (wanted - mean(estimate)).float()
    return estimate


def _method(state: State, index: int) -> Method | None:
    """The method of a slice: that of the stack, or its own where slices differ."""
    return method_of(state, state.choices[index]) if state.choices else state.method


def _work(state: State) -> list[tuple[int, ...]]:
    """What is worked on at once: slices that are taken together, and each other one by itself."""
    together = {index for run in state.runs for index in run}
    return sorted([*state.runs, *((i,) for i in range(len(state.noisy)) if i not in together)])


def one_slice(state: State, index: int, seconds: float | None) -> Part:
    """One slice through the method, whole or in tiles."""
    return one_run(state, (index,), seconds)[0]


def one_run(
    state: State, run: Sequence[int], seconds: float | None, start: warm.Start | None = None
) -> list[Part]:
    """Slices that are taken together, or a single one, through the method: a Part for each of them."""
    if _method(state, run[0]) is None:
        return [Part(estimate=state.noisy[index]) for index in run]
    piece = _piece(state, run, seconds)
    if start is not None:
        piece = _warmed(piece, state, start)
    asked = state.request.tile if isinstance(state.request, Denoise) else None
    side = side_of(piece, asked)
    outcome = fit(piece) if side is None else fit_tiles(piece, side)
    made = outcome.estimate.unbind(1) if piece.method.axis else (outcome.estimate,)
    estimates = [shown(state, estimate, index) for estimate, index in zip(made, run, strict=True)]
    if not all(bool(torch.isfinite(estimate).all()) for estimate in estimates):
        raise ArithmeticError(
            f"{piece.method.name} gave values that are not finite. The input is kept; try another method or "
            "seed."
        )
    part = Part(
        estimate=estimates[0],
        iterations=outcome.iterations,
        stopped_by="interrupted" if outcome.interrupted else outcome.stopped_by,
        curves={name: list(values) for name, values in outcome.curves.items()},
        extras=_extras(outcome.extras, outcome.state, unit=_unit(state)),
        notes=outcome.notes,
    )
    return [part, *(replace(part, estimate=estimate, curves={}, extras={}) for estimate in estimates[1:])]


def _piece(state: State, run: Sequence[int], seconds: float | None) -> Piece:
    """Slices with all that works on them; the method sees the domain in which the noise has one level."""
    index = run[0]
    choice, settings = state.choice_of(index), state.settings
    method, stabilise = _method(state, index), choice.stabilise
    if method is None:
        raise ValueError("there is no method to apply, as nothing is to be removed.")
    # Only who asks for shots gets them; all others start from the average of what is in register.
    given = state.shots if method.takes_shots else state.noisy[None]
    slices = [given[:, i].to(settings.device) for i in run]
    if stabilise is not None:
        slices = [torch.stack([stabilise.forward(shot) for shot in shots]) for shots in slices]
    shots = torch.stack(slices, 2) if method.axis else slices[0]
    near_clean = None if state.near_clean is None else state.near_clean.images[:, index].to(shots)
    if near_clean is not None and isinstance(stabilise, Frame):
        near_clean = torch.stack([stabilise.forward(one) for one in near_clean])
    weights = None if state.adapted is None else state.adapted.weights
    return Piece(
        task=Task(
            shots=shots,
            noise=choice.noise if stabilise is None else stabilise.noise,
            degradation=state.degradation,
            guide=None if state.guide is None else state.guide[index],
            near_clean=near_clean,
            initial=weights if weights is not None else state.request.initial,
            model=settings.model,
            precision=settings.precision,
            budget=Budget(iterations=state.request.iterations, seconds=seconds),
            color=state.color,
            relative=_relative(state, run) if method.axis else None,
            light=choice.light,
        ),
        method=method,
        config=choice.config,
        rule=state.rule,
        seed=state.request.seed if index == 0 else seeds.child(state.request.seed, "slice", index),
        device=settings.device,
        watch=_watch(state, index, seconds),
    )


def _warmed(piece: Piece, state: State, start: warm.Start) -> Piece:
    """The same work begun from the fit to the frame before; who says when a fit ends is heeded."""
    task, request = replace(piece.task, initial=start.weights), state.request
    if request.iterations is None and not piece.method.staged:
        few = warm.iterations(piece.method, piece.config)
        task = replace(task, budget=replace(task.budget, iterations=few))
    own = piece.rule if request.stop is not None or piece.method.staged else ""
    seed = request.seed if start.first == 0 else seeds.child(request.seed, "slice", start.first)
    return replace(piece, task=task, rule=own, seed=seed)


def _relative(state: State, run: Sequence[int]) -> Tensor | None:
    """The level of each slice over that of all, where slices differ and no one law explains it."""
    if not state.reports or any(gain > 0 for gain in state.noise.gain) or state.noise.level <= 0:
        return None
    levels = torch.tensor([state.reports[index].level for index in run]) / state.noise.level
    return levels.clamp_min(LEAST)


def _watch(state: State, index: int, limit: float | None) -> Callable[[Step, float, str], None]:
    """Tells whoever watches the run of every step."""
    watcher, count, started = state.progress, len(state.noisy), time.perf_counter()
    if watcher is None:
        return lambda step, statistic, place: None
    return lambda step, statistic, place: watcher(
        Progress(
            slice=index + 1,
            slices=count,
            iteration=step.iteration,
            total=step.total,
            phase=step.phase + place,
            loss=step.loss,
            statistic=None if math.isnan(statistic) else statistic,
            seconds=time.perf_counter() - started,
            limit=limit,
        )
    )


def _untouched(state: State, index: int) -> Part:
    """A slice that an interrupt kept the method from."""
    noisy, degradation = state.noisy[index], state.degradation
    return Part(
        estimate=degradation.enlarge(noisy) if isinstance(degradation, Downsample) else noisy,
        stopped_by="interrupted",
    )


def _unit(state: State) -> float:
    """Working units per unit of what the method sees, where these go in step."""
    change = state.choice.stabilise
    return change.span if isinstance(change, Frame) and change.inner is None else 1.0


def _extras(extras: Mapping[str, Any], state: Mapping[str, Tensor] | None, *, unit: float) -> dict[str, Any]:
    """The extras of a run, the map of uncertainty as NumPy like the estimate."""
    spread = extras.get("uncertainty")
    known = {} if spread is None else {"uncertainty": spread.cpu().numpy() * unit}
    return {**extras, **known, **({"state": dict(state)} if state is not None else {})}
