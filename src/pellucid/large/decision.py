"""One decision for a whole store, made on a sample of it: the same method, level and values everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pellucid import methods
from pellucid.auto import Choice
from pellucid.files.stored import Stored, to_image
from pellucid.files.working_range import Range
from pellucid.image import Image
from pellucid.large import refusing, spots, unseen
from pellucid.large.sample import Sample
from pellucid.noise import analysis
from pellucid.noise.report import NoiseReport
from pellucid.noise.shift import SEEN, light_of
from pellucid.request import Denoise
from pellucid.run import film, named
from pellucid.run.apply import apply
from pellucid.run.decide import align, as_level, choice_for, method_of, needs_slices, report_of
from pellucid.run.load import load
from pellucid.run.look import NEXT, judged, white_choice, white_report
from pellucid.run.settings import Settings, settle
from pellucid.run.state import State
from pellucid.run.stated import level_of, told_report
from pellucid.series import Series, stacks
from pellucid.steps import Method, Task, Trust
from pellucid.stores import Form

RUN = 256
"""pixels a side of the neighbouring slices that are followed, and on which the last look is"""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is done about every region of a store.

    Attributes:
        request: what was asked for, as it is settled again wherever it is carried out.
        choice: the method, its configuration, the noise it is told and the change of values around it.
        noise: the report of the sample, working units.
        scale: what 1.0 stands for in stored units, above the offset.
        offset: the stored value of 0.0.
        color: whether the channels are display colours.
        axis: the letter of the axis along which the method takes slices together, "" where it does not.
        share: how much of what the method takes off is taken off, as the last look at the sample said.
        nodata: the value that is no measurement, or "none".
        hot: channel, row and column of pixels that are hot or dead in every slice.
        trust: the verdict on the sample.
        series: what goes on along the axis of the stack, at the place of the run of the sample.
        notes: what the user should know.
    """

    request: Denoise
    choice: Choice
    noise: NoiseReport
    scale: float
    offset: float = 0.0
    color: bool = False
    axis: str = ""
    share: float = 1.0
    nodata: float | str = "none"
    hot: tuple[tuple[int, int, int], ...] = ()
    trust: Trust | None = None
    series: tuple[Series, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The method and why."""
        return f"{self.choice.method}: {self.choice.reason}"


def decide(
    sample: Sample,
    form: Form,
    request: Denoise,
    name: str,
    *,
    hot: tuple[tuple[int, int, int], ...] = (),
    look: bool = True,
) -> Decision:
    """Decide by a sample of a store what is done about all of it.

    Args:
        sample: windows of it, and one of neighbouring slices.
        form: of the store.
        request: what was asked for.
        name: of the store, for messages.
        hot: pixels that are hot or dead in every slice.
        look: whether the last look at one window may ask for less.

    Raises:
        ValueError: when what was asked for needs the whole picture, or does not fit the store.
    """
    own = replace(request, axes=None, shots=False)
    settings = settle(own)
    nodata = request.nodata if request.nodata != "auto" else "none" if form.nodata is None else form.nodata
    seen = sample.windows
    if request.hot_pixels != "off":
        seen = spots.mended(seen, (), (0, 0), spots.limits_of(form))
    windows = image_of(seen, form, name, nodata=nodata, data_range=request.data_range)
    state = state_of(settings, windows)
    told = level_of(state)
    if told is not None:
        report = analysis.with_contrast(told_report(state, told), state.noisy, holes=state.holes)
        state = replace(state, stated=told)
    else:
        report = report_of(state, state.noisy, state.holes)
        report = replace(report, drift=None)  # the windows are no field
        report = as_level(report, request.level) if request.level != "auto" else report
    state = replace(state, noise=report)
    choice = choice_for(state, report)
    choice = _in_light(state, choice)
    axis, notes = _axis(state, choice, sample, form, request, name)
    run = None if sample.run is None else _run_of(state, choice, sample.run, form, axis)
    if axis and settings.method is None:
        after = None if run is None else film.together(run, choice)
        if after is not None:
            choice, notes = (after.choice if after.runs else choice), (*notes, *after.notes)
        axis = axis if choice.method in film.TOGETHER else ""
    elif axis and run is not None:
        notes += named.doubts(run, choice, (tuple(range(len(run.noisy))),))
    method = method_for(settings, choice)
    if method is not None:
        refusing.method(method, request)
    made = Decision(
        request=own,
        choice=choice,
        noise=report,
        scale=windows.scale,
        offset=windows.offset,
        color=windows.color,
        axis=axis,
        nodata=nodata,
        hot=hot,
        notes=(*windows.notes, *notes, *choice.notes, *_of_sensor(hot), *unseen.of_lines(state, request)),
    )
    series = () if run is None else run.series
    made = replace(made, series=series, notes=(*made.notes, *unseen.of_scenes(series, axis)))
    if not look or method is None:
        return made
    if not method.axis:
        return _looked(made, _slice(state.first, sample.pilot), state)
    return made if run is None else _looked(made, run.first, state)


def _in_light(state: State, choice: Choice) -> Choice:
    """The choice with what the windows of a sample, side by side, say of the development by a camera.

    Regions would each find something else in themselves, and where they meet one would be brighter.
    """
    change = choice.stabilise
    noise = choice.noise if change is None else change.noise
    color = state.color and state.noisy.shape[1] == 3 and noise.correlated
    if not color or getattr(choice.config, "light", "never") != "auto":
        return choice
    seen = torch.cat([one if change is None else change.forward(one) for one in state.noisy], -1)
    photo = methods.load("photo")
    config = replace(photo.presets["quick"], light="never")
    task = Task(shots=seen[None], noise=noise, color=True)
    (step,) = photo.steps(task, config, seed=0, device=torch.device("cpu"))
    least = getattr(choice.config, "least", SEEN)
    return replace(choice, light=light_of(seen, step.estimate(), least))


def _of_sensor(hot: Sequence[tuple[int, int, int]]) -> tuple[str, ...]:
    """What was found of the sensor, in words."""
    count = len(hot)
    many = f"{count} hot or dead pixel{'s' * (count > 1)}"
    return (
        (f"{many} replaced by the median of the neighbours (--hot-pixels off keeps them)",) if count else ()
    )


def state_of(settings: Settings, image: Image) -> State:
    """A State of one picture or stack, loaded and laid out as it is."""
    state = align(load(State(settings=settings, given=(image,))))
    return replace(state, color=image.color)


def image_of(
    slices: NDArray[Any],
    form: Form,
    name: str,
    *,
    nodata: float | str,
    data_range: float | None = None,
    range: Range | None = None,
    stack: str = "Q",
) -> Image:
    """Stored values (N, C, H, W) as an Image, its slices along an axis of a name.

    Args:
        slices: without alpha.
        form: of the store that they are of.
        name: for messages.
        nodata: the value that is no measurement, or "none".
        data_range: what white is.
        range: the working range, where it is known.
        stack: the letter of the axis of the slices.
    """
    axes = f"{stack}{'S' if form.color else 'C'}YX"
    stored = Stored(array=slices, axes=axes, color=form.color and slices.shape[1] == 3, bits=form.bits)
    image = to_image(stored, format="array", name=name, data_range=data_range, nodata=nodata, range=range)
    return replace(image, bits=form.bits)  # what the sample does not reach, the rest may


def method_for(settings: Settings, choice: Choice) -> Method | None:
    """The method of a choice, None where nothing is done."""
    if choice.method == "none":
        return None
    return settings.method or methods.load(choice.method).for_kind("noise")


def _axis(
    state: State, choice: Choice, sample: Sample, form: Form, request: Denoise, name: str
) -> tuple[str, tuple[str, ...]]:
    """The axis along which slices may help each other, "" for none."""
    method = state.settings.method
    if method is not None:
        if not method.axis:
            return "", ()
        needs_slices(method, stacks.several_of(form.shape, form.axes), name)
        return stacks.letter_of(
            form.shape, form.axes, name, axis=request.axis, method=method.name, wanted=method.axis
        )
    if request.axis == "none" or choice.method == "none":
        return "", ()
    if request.axis != "auto":
        wanted = film.METHODS[request.axis.upper()]
        return stacks.letter_of(
            form.shape, form.axes, name, axis=request.axis, method=wanted, wanted=request.axis
        )
    several = stacks.several_of(form.shape, form.axes)
    return next((letter for letter in film.METHODS if letter in several), ""), ()


def _run_of(state: State, choice: Choice, run: NDArray[Any], form: Form, letter: str) -> State:
    """Neighbouring slices (D, C, h, w) of the sample, followed along their axis."""
    rows, columns = (slice(max(0, n - RUN) // 2, max(0, n - RUN) // 2 + RUN) for n in run.shape[-2:])
    image = image_of(
        np.ascontiguousarray(run[..., rows, columns]),
        form,
        state.first.name,
        nodata="none",
        range=Range(scale=state.first.scale, offset=state.first.offset),
        stack=letter or "Q",
    )
    made = state_of(state.settings, image)
    return film.follow(replace(made, noise=choice.noise, choice=choice, stated=state.stated))


def _looked(made: Decision, image: Image, state: State) -> Decision:
    """The decision after the last look at one window, or at a run of slices, which may ask for less."""
    one = state_of(state.settings, image)
    method = method_of(state, made.choice)
    one = replace(one, stated=state.stated, noise=made.noise, choice=made.choice, method=method, rule="")
    count = len(one.noisy)
    if made.axis:
        one = replace(one, runs=(tuple(range(count)),))
    outcome = judged(apply(one), count // 2 if made.axis else 0)
    made = replace(made, trust=outcome.trust)
    if not outcome.took:
        return made
    why = f"the first result on the sample failed the last look: {'; '.join(outcome.first.reasons)}"
    notes = (*made.notes, f"{why}. force (--force) keeps it; --sigma states the noise")
    if outcome.took == "share":
        return replace(made, share=outcome.share, notes=notes)
    if outcome.took == NEXT:
        level = white_report(one, 0)
        reason = f"white noise of at most {level.level * made.scale:.3g}: BM3D at this level, as {why}"
        choice = replace(white_choice(level), reason=reason)
        return replace(made, choice=choice, axis="", notes=notes)
    choice = Choice(method="none", config=None, noise=made.noise, reason=f"{why}. The input is returned")
    return replace(made, choice=choice, axis="", notes=notes)


def _slice(image: Image, index: int) -> Image:
    """One slice of a stack."""
    holes = None if image.holes is None else image.holes[index : index + 1].copy()
    return Image(
        pixels=image.pixels[index : index + 1].copy(),
        axes=image.axes,
        shape=(1, *image.shape[1:]),
        color=image.color,
        dtype=image.dtype,
        scale=image.scale,
        offset=image.offset,
        bits=image.bits,
        holes=holes,
        name=image.name,
    )
