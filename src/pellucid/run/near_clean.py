"""near_clean: what other methods make of the shots, and of their average, before RS-DIP begins."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from pellucid import seeds
from pellucid.image import Image
from pellucid.request import Denoise
from pellucid.run.preparers import Preparer
from pellucid.run.settings import Settings
from pellucid.run.state import NearClean, State
from pellucid.steps import Result


def near_clean(state: State) -> State:
    """Denoise every shot by its method, and the average of several by the first of them."""
    makers = state.settings.preparers
    if not makers or state.method is None:
        return state
    shots = [state.first.with_pixels(shot.numpy()) for shot in state.shots]
    results = [_denoised(state, shots[one.shot], one, place) for place, one in enumerate(makers)]
    average = None
    if len(shots) > 1:
        picture = state.first.with_pixels(state.noisy.numpy())
        average = _denoised(state, picture, makers[0], 0, averaged=len(shots)).estimate
    said = [f"near-clean {one.name}: {w}" for one, r in zip(makers, results, strict=True) for w in r.warnings]
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


def _denoised(state: State, image: Image, maker: Preparer, place: int, averaged: int = 1) -> Result:
    """What `denoise` makes of a picture by this method, with nothing else said.

    Args:
        state: the run that wants it.
        image: a shot, or the average of several.
        maker: who denoises it.
        place: which near-clean image it is, from 0.
        averaged: of how many shots it is the average.
    """
    from pellucid.run import pipeline  # here, as this stage is one of its line

    asked = state.request
    told = Denoise(
        method=maker.method.name,
        data_range=asked.data_range,
        seed=asked.seed if place == 0 else seeds.child(asked.seed, "near-clean", place),
    )
    if maker.method.uses_noise and isinstance(asked, Denoise):
        sigma = None if asked.sigma is None else asked.sigma / math.sqrt(averaged)
        told = replace(told, level=asked.level, sigma=sigma)
    settings = Settings(
        request=told,
        method=maker.method,
        config=maker.method.presets["fast"],
        device=state.settings.device,
        model=maker.model,
    )
    return pipeline.run(State(settings=settings, given=(image,), progress=state.progress)).result
