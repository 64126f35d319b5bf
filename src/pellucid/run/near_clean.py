"""near_clean: what other methods make of the shots, and of their average, before RS-DIP begins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from pellucid import methods, seeds
from pellucid.image import Image
from pellucid.methods import foreign
from pellucid.request import Denoise
from pellucid.run.prepare import picture
from pellucid.run.state import NearClean, State
from pellucid.run.stated import in_units
from pellucid.steps import Method

Line = Callable[[State], State]


@dataclass(frozen=True, kw_only=True)
class Preparer:
    """Who makes a near-clean image, and of which shot.

    Attributes:
        name: as the user wrote it.
        method: the method, which runs with its fast preset.
        model: its file of weights, or None.
        found: what that file holds, where others wrote it.
        shot: which shot it is given, from 0.
    """

    name: str
    method: Method
    model: str | None
    shot: int
    found: foreign.Found | None = None


def near_clean(state: State, line: Line) -> State:
    """Denoise every shot by its method, and the average of several by the first of them.

    Args:
        state: whose shots they are.
        line: the way from what is asked of a picture to its result, of which this is a stage.
    """
    makers = state.settings.preparers
    if not makers or state.method is None:
        return state
    shots = [picture(state, shot) for shot in state.shots]
    results = [line(_asked(state, shots[one.shot], one, place)).result for place, one in enumerate(makers)]
    said = [f"near-clean {one.name}: {w}" for one, r in zip(makers, results, strict=True) for w in r.warnings]
    average = None
    if len(shots) > 1:
        mean = _asked(state, picture(state, state.noisy), makers[0], 0, averaged=len(shots))
        of_average = line(mean).result
        average = of_average.estimate
        said += [f"near-clean {makers[0].name} of the average: {w}" for w in of_average.warnings]
    made = NearClean(
        names=tuple(one.name for one in makers),
        images=torch.from_numpy(np.stack([result.estimate for result in results])),
        average_name=makers[0].name,
        average=None if average is None else torch.from_numpy(average),
    )
    # What the report of the shots says anyway is not said once more for each of them.
    fresh = [
        words for words in dict.fromkeys(said) if not any(words.endswith(w) for w in state.noise.warnings)
    ]
    return replace(state, near_clean=made, notes=(*state.notes, *fresh))


def preparers(names: Sequence[str] | str, shots: int) -> tuple[Preparer, ...]:
    """Pair names with shots: in order, one name for all, or several for the one shot.

    Args:
        names: methods of the table or files with weights; a list, or text with commas.
        shots: how many there are.

    Raises:
        ValueError: for an unknown name, or a number of names that does not fit the shots.

    >>> [(one.name, one.shot) for one in preparers("bm3d,nlm", 2)]
    [('bm3d', 0), ('nlm', 1)]
    """
    given = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    if shots == 1 and len(given) < 2:
        raise ValueError(
            f"near_clean needs two names for one shot, got {', '.join(given) or 'none'}. Name two methods, "
            "e.g. --near-clean bm3d,nlm, or give two shots."
        )
    if shots > 1 and len(given) == 1:
        given *= shots
    if shots > 1 and len(given) != shots:
        raise ValueError(
            f"near_clean needs one name for all shots or one for each of the {shots}, got {len(given)}: "
            f"{', '.join(given)}. Add or remove names."
        )
    found = []
    for place, name in enumerate(given):
        method, model, held = _preparer(name)
        shot = place if shots > 1 else 0
        found.append(Preparer(name=name, method=method, model=model, shot=shot, found=held))
    for one in found:
        if shots == 1 and not one.method.stochastic and given.count(one.name) > 1:
            raise ValueError(
                f"near_clean must name different methods for one shot, got {one.name} twice, which makes the "
                "same image twice. Name another."
            )
    return tuple(found)


def _asked(state: State, image: Image, maker: Preparer, place: int, averaged: int = 1) -> State:
    """The start of a run that denoises a picture by this method, with nothing else said.

    Args:
        state: the run that wants it.
        image: a shot, or the average of several.
        maker: who denoises it.
        place: which near-clean image it is, from 0.
        averaged: of how many shots it is the average.
    """
    asked = state.request
    told = Denoise(
        method=maker.method.name,
        data_range=asked.data_range,
        seed=asked.seed if place == 0 else seeds.child(asked.seed, "near-clean", place),
        hot_pixels="off",  # the shots were seen to, as the user wished
        lines="off",
    )
    if maker.method.uses_noise and isinstance(asked, Denoise):
        levels = state.stated  # of the average of all
        sigma = None if levels is None else levels * math.sqrt(len(state.images) / averaged)
        told = replace(
            told, level=asked.level, sigma=None if sigma is None else in_units(sigma, told, state.first)
        )
    settings = replace(
        state.settings,
        request=told,
        method=maker.method,
        config=maker.method.presets["fast"],
        model=maker.model,
        found=maker.found,
        preparers=(),
        notes=(),
    )
    return State(settings=settings, given=(image,), progress=state.progress)


def _preparer(name: str) -> tuple[Method, str | None, foreign.Found | None]:
    """The method called so, or the one whose weights lie in the file called so."""
    if name not in methods.METHODS and Path(name).is_file():
        held = foreign.of_file(name)
        return held.method, name, held
    method = methods.load(methods.known(name, "near_clean")).for_kind("noise")
    if method.needs_model:
        raise ValueError(f"near_clean={name} needs a file with weights. Name the file instead of the method.")
    if method.near_clean or not method.needs.startswith("one image"):
        raise ValueError(
            f"near_clean must name methods that denoise one image by themselves, got {name}, which needs "
            f"{'near-clean images itself' if method.near_clean else method.needs}. Name another, e.g. bm3d."
        )
    return method, None, None
