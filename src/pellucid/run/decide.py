"""align, analyse, choose: from the shots of a scene to what is done about their noise, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from pellucid import auto, devices, methods, shots
from pellucid.auto import Choice
from pellucid.damage import pages
from pellucid.degradation import Mask
from pellucid.image import Image
from pellucid.noise import analysis, field, impulses, photons, sensor
from pellucid.noise.level import mad
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise
from pellucid.run import film, named
from pellucid.run.counted import whole
from pellucid.run.frame import framed
from pellucid.run.state import State
from pellucid.run.stated import ByMap, level_of, over_field, told_report, words
from pellucid.series import stacks
from pellucid.steps import Method

SURE = 0.12
"""difference of the logarithms of two levels that is no difference, beside what is in doubt"""
MANY = 8
"""slices from which on `--effort quick` looks whether one measurement does for all"""


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
    """Take the level that the user stated (for each shot), or measure the noise of the average.

    A stack is measured whole and slice by slice; where the slices differ by more than the estimate's own
    error each has a report of its own.
    """
    request = state.request
    seen, left_out = state.noisy, state.left_out
    hidden = None if left_out is None else left_out.any(1)
    told = level_of(state)
    if told is not None:
        report = analysis.with_contrast(told_report(state, told), seen, holes=hidden)
        return replace(state, stated=told, noise=report)
    if isinstance(state.degradation, Mask):
        seen = nearest(seen, state.degradation.hidden)
    spoilt = state.mended
    whole = report_of(state, seen, hidden, spoilt)
    several = len(seen) > 1 and request.kind == "noise" and not _hurried(state, seen, hidden)
    alone = [slice(i, i + 1) for i in range(len(seen) if several else 0)]
    each = list(
        devices.spread(
            lambda i: report_of(state, seen[i], *(None if a is None else a[i] for a in (hidden, spoilt))),
            alone,
            seen.device,
        )
    )
    reports = tuple(each) if any(_apart(report, whole) for report in each) else ()
    if isinstance(request, Denoise) and request.level != "auto":
        whole, reports = as_level(whole, request.level), tuple(as_level(r, request.level) for r in reports)
    return replace(state, noise=whole, reports=reports, each=tuple(each))


def _hurried(state: State, seen: Tensor, hidden: Tensor | None) -> bool:
    """Whether a long film in a hurry (`--effort quick`) needs no measurement of every frame.

    It does not where the wavelet estimates of all frames, a fiftieth of the work, lie about their median.
    """
    quick = isinstance(state.request, Denoise) and state.request.effort == "quick"
    if not quick or hidden is not None or len(seen) < MANY:
        return False
    levels = torch.stack(list(devices.spread(mad, list(seen), seen.device)))
    middle = levels.median(0).values
    if not bool((levels > 0).all()):
        return False
    return float((levels / middle).log().abs().max()) < SURE


def report_of(state: State, seen: Tensor, hidden: Tensor | None, spoilt: Tensor | None = None) -> NoiseReport:
    """The report of some slices (N, C, H, W), of which (N, H, W) are no part of the picture.

    Where salt and pepper was replaced (`spoilt`), the noise beneath is measured, and its share told.
    """
    if spoilt is not None and spoilt.any():
        report = report_of(state, impulses.to_measure(seen, spoilt), hidden)
        return replace(report, impulse=float(spoilt.float().mean()))
    report = analysis.analyse(seen, color=state.color, scale=state.first.scale, holes=hidden)
    if state.prepared.mosaic:
        every = None if hidden is None else hidden[:, None].expand(-1, seen.shape[1], -1, -1)
        report = sensor.together(report, seen, every)
    return field.over(photons.counted(report, seen, hidden), seen, hidden, color=state.color)


def as_level(report: NoiseReport, level: str) -> NoiseReport:
    """White noise at the level that the wavelet or Chen's estimate reads."""
    channels = len(report.sigma)
    levels = report.mad if level == "mad" else (report.chen,) * channels
    white = NoiseReport.white(levels, channels, scale=report.scale)
    return replace(white, low=report.low, span=report.span, warnings=report.warnings)


def _apart(report: NoiseReport, whole: NoiseReport) -> bool:
    """Whether the noise of a slice differs from that of the stack by more than is known of either."""
    if report.level <= 0 or whole.level <= 0:
        return report.level != whole.level
    allowed = SURE + report.doubt  # of the logarithm of the level: half of that of the variance, twice
    return abs(math.log(report.level / whole.level)) > allowed


def choose(state: State) -> State:
    """Take the method that was asked for, or let `auto` choose by the report of the noise."""
    runs, said = _runs(state)
    # slices that are taken together are so by the noise of all
    choices = () if runs else tuple(choice_for(state, report) for report in state.reports)
    # what stands for the stack is what is done about its noisiest slice
    noisiest = max(choices, key=lambda c: c.noise.level) if choices else None
    choice = noisiest or choice_for(state, state.noise)
    choice = replace(choice, notes=(*choice.notes, *_stained(state)))
    notes = said + tuple(dict.fromkeys(note for c in (*choices, choice) for note in c.notes))
    if choices:
        levels = sorted(report.level * report.scale for report in state.reports)
        notes += (
            f"the noise differs between slices (standard deviation {levels[0]:.3g} to {levels[-1]:.3g}): "
            "each is treated by its own",
        )
    state = replace(state, choice=choice, choices=choices, runs=runs, notes=(*state.notes, *notes))
    method = method_of(state, choice)
    rule = state.request.stop
    if rule is None:
        rule = method.stop if method is not None else ""
    state = replace(state, method=method, rule=rule)
    if len(state.noisy) < 2 or state.request.kind != "noise":
        return state
    if state.settings.method is None:
        return film.together(state, choice_for(state, state.noise))
    return replace(state, notes=(*state.notes, *named.doubts(state, choice, runs)))


def _stained(state: State) -> tuple[str, ...]:
    """A note where what hampers the reading of a page is no noise."""
    count, channels = state.noisy.shape[:2]
    if not isinstance(state.request, Denoise) or count > 1 or channels not in (1, 3):
        return ()
    told = pages.note(state.noisy[0].numpy())
    return (told,) if told else ()


def _runs(state: State) -> tuple[tuple[stacks.Run, ...], tuple[str, ...]]:
    """The slices that a method takes together, where one was asked for that does so, and notes."""
    request, method = state.request, state.settings.method
    if method is None or not method.axis or not isinstance(request, Denoise):
        return (), ()
    axes = stacks.axes_of(state.first, request.axes)
    needs_slices(method, stacks.found(state.first, axes), state.first.name)
    runs, notes = stacks.asked(state.first, axes, axis=request.axis, method=method.name, wanted=method.axis)
    runs = film.cuts(state, runs)
    return runs, notes + _lone(method, runs)


def _lone(method: Method, runs: Sequence[stacks.Run]) -> tuple[str, ...]:
    """What is to be said of frames that no other one shows, where a model looks at several."""
    lone = [str(run[0] + 1) for run in runs if len(run) == 1]
    if method.learning is None or not lone:
        return ()
    one = "frame" if method.axis == "t" else "slice"
    frames = f"{one}{'s' * (len(lone) > 1)} {', '.join(lone)}"
    return (
        f"{frames}: no other shows the scene, and a model that looks at several keeps most of the noise. "
        "Denoise such by themselves, without the model",
    )


def needs_slices(method: Method, several: str, name: str) -> None:
    """Refuse a single picture where a model sees several slices of a stack at once.

    Raises:
        ValueError: where `several`, the axes of several slices, are none.
    """
    if method.learning is not None and method.axis and not several:
        seen = f"{2 * method.tiling.depth + 1} slices of {stacks.NAMES[method.axis]}"
        raise ValueError(
            f"the model sees {seen} at once, and {name} is a single picture. Give it a stack, or use a model "
            "of single pictures."
        )


def method_of(state: State, choice: Choice) -> Method | None:
    """The method of a choice, set up for the verb; None where nothing is done."""
    if choice.method == "none":
        return None
    return state.settings.method or methods.load(choice.method).for_kind(state.request.kind)


def choice_for(state: State, report: NoiseReport) -> Choice:
    """What to do about one noise."""
    request, asked = state.request, state.settings.method
    if state.stated is not None and not bool(state.stated.any()):
        choice = Choice(method="none", config=None, noise=report, reason="the stated noise level is 0")
    elif asked is not None:
        choice = as_asked(state, asked, report)
    elif request.kind == "noise":
        channels, stated = state.noisy.shape[1], state.stated is not None
        effort = request.effort if isinstance(request, Denoise) else "normal"
        mended = state.spoilt is not None
        choice = auto.choose(
            report, color=state.color, channels=channels, stated=stated, effort=effort, mended=mended
        )
    else:
        choice = auto.restorer(request.kind, report)
    return by_map(state, whole(state, choice))


def as_asked(state: State, method: Method, report: NoiseReport) -> Choice:
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
        noise=report,
        reason=reason,
        stabilise=auto.around(method.name, report) if measured else None,
    )


def by_map(state: State, choice: Choice) -> Choice:
    """The choice with the map of its noise around it, stated or found; networks know no such domain."""
    levels = state.stated if choice.noise.drift is None else over_field(state, choice.noise)
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
    varies = "noise that varies smoothly over the field, of" if state.stated is None else "noise of"
    told = words(levels, state.first.scale).removesuffix(", by the map")
    reason = f"{varies} standard deviation {told}, by the map: BM3D over the map"
    config = methods.load("bm3d").presets["fast"]
    return Choice(method="bm3d", config=config, noise=choice.noise, reason=reason, stabilise=change)


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
