"""find, fill: what of a photograph is damage, and what stood there; the noise is measured around it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pellucid import methods, stopping
from pellucid.damage import marks, paper
from pellucid.degradation import Mask
from pellucid.request import Restore
from pellucid.run.conversion import as_mask, hidden
from pellucid.run.decide import nearest
from pellucid.run.state import State
from pellucid.steps import Task

FILLER = "idbp"


def find(state: State) -> State:
    """Take the damage from the mask, or look for it; of a page even out the paper.

    Raises:
        ValueError: for stacks, and for a mask that does not fit.
    """
    request = state.request
    if not isinstance(request, Restore):
        return state
    count = len(state.first.pixels)
    if count > 1:
        raise ValueError(
            f"restore works on one picture, got a stack of {count}. Use denoise, or inpaint with a mask."
        )
    if request.document:
        return _evened(state)
    if request.mask is not None:
        damage, notes = hidden(
            as_mask(request.mask), state.first, meaning="damaged", white_is=request.white, empty=True
        )
        found = "by the mask"
    else:
        kinds = {"auto": ("light", "dark"), "none": ()}.get(request.damage, (request.damage,))
        marked = marks.find(state.first.pixels[0], kinds=kinds, sensitivity=request.sensitivity)
        damage, notes, found = torch.from_numpy(marked.mask), (), marked.words
    share = float(damage.float().mean())
    said = f"{found}: {share:.2%} of the pixels are filled" if share > 0 else _nothing(request)
    state = replace(state, damage=damage[None], notes=(*state.notes, *notes, said))
    if share == 0:
        return state
    guess = nearest(state.shots[0], damage)[None]
    holes = damage[None] if state.holes is None else state.holes | damage[None]
    return replace(state, shots=guess, holes=holes)


def _nothing(request: Restore) -> str:
    """Why nothing is filled, and what there is to do."""
    if request.mask is not None or request.damage == "none":
        return "no damage was marked"
    more = "sensitivity=1 (--sensitivity 1) finds more, " if request.sensitivity < 1 else ""
    return f"no damage was found: few marks may as well be wires. {more}a mask (--mask) marks it by hand"


def fill(state: State) -> State:
    """What stood where the damage is, from similar patches around it, at the noise measured there."""
    if state.damage is None or not bool(state.damage.any()) or state.holes is None:
        return state
    missing = _laid(state, state.damage)
    none = state.first.holes
    holes = None if none is None else torch.from_numpy(none.copy())
    method = methods.load(FILLER).for_kind("mask")
    level = min(state.noise.level, 1.0) if np.isfinite(state.noise.level) else 0.0
    config = replace(method.presets["fast"], noise=level)
    task = Task(shots=state.noisy[:1], noise=state.noise, degradation=Mask(missing), color=state.color)
    outcome = stopping.until(
        method.steps(task, config, seed=state.request.seed, device=state.settings.device), None
    )
    estimate = outcome.estimate.detach().to("cpu", torch.float32)
    noisy = torch.where(missing, estimate, state.noisy[0])[None]
    whole = torch.from_numpy(state.first.pixels.copy())
    repaired = torch.where(state.damage[:, None], state.prepared.back(noisy[0], 0)[None], whole)
    return replace(state, noisy=noisy, shots=noisy[None], holes=holes, repaired=repaired)


def _laid(state: State, damage: Tensor) -> Tensor:
    """(H, W) the damage as the picture is laid out for the filter."""
    channels = state.first.pixels.shape[1]
    each = damage[:, None].expand(-1, channels, -1, -1).float()
    return (state.prepared.lay_map(each) > 0.5)[0].any(0)


def _evened(state: State) -> State:
    """The page with its paper evened; the rest of the line works on that."""
    page = paper.evened(state.first.pixels[0])
    pixels = torch.from_numpy(page.pixels)[None]
    return replace(state, shots=pixels[None], repaired=pixels, notes=(*state.notes, page.words))
