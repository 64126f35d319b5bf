"""save: the Result, the one place that makes it; then the picture as what it came from, and its files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pellucid import files
from pellucid.degradation import Downsample
from pellucid.image import Image
from pellucid.run import uncertainty
from pellucid.run.counted import rounded
from pellucid.run.state import Job, State
from pellucid.steps import Result


def save(state: State) -> State:
    """Make the Result, and the picture of it; where the run has a job, write its files."""
    state = replace(state, result=result_of(state))
    estimate, first = state.result.estimate, state.first
    enlarging = isinstance(state.degradation, Downsample)
    picture = (
        files.enlarged(first, estimate, state.degradation.factor)
        if enlarging
        else first.with_pixels(rounded(state, torch.from_numpy(estimate)).numpy())
    )
    state = replace(state, picture=picture if state.request.dtype == "same" else files.as_floats(picture))
    return state if state.job is None else _written(state, state.job)


def result_of(state: State) -> Result:
    """All that is known of a run, for the user."""
    parts, choice = state.parts, state.choice
    several = state.aligned.words if len(state.images) > 1 else ""
    extras = numbered([part.extras for part in parts])
    near = state.near_clean
    if near is not None:
        extras |= {
            "near_clean": near.images.numpy(),
            "near_clean_methods": near.names,
            "mean": near.images.mean(0).numpy(),
            "average_then_denoise": None if near.average is None else near.average.numpy(),
            "average_then_denoise_method": near.average_name,
        }
    if state.damage is not None:
        extras["mask"] = state.damage.numpy()
    if state.adapted is not None:
        extras["adapt"] = state.adapted.to_json()
    if several:
        extras["shots"] = state.aligned.placements
    estimate = parts[0].estimate[None] if len(parts) == 1 else torch.stack([part.estimate for part in parts])
    estimate = estimate.float()
    if state.holes is not None and estimate.shape == state.first.pixels.shape:
        estimate = torch.where(state.holes[:, None], torch.from_numpy(state.first.pixels.copy()), estimate)
    return Result(
        estimate=estimate.numpy(),
        method=choice.method,
        reason=": ".join(words for words in (several, state.prepared.words, choice.reason) if words),
        config=choice.config,
        seed=state.request.seed,
        device=str(state.settings.device),
        seconds=time.perf_counter() - state.started,
        iterations=max(part.iterations for part in parts),
        stopped_by=", ".join(dict.fromkeys(part.stopped_by for part in parts)),
        curves=numbered([part.curves for part in parts]),
        noise=state.noise,
        warnings=(*state.notes, *state.noise.warnings),
        extras=extras,
        trust=state.trust,
        series=state.series,
    )


def numbered(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One dict for all slices; with several, the names carry the number of the slice, from 1.

    >>> numbered([{"loss": 1}, {"loss": 2}])
    {'loss (slice 1)': 1, 'loss (slice 2)': 2}
    """
    if len(parts) == 1:
        return dict(parts[0])
    return {f"{name} (slice {i})": value for i, part in enumerate(parts, 1) for name, value in part.items()}


def before(state: State) -> Image:
    """What a result is compared with: the first shot, enlarged by bicubic interpolation if it was."""
    if not isinstance(state.degradation, Downsample):
        return state.first
    large = state.degradation.enlarge(torch.from_numpy(state.first.pixels.copy()))
    return files.enlarged(state.first, large.numpy(), state.degradation.factor)


def _written(state: State, job: Job) -> State:
    """The picture, the map of uncertainty and the page, each whole or not at all."""
    for target in (job.output, job.uncertainty, job.report, job.mask):
        if target is not None and job.make:
            target.parent.mkdir(parents=True, exist_ok=True)
    notes = [
        *state.first.notes,
        *files.write(state.picture, job.output, format=job.format, overwrite=job.overwrite, raw=job.raw),
    ]
    if job.mask is not None and state.damage is not None:
        drawn = files.from_array(state.damage[0].numpy().astype(np.uint8) * np.uint8(255), nodata="none")
        files.write(drawn, job.mask, overwrite=job.overwrite)
    if job.uncertainty is not None:
        notes += uncertainty.write(job.uncertainty, before(state), state.result, overwrite=job.overwrite)
    if job.report is not None:
        from pellucid import report

        title = Path(job.inputs[0]).name
        given, sound = before(state), state.prepared.sound
        if sound is not None:  # one hot pixel would be all that there is to see, and to measure
            given = given.with_pixels(sound.numpy())
        report.html(
            job.report, noisy=given, estimate=state.picture, result=state.result, title=title, notes=notes
        )
    return replace(state, remarks=tuple(notes))
