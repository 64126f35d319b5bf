"""Films and volumes under `auto`: which slices belong together, and, by a trial, whether they gain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pellucid import auto, devices, methods, models, series
from pellucid.auto import Choice
from pellucid.request import Denoise
from pellucid.run import trial
from pellucid.run.frame import framed
from pellucid.run.state import State
from pellucid.run.stated import ByMap
from pellucid.run.trial import SURE
from pellucid.series import Series, stacks
from pellucid.series.stacks import Run

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
    state = replace(state, notes=(*state.notes, *notes, *told(found)))
    blank = {i for one in found for i in one.blank}
    each = [one for i, one in enumerate(state.choices) if i not in blank] or [state.choice]
    plain = all(one.method in FILTERS for one in (alone, *each)) and not isinstance(alone.stabilise, ByMap)
    able = not alone.noise.correlated and request.guide is None and _installed(request)
    if not (letter and plain and able):
        return replace(state, notes=(*state.notes, *_alone(request, alone)))
    asked = request.axis != "auto"  # who names the axis knows that they do
    kind = request.axis.upper() if asked else letter
    name = named(kind, request)
    runs = [scene for one in found for scene in one.scenes if len(scene) >= LEAST[kind]]
    longest = max(runs, key=len, default=())
    seen = of(found, longest)
    tried = bool(longest) and not (seen is not None and seen.shares_noise)
    gain, error = trial.gain(state, alone, longest, kind, name) if tried else (0.0, 0.0)
    if not longest or (gain <= SURE * error and not asked):
        how = f"--method {name} takes them together"
        note = f"the slices along {letter} {why(seen, longest)}: each is denoised by itself ({how})"
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
    if name == METHODS["Z"]:  # which changes the values itself
        choice = framed(state, replace(choice, stabilise=None))
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


def _alone(request: Denoise, alone: Choice) -> tuple[str, ...]:
    """What is said where slices were to help each other by `--axis`, and are denoised by themselves."""
    if request.axis == "auto" or alone.method == "none":
        return ()
    why = "as pixels share their noise" if alone.noise.correlated else f"by {alone.method}"
    name = named(request.axis.upper(), request)
    how = f"--method {name} takes them together"
    return (f"--axis {request.axis}: each slice is denoised by itself, {why} ({how})",)


def _single(state: State) -> State:
    """A note where a single picture was to be a film or a volume."""
    request, first = state.request, state.first
    if not isinstance(request, Denoise) or request.kind != "noise" or state.settings.method is not None:
        return state
    asked, letters = request.axis if request.axis in ("t", "z") else "", (request.axes or "").upper()
    single = f"{first.name} ({first.axes}) is a single picture"
    notes = []
    if asked:
        note = f"{single}: with --axis {asked} it has no neighbours to use"
        if "C" in first.axes:
            told = first.axes.replace("C", asked.upper())
            note += f"; where its {len(first.pixels[0])} channels are slices, --axes {told} says so"
        notes.append(note)
    if letters not in ("", first.axes):
        notes.append(f"{single}: --axes {letters}, which names the axes of a stack, changes nothing")
    return replace(state, notes=(*state.notes, *notes))


def _installed(request: Denoise) -> bool:
    """Whether the networks are there that `--effort quick` needs."""
    if request.effort != "quick":
        return True
    config = methods.load(QUICK).presets["fast"]
    return {config.color, config.gray} <= set(models.names())


def of(found: Sequence[Series], run: Run) -> Series | None:
    """The series that slices are part of."""
    return next((one for one in found if run and set(run) <= set(one.run)), None)


def why(seen: Series | None, run: Run) -> str:
    """Why slices are not to be taken together; `run` is the longest of one scene, empty where none is."""
    if not run:
        return "show one scene after the other"
    if seen is not None and seen.shares_noise:
        return "share their noise"
    if seen is not None and seen.apart:
        moves = "" if seen.axis == "Z" else ", as so much moves"
        return f"show too little of the same (to {seen.alike:.0%}){moves}".replace("%", " %")
    return "gain too little from each other"


def follow(state: State) -> State:
    """Measure what goes on along the axes of a stack; one picture has none."""
    request = state.request
    if len(state.noisy) < 2 or request.kind != "noise" or not isinstance(request, Denoise):
        return _single(state)
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


def told(found: Sequence[Series]) -> tuple[str, ...]:
    """What a user must know of the slices of a film or volume."""
    notes = []
    blank = sorted({i + 1 for one in found for i in one.blank})
    if blank:
        named = ", ".join(map(str, blank))
        # of several runs the numbers are those of the slices in the file
        which, how = (found[0].name, "") if len(found) == 1 else ("slice", " (counted through the file)")
        notes.append(f"nothing is seen in {which} {named}{how}, which takes no part in what others get")
    for one in found:
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
