"""prepare and put_back: what is no noise is seen to before the noise is measured, and laid back after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from pellucid import models
from pellucid.image import Image
from pellucid.networks import published
from pellucid.noise import channels
from pellucid.noise.layout import Layout
from pellucid.request import Denoise
from pellucid.run.state import Part, Prepared, State


def prepare(state: State) -> State:
    """Lay the picture out as what it is: one gray picture, stains.

    Only `denoise` does so: what fills holes or enlarges works on the picture as it came.
    """
    state = replace(state, color=state.first.color)
    if not isinstance(state.request, Denoise):
        return state
    found = channels.find(state.shots, color=state.color)
    if found is None:
        return state
    return _laid(state, found if _takes(state, len(found.kept)) else channels.whole(found))


def put_back(state: State) -> State:
    """The estimates of all slices, and what else is as large as they, as the file has its channels."""
    prepared = state.prepared
    if not prepared.layouts:
        return state
    parts = tuple(_back(part, prepared, index) for index, part in enumerate(state.parts))
    near = state.near_clean
    if near is not None:
        near = replace(
            near,
            images=_stack_back(near.images, prepared),
            average=None if near.average is None else _stack_back(near.average, prepared),
        )
    return replace(state, parts=parts, near_clean=near)


def picture(state: State, pixels: Tensor) -> Image:
    """An Image of pixels (N, C, H, W) as they are filtered, for what works on Images."""
    if not state.prepared.layouts:
        return state.first.with_pixels(pixels.numpy())
    return Image(
        pixels=pixels.numpy().copy(),
        axes="NCYX",
        shape=tuple(pixels.shape),
        color=state.color,
        dtype=state.first.dtype,
        scale=state.first.scale,
        offset=state.first.offset,
        bits=state.first.bits,
        name=state.first.name,
    )


def _laid(state: State, layout: Layout) -> State:
    """The state with its picture in another arrangement."""
    return replace(
        state,
        shots=layout.lay(state.shots),
        noisy=layout.lay(state.noisy),
        color=layout.color,
        prepared=replace(state.prepared, layouts=(*state.prepared.layouts, layout)),
    )


def _takes(state: State, count: int) -> bool:
    """Whether the models that were named take so many channels; one for one channel takes any number."""
    named = [state.settings.model, *(one.model for one in state.settings.preparers)]
    return all(_channels_of(model) in (1, count) for model in named if model is not None)


def _channels_of(model: str) -> int:
    """How many channels a model file is for."""
    path = models.locate(model)
    if models.is_model(path):
        return models.read_card(path).channels
    network: Any = published.load(path)
    return int(network.channels)


def _back(part: Part, prepared: Prepared, index: int) -> Part:
    """What a method made of a slice, as the file has it."""
    extras = dict(part.extras)
    if "uncertainty" in extras:
        spread = torch.as_tensor(extras["uncertainty"])
        extras["uncertainty"] = prepared.back_map(spread, index).numpy()
    return replace(part, estimate=prepared.back(part.estimate, index), extras=extras)


def _stack_back(pixels: Tensor, prepared: Prepared) -> Tensor:
    """(..., N, C', H', W') as the file has it."""
    slices = [prepared.back(pixels[..., n, :, :, :], n) for n in range(pixels.shape[-4])]
    return torch.stack(slices, -4)
