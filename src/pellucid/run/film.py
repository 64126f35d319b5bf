"""Films and volumes under `auto`: which slices belong together, and, by a trial, whether they gain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pellucid import auto, devices, methods, models, seeds, series
from pellucid.auto import Choice
from pellucid.request import Denoise
from pellucid.run.state import State
from pellucid.run.stated import ByMap
from pellucid.series import Series, stacks
from pellucid.series.stacks import Run
from pellucid.steps import Task

METHODS = auto.TOGETHER
QUICK = "mctf"
"""with `--effort quick`, along either"""
TOGETHER = (*METHODS.values(), QUICK)
"""the methods that are tried"""
LEAST = {"T": 2, "Z": 4}
"""slices that can help each other"""
TITLES = {
    "vbm3d": "V-BM3D",
    "bm4d": "BM4D",
    "mctf": "a small network on frames that are averaged along their motion",
}
SHARE = 0.5
"""standard deviation of the noise that the trial adds, over that of the noise that is there"""
SLICES = {"T": 5, "Z": 8}
"""slices of the trial"""
SIDE = 128
"""pixels a side of the part on which it is made"""
SURE = 2.0
"""standard errors by which the trial must speak for the neighbours"""
FILTERS = ("bm3d", "photo")
"""what the frames are otherwise filtered by, where there is something to gain"""


def together(state: State, alone: Choice) -> State:
    """Let the slices of a film or volume help each other, where they do; else leave the state, and say why.

    Args:
        state: with what is done about each slice by itself.
        alone: what is done about them by the noise of all.
    """
    request = state.request
    if not isinstance(request, Denoise) or state.settings.method is not None or request.axis == "none":
        return state
    letter, notes = _axis(state, request)
    found = [one for one in state.series if one.axis == letter]
    state = replace(state, notes=(*state.notes, *notes, *_told(found)))
    blank = {i for one in found for i in one.blank}
    each = [one for i, one in enumerate(state.choices) if i not in blank] or [state.choice]
    plain = all(one.method in FILTERS for one in (alone, *each)) and not isinstance(alone.stabilise, ByMap)
    able = not alone.noise.correlated and request.guide is None and _installed(request)
    if not (letter and plain and able):
        return state
    asked = request.axis != "auto"  # who names the axis knows that they do
    kind = request.axis.upper() if asked else letter
    name = named(kind, request)
    runs = [scene for one in found for scene in one.scenes if len(scene) >= LEAST[kind]]
    trial = max(runs, key=len, default=())
    seen = next((one for one in found if set(trial) <= set(one.run)), None)
    shared = seen is not None and seen.shares_noise
    tried = bool(trial) and not shared
    gain, error = _trial(state, alone, trial, kind, name) if tried else (0.0, 0.0)
    if not trial or (gain <= SURE * error and not asked):
        why = "gain too little from each other"
        if seen is not None and seen.apart:
            why = f"show too little of the same (to {seen.alike:.0%}), as so much moves".replace("%", " %")
        why = "share their noise" if shared else why if trial else "show one scene after the other"
        how = f"--method {name} takes them together"
        note = f"the slices along {letter} {why}: each is denoised by itself ({how})"
        return replace(state, notes=(*state.notes, note))
    if gain < -SURE * error:
        worse = f"the slices along {letter} lose by each other: each by itself (--axis none) comes closer"
        state = replace(state, notes=(*state.notes, worse))
    level = alone.noise.level * alone.noise.scale
    choice = replace(
        alone,
        method=name,
        config=methods.load(name).presets["fast"],
        reason=f"noise of standard deviation {level:.3g}, "
        f"white: {TITLES[name]}, as the slices along {letter} help "
        "each other",
        notes=(),
    )
    taken = {index for run in runs for index in run}
    others = state.choices or (state.choice,) * len(state.noisy)
    choices = tuple(choice if i in taken else other for i, other in enumerate(others))
    return replace(
        state, choice=choice, choices=choices, runs=tuple(runs), method=methods.load(name), rule=""
    )


def named(letter: str, request: Denoise) -> str:
    """The method that takes slices along an axis together.

    >>> named("T", Denoise()), named("Z", Denoise()), named("Z", Denoise(effort="quick"))
    ('vbm3d', 'bm4d', 'mctf')
    """
    return QUICK if request.effort == "quick" else METHODS[letter]


def _installed(request: Denoise) -> bool:
    """Whether the networks are there that `--effort quick` needs."""
    if request.effort != "quick":
        return True
    config = methods.load(QUICK).presets["fast"]
    return {config.color, config.gray} <= set(models.names())


def follow(state: State) -> State:
    """Measure what goes on along the axes of a stack; one picture has none."""
    request = state.request
    if len(state.noisy) < 2 or request.kind != "noise" or not isinstance(request, Denoise):
        return state
    axes = stacks.axes_of(state.first, request.axes)
    reports = state.each or (state.noise,)
    runs = [
        (run, letter)
        for letter in stacks.found(state.first, axes)
        for run in stacks.along(state.first, axes, letter)
    ]
    if not runs:
        return state
    found = devices.spread(lambda one: series.measure(state.noisy, *one, reports), runs, state.noisy.device)
    return replace(state, series=tuple(found))


def cuts(state: State, runs: Sequence[Run]) -> tuple[Run, ...]:
    """Runs of the frames of a film, cut where another scene begins or nothing is seen."""
    scenes = {one.run: one.scenes for one in state.series}
    return tuple(scene for run in runs for scene in scenes.get(tuple(run), (tuple(run),)))


def _told(found: Sequence[Series]) -> tuple[str, ...]:
    """What a user must know of the slices of a film or volume."""
    notes = []
    for one in found:
        blank = [i + 1 for i in one.blank]
        if blank:
            named = ", ".join(map(str, blank))
            notes.append(f"nothing is seen in {one.name} {named}, which takes no part in what others get")
        if one.interlaced:
            notes.append(
                "even and odd rows are of different times (interlaced): deinterlace the film first, where "
                "what moves matters"
            )
    return tuple(dict.fromkeys(notes))


def _axis(state: State, request: Denoise) -> tuple[str, tuple[str, ...]]:
    """The axis along which slices may help each other, "" for none, and what is to be said."""
    axes = stacks.axes_of(state.first, request.axes)
    several = stacks.found(state.first, axes)
    if request.axis != "auto":
        _, notes = stacks.asked(
            state.first, axes, axis=request.axis, method=METHODS[request.axis.upper()], wanted=request.axis
        )
        return (several if request.axis.upper() not in several else request.axis.upper()), notes
    unknown = all(letter in stacks.UNKNOWN for letter in several)
    whole = [one for one in state.series if one.axis == several and len(one.scenes) == 1]
    if several and unknown and len(several) == 1 and whole and not whole[0].apart:
        note = "its slices are much alike: if they are frames of a film, --axes TYX lets them help each other"
        return "", (note.replace("TYX", axes.replace(several, "T")),)
    return next((letter for letter in METHODS if letter in several), ""), ()


def _trial(state: State, alone: Choice, run: Run, kind: str, name: str) -> tuple[float, float]:
    """By how much the squared error falls where some frames are filtered together, and its standard error.

    With n the noise of y and m drawn like it, y + a m is filtered and compared with y - m / a, whose noise is
    independent of that. The expected squared difference is the squared error and a constant, so that two
    filters compare as by their true errors (Oliveira, Lei, Tibshirani, "Unbiased risk estimation in the
    normal means problem via coupled bootstrap techniques", 2022).
    """
    middle = len(run) // 2
    first = max(0, middle - SLICES[kind] // 2)
    some = run[first : first + SLICES[kind]]
    rows, columns = (
        slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in state.noisy.shape[-2:]
    )
    change = alone.stabilise
    seen = [state.noisy[i] if change is None else change.forward(state.noisy[i]) for i in some]
    film = torch.stack(seen, 1)[..., rows, columns].float()
    told = alone.noise if change is None else change.noise
    levels = torch.ones(len(some))
    if state.reports and change is None and state.noise.level > 0:
        levels = torch.tensor([state.reports[i].level for i in some]) / state.noise.level
    unit = torch.tensor(told.sigma).view(-1, 1, 1, 1) * levels.view(1, -1, 1, 1)
    drawn = torch.randn(film.shape, generator=seeds.generator(state.request.seed, "film")) * unit
    more, other = film + SHARE * drawn, film - drawn / SHARE
    report = told.times(math.sqrt(1 + SHARE**2))
    task = Task(shots=more[None], noise=report, color=state.color, relative=levels.float())

    def made(method: str, own: Task, config: object) -> Tensor:
        (step,) = methods.load(method).steps(own, config, seed=0, device=torch.device("cpu"))
        return step.estimate()

    ours = made(name, task, methods.load(name).presets["fast"])
    apart = [
        made(
            alone.method,
            replace(task, shots=more[None, :, t], noise=report.times(float(level))),
            alone.config,
        )
        for t, level in enumerate(levels)
    ]
    fall = ((torch.stack(apart, 1) - other).square() - (ours - other).square()).mean(0).double()
    height, width = (size // 8 * 8 for size in fall.shape[-2:])
    parts = fall[:, :height, :width].reshape(len(some), height // 8, 8, width // 8, 8).mean((2, 4)).flatten()
    return float(parts.mean()), float(parts.std()) / math.sqrt(max(parts.numel(), 1))
