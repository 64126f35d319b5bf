"""align, analyse, choose: from the shots of a scene to what is done about their noise, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from pellucid import auto, methods, shots
from pellucid.auto import Choice
from pellucid.degradation import Mask
from pellucid.image import Image
from pellucid.noise import analysis, sensor
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise
from pellucid.run.frame import framed
from pellucid.run.state import State
from pellucid.run.stated import ByMap, level_of, told_report, words
from pellucid.steps import Method


def align(state: State) -> State:
    """Lay every shot on the first, at its brightness; what works on one picture gets their average.

    Raises:
        ValueError: when a shot shows another scene or lies too far off.
    """
    aligned = shots.align(state.shots, _names(state.images))
    return replace(
        state,
        shots=aligned.shots,
        aligned=aligned,
        noisy=aligned.average(),
        notes=(*state.notes, *aligned.warnings),
    )


def analyse(state: State) -> State:
    """Take the level that the user stated (for each shot), or measure the noise of the average."""
    request, channels, white = state.request, state.noisy.shape[1], state.first.scale
    told = level_of(state)
    if told is not None:
        return replace(state, stated=told, noise=told_report(state, told))
    seen = state.noisy
    if isinstance(state.degradation, Mask):
        seen = nearest(seen, state.degradation.hidden)
    report = analysis.analyse(seen, color=state.color, scale=white)
    if state.prepared.mosaic:
        report = sensor.together(report, seen, state.left_out)
    if isinstance(request, Denoise) and request.level != "auto":
        levels = report.mad if request.level == "mad" else (report.chen,) * channels
        report = replace(NoiseReport.white(levels, channels, scale=white), warnings=report.warnings)
    return replace(state, noise=report)


def choose(state: State) -> State:
    """Take the method that was asked for, or let `auto` choose by the report of the noise."""
    request, asked = state.request, state.settings.method
    if state.stated is not None and not bool(state.stated.any()):
        reason = "the stated noise level is 0"
        choice = Choice(method="none", config=None, noise=state.noise, reason=reason)
    elif asked is not None:
        choice = as_asked(state, asked)
    elif request.kind == "noise":
        choice = auto.choose(
            state.noise,
            color=state.color,
            channels=state.noisy.shape[1],
            stated=state.stated is not None,
        )
    else:
        choice = auto.restorer(request.kind, state.noise)
    choice = by_map(state, choice)
    method = None
    if choice.method != "none":
        method = asked or methods.load(choice.method).for_kind(request.kind)
    rule = request.stop if request.stop is not None else method.stop if method is not None else ""
    return replace(state, choice=choice, method=method, rule=rule, notes=(*state.notes, *choice.notes))


def as_asked(state: State, method: Method) -> Choice:
    """The method that was asked for; around it the change of values in which the noise has one level."""
    request, settings = state.request, state.settings
    measured = request.kind == "noise" and method.uses_noise
    reason = "asked for"
    if isinstance(request, Denoise):
        measured = measured and state.stated is None and request.level == "auto"
        if state.stated is not None:
            reason = f"asked for, at the stated level {words(state.stated, state.first.scale)}"
        elif request.level != "auto":
            reason = f"asked for, at the level that {request.level} reads"
    measured = measured and method.learning is None  # it learnt the noise as it is in the files
    measured = measured and not settings.preparers  # these work in the domain of the file
    return Choice(
        method=method.name,
        config=settings.config,
        noise=state.noise,
        reason=reason,
        stabilise=auto.around(method.name, state.noise) if measured else None,
    )


def by_map(state: State, choice: Choice) -> Choice:
    """The choice with the map of the noise that the user stated around it; networks know no such domain."""
    levels = state.stated
    if levels is None or levels[0].numel() == 1 or choice.method == "none":
        return framed(state, choice)
    if (
        state.settings.preparers
        or (state.settings.method or methods.load(choice.method)).learning is not None
    ):
        note = f"{choice.method} works on the values of the file: of the map it takes the mean level"
        return replace(choice, notes=(*choice.notes, note))
    change = ByMap(levels, state.noisy, state.first.scale)
    if state.settings.method is not None:
        return replace(choice, stabilise=change)
    reason = f"noise of standard deviation {words(levels, state.first.scale)}: BM3D over the map"
    config = methods.load("bm3d").presets["fast"]
    return Choice(method="bm3d", config=config, noise=state.noise, reason=reason, stabilise=change)


def nearest(pixels: Tensor, hidden: Tensor) -> Tensor:
    """(N, C, H, W) with every hidden pixel replaced by the nearest known one, so that holes are no edges.

    >>> nearest(torch.tensor([[[[1.0, 9.0, 3.0]]]]), torch.tensor([[False, True, True]])).flatten()
    tensor([1., 1., 1.])
    """
    rows, columns = distance_transform_edt(hidden.numpy(), return_distances=False, return_indices=True)
    return pixels[..., torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]


def _names(images: Sequence[Image]) -> list[str] | None:
    """What to call the shots in messages; arrays are all called alike, and are numbered."""
    names = [image.name for image in images]
    return names if len(set(names)) == len(names) else None
