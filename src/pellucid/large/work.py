"""One region: read with its margin, denoised by the decision, its own part written; levels of a pyramid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.files import holes
from pellucid.files.stored import from_slices, to_slices
from pellucid.files.working_range import Range, from_working
from pellucid.large import spots
from pellucid.large.decision import Decision, image_of, method_for
from pellucid.noise import values as looked
from pellucid.request import Denoise
from pellucid.request.records import from_json, to_json
from pellucid.run import hand
from pellucid.run.apply import IMPULSES
from pellucid.run.fit import Piece, fit, fit_tiles, side_of
from pellucid.run.settings import Settings, settle
from pellucid.steps import Task
from pellucid.stores import Form, Store, Zarr, opened, pyramid, region


@dataclass(frozen=True, kw_only=True)
class Part:
    """A region that is to be done; small, and the same in every process.

    Attributes:
        source: path of the input.
        axes: its axes, where the user says.
        target: path of the output at work.
        decision: what is done.
        margins: what is read around, along every axis.
        grid: of what the place is a multiple where reading begins, along every axis.
        region: in words.
        state: of the input when the run began.
        mark: of the output at work; a worker that outlives a run takes no other for it.
    """

    source: Path
    axes: str | None
    target: Path
    decision: Decision
    margins: tuple[int, ...]
    grid: tuple[int, ...]
    region: str
    state: str
    mark: str


@dataclass(frozen=True, kw_only=True)
class Level:
    """A region of a level of the pyramid.

    Attributes:
        target: path of the output at work.
        level: its number, from 1.
        region: in words.
        mark: as of a `Part`.
    """

    target: Path
    level: int
    region: str
    mark: str


@lru_cache(maxsize=4)
def _store(path: Path, axes: str | None, write: bool, mark: str) -> Store:
    """A store that stays open for the next region; what has another mark is another store."""
    return opened(path, axes=axes, write=write)


@lru_cache(maxsize=4)
def _settings(request: str) -> Settings:
    """A request with its method, which stays loaded, with its weights, for the next region."""
    return settle(from_json(Denoise, request))


def do(part: Part | Level) -> dict[str, int]:
    """Do one part, and say how many values it wrote.

    Raises:
        ValueError: when the input is damaged, or was written to since the run began.
        OSError: when the disk fails.
    """
    if isinstance(part, Level):
        return _level(part)
    source = _store(part.source, part.axes, False, part.state)
    target = _store(part.target, None, True, part.mark)
    if not isinstance(source, Zarr) and source.state() != part.state:  # of Zarr it is a look at every file
        raise ValueError(f"{part.source} was written to while it was read. Run again when it is whole.")
    own = region.parsed(part.region)
    block = region.grown(own, part.margins, source.form.shape, part.grid)
    corner = tuple(block[source.form.axes.index(letter)].start for letter in "YX")
    made = denoised(source.read(block), part.decision, source.form, region.within(own, block), corner)
    target.write(own, made)
    return {"values": region.count(own)}


def forget() -> None:
    """Close the stores that stay open between regions."""
    _store.cache_clear()


def _level(part: Level) -> dict[str, int]:
    """A region of a level, from the level below it."""
    store = _store(part.target, None, True, part.mark)
    if not isinstance(store, Zarr):
        raise TypeError(f"{part.target} has no levels.")
    own = region.parsed(part.region)
    shape, smaller = (store.levels[i].shape for i in (part.level - 1, part.level))
    lower = store.read(pyramid.below(own, shape, smaller), part.level - 1)
    store.write(own, pyramid.reduced(lower, own, shape, smaller), part.level)
    return {"values": region.count(own)}


def denoised(
    values: NDArray[Any],
    decision: Decision,
    form: Form,
    own: region.Region,
    corner: tuple[int, ...] = (0, 0),
) -> NDArray[Any]:
    """Stored values of a region, denoised.

    Args:
        values: with a margin.
        decision: what is done.
        form: of the store.
        own: the part that is wanted.
        corner: row and column of the store at which the region begins.

    Returns:
        that part, in the same type, or as float32 where that was asked for; alpha, and what is no
        measurement, as they came.
    """
    floats = decision.request.dtype == "float32" and values.dtype.kind != "f"
    if decision.choice.method == "none" and decision.request.hot_pixels == "off":
        return np.ascontiguousarray(values[own], np.float32 if floats else values.dtype)
    place = form.axes.index("S") if form.alpha is not None else 0
    plain = values if form.alpha is None else np.delete(values, form.alpha, axis=place)
    axes = form.axes
    if decision.axis:  # slices that are taken together follow each other
        along = axes.index(decision.axis)
        axes = "".join(letter for letter in axes if letter != decision.axis)
        plain = np.moveaxis(plain, along, 0)
    runs = plain if decision.axis else plain[None]
    slices = np.stack([to_slices(one, axes) for one in runs])  # (D, N, C, h, w)
    made = np.stack([_run(slices[:, n], decision, form, corner) for n in range(slices.shape[1])], 1)
    shape = runs.shape[1:]
    result = np.stack([from_slices(one, axes, shape) for one in made])
    result = np.moveaxis(result, 0, along) if decision.axis else result[0]
    if form.alpha is not None:
        alpha = values.take(form.alpha, axis=place).astype(result.dtype)
        result = np.insert(result, form.alpha, alpha, axis=place)
    return np.ascontiguousarray(result[own])


def _run(stored: NDArray[Any], decision: Decision, form: Form, corner: tuple[int, ...]) -> NDArray[Any]:
    """Slices (D, C, h, w) that are taken together, or a single one."""
    missing, _ = holes.missing(stored, decision.nodata)
    floats = decision.request.dtype == "float32" and stored.dtype.kind != "f"
    dtype = np.dtype(np.float32) if floats else stored.dtype
    if (missing is not None and missing.all()) or bool((stored == stored.flat[0]).all()):
        return stored.astype(dtype)  # nothing to see, as in chunks that were left out
    if decision.request.hot_pixels != "off" and missing is None:
        stored = spots.mended(stored, decision.hot, (corner[0], corner[1]), spots.limits_of(form))
    if decision.choice.method == "none":
        return stored.astype(dtype)
    range = Range(scale=decision.scale, offset=decision.offset, bits=form.bits)
    image = image_of(stored, form, "a region", nodata=decision.nodata, range=range)
    noisy = torch.from_numpy(image.pixels.copy())
    estimate = estimated(noisy, decision)
    if decision.share < 1:
        estimate = noisy + decision.share * (estimate - noisy)
    request = decision.request
    if request.strength < 1 or request.detail > 0:
        blended = [
            hand.blend(y, x, decision.noise, strength=request.strength, detail=request.detail)
            for y, x in zip(noisy, estimate, strict=True)
        ]
        estimate = torch.stack(blended)
    values = from_working(estimate.numpy(), decision.scale, dtype, decision.offset, form.bits)
    kept = (estimate == noisy).numpy()
    if image.holes is not None:
        kept |= image.holes[:, None]
    return np.where(kept if missing is None else kept | missing, stored.astype(dtype), values)


def estimated(noisy: Tensor, decision: Decision) -> Tensor:
    """What the method makes of slices (D, C, h, w), working units.

    Raises:
        ArithmeticError: when it gives values that are not finite.
    """
    settings, choice = _settings(to_json(decision.request)), decision.choice
    method, change = method_for(settings, choice), choice.stabilise
    if method is None:
        return noisy
    if not method.axis and len(noisy) > 1:  # no shots of one scene
        return torch.cat([estimated(one[None], decision) for one in noisy])
    seen = noisy if change is None else torch.stack([change.forward(one) for one in noisy])
    shots = seen.movedim(0, 1)[None] if method.axis else seen
    piece = Piece(
        task=Task(
            shots=shots.to(settings.device),
            noise=choice.noise if change is None else change.noise,
            model=settings.model,
            color=decision.color,
            light=choice.light,
        ),
        method=method,
        config=choice.config,
        rule="",
        seed=decision.request.seed,
        device=settings.device,
        watch=lambda step, statistic, place: None,
    )
    side = side_of(piece, None)
    made = (fit(piece) if side is None else fit_tiles(piece, side)).estimate
    estimate = made.movedim(1, 0) if method.axis else made[None]
    if change is not None:
        estimate = torch.stack([change.inverse(one) for one in estimate])
    estimate = estimate.detach().to("cpu", torch.float32)
    if not bool(torch.isfinite(estimate).all()):
        raise ArithmeticError(
            f"{method.name} gave values that are not finite. Try another method, or state the noise."
        )
    if decision.noise.counts is not None or decision.noise.impulse > IMPULSES:
        return estimate
    still = torch.stack([looked.at_ends(one) for one in noisy])
    return torch.where(still[:, None], noisy, estimate)
