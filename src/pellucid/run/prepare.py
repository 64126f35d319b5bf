"""mend, prepare, put_back: what is no noise is seen to first; what comes out has the form of what went in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pellucid import models
from pellucid.image import Image
from pellucid.methods import foreign
from pellucid.noise import channels, even, hot, impulses, lines, mosaic, palette, stripes, tone, values
from pellucid.noise.layout import Layout
from pellucid.noise.report import DRAWN
from pellucid.noise.shown import Flags
from pellucid.request import Denoise
from pellucid.run.state import Part, Prepared, State

SEEN = 3
"""slices, at the most, in which it is looked whether they are drawn"""


def mend(state: State) -> State:
    """Replace hot and dead pixels, in the shots as they came: they stay on the sensor while the scene moves.

    Only `denoise` does so, and what follows: what fills holes or enlarges works on the picture as it came.
    """
    if not isinstance(state.request, Denoise) or state.request.hot_pixels == "off":
        return state
    found = _phases(state)  # there the neighbours of a pixel are of other colours
    sound = _without_impulses(state, found)
    if sound is not state:
        state, found = sound, _phases(sound)
    given, holes = state.shots, state.left_out
    if found is not None:
        given, holes = found.lay(given), None if holes is None else found.lay(holes)
    shots, bright, dark = hot.sound(given.numpy(), _flags(holes), limits=_limits(state.first))
    if bright + dark == 0:
        return state
    kinds = [f"{n} {kind} pixel{'s' * (n > 1)}" for n, kind in ((bright, "hot"), (dark, "dead")) if n]
    note = f"{' and '.join(kinds)} replaced by the median of the neighbours (--hot-pixels off keeps them)"
    mended = torch.from_numpy(shots)
    mended = mended if found is None else found.back(mended, 0)
    return replace(
        state,
        shots=mended,
        prepared=replace(
            state.prepared, sound=mended[0], hot=bright, dead=dark, notes=(*state.prepared.notes, note)
        ),
        notes=(*state.notes, note),
    )


def _without_impulses(state: State, found: mosaic.Mosaic | None) -> State:
    """The state without salt and pepper, where what is done next knows what is left of the noise.

    In a `found` mosaic each phase is looked at by itself.

    A method that measures nothing, or learnt what noise is, and one that was told a level get it as it came.
    """
    method, request = state.settings.method, state.request
    told = isinstance(request, Denoise) and request.sigma is not None
    if told or (method is not None and (not method.uses_noise or method.learning is not None)):
        return state
    given = state.shots if found is None else found.lay(state.shots)
    made = [impulses.sound(shot) for shot in given]
    kinds = [kind for _, _, told in made for kind in told]
    if not kinds:
        return state
    shots = torch.stack([shot for shot, _, _ in made])
    spoilt = [torch.zeros_like(shot, dtype=torch.bool) if bad is None else bad for shot, bad, _ in made]
    # of the average of several shots no place is sound or spoilt
    places = spoilt[0] if len(spoilt) == 1 else torch.zeros_like(spoilt[0])
    if found is not None:
        shots, places = found.back(shots, 0), found.back(places.float(), 0) > 0.5
    share = float(torch.stack(spoilt).float().mean())
    first = state.first
    ends = " and ".join(
        f"{end * first.scale + first.offset:.4g}"
        for end in (kinds[0].low, kinds[0].high)
        if math.isfinite(end)
    )
    what = (
        f"of the values were salt or pepper (at {ends})"
        if ends
        else "of the values were impulses of any value"
    )
    note = (
        f"{share:.1%} {what}, replaced by the median of the sound "
        "values around them (--hot-pixels off leaves them to median)"
    )
    prepared = replace(state.prepared, impulses=share, notes=(*state.prepared.notes, note))
    return replace(state, shots=shots, spoilt=places, prepared=prepared, notes=(*state.notes, note))


def prepare(state: State) -> State:
    """Lay the picture out as what it is: one gray picture, stains, a mosaic; take off what lines add."""
    state, request = replace(state, color=state.first.color), state.request
    if not isinstance(request, Denoise):
        return state
    found = channels.find(state.shots, color=state.color)
    if found is not None:
        state = _laid(state, found if _takes(state, len(found.kept)) else channels.whole(found))
    # Levels that the user stated are of colours, not of places in a table or on a curve.
    if request.sigma is None and _takes(state, 1):
        table = palette.find(state.shots, color=state.color)
        one = None if table is not None else tone.find(state.noisy, color=state.color)
        if table is not None:
            state = replace(_laid(state, table), noisy=state.aligned.average(table.lay(state.shots)))
        elif one is not None:
            state = _laid(state, one)
    # A model that was named learnt the pixels as they are in the files, and a guide is as large as these.
    phases = None if request.model or request.guide is not None else _phases(state)
    if phases is not None:
        state = _laid(state, phases)
    bent = even.find(state.noisy, color=state.color) if _may_bend(state, request) else None
    if bent is not None:
        state = _laid(state, bent)
    still = torch.stack([values.at_ends(picture) for picture in state.noisy])
    state = replace(state, still=still if still.any() else None)
    return state if request.lines == "off" else _without_lines(state)


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
    holes = state.left_out
    return Image(
        pixels=pixels.numpy().copy(),
        axes="NCYX",
        shape=tuple(pixels.shape),
        color=state.color,
        dtype=state.first.dtype,
        scale=state.first.scale,
        offset=state.first.offset,
        bits=state.first.bits,
        holes=None if holes is None else holes.any(1).numpy(),
        name=state.first.name,
    )


def _may_bend(state: State, request: Denoise) -> bool:
    """Whether values may be filtered along a curve: of one shot, by a method and at a level of our own."""
    stated = (request.sigma, request.noise_region, request.calibration, request.guide)
    mine = state.settings.method is None and request.level == "auto"
    return mine and len(state.shots) == 1 and all(one is None for one in stated)


def _phases(state: State) -> mosaic.Mosaic | None:
    """The mosaic that a camera's file is, or that a picture looks like."""
    if state.first.metadata.get("mosaic"):
        return mosaic.Mosaic(height=state.shots.shape[-2], width=state.shots.shape[-1])
    return mosaic.find(state.shots, state.left_out)


def _flags(holes: Tensor | None) -> Flags | None:
    return None if holes is None else holes.numpy()


def _limits(image: Image) -> tuple[float, float]:
    """The least and greatest value of the type, working units; as much of it as the picture needs."""
    low, high = image.limits
    # Deep integers are read as of the fewest bits that hold the largest value.
    return low, min(high, 1.0) if float(image.pixels.max()) <= 1 and np.isfinite(high) else high


def _without_lines(state: State) -> State:
    """The state without stripes, and without row and column offsets."""
    planes, holes, unit = state.shots.numpy(), _flags(state.left_out), state.first.scale
    without, waves = stripes.without(planes, holes)
    without, rows, columns = lines.without(without, holes)
    if without is planes or values.look(list(state.shots[0, :SEEN])).exact > DRAWN:
        return state
    found = patterns(waves, rows, columns, unit)
    notes = tuple(f"{words} taken off (--lines off leaves it)" for words in found)
    shots, prepared = torch.from_numpy(without), state.prepared
    return replace(
        state,
        shots=shots,
        noisy=state.aligned.average(shots),
        prepared=replace(
            prepared, stripes=waves, rows=rows, columns=columns, notes=(*prepared.notes, *notes)
        ),
        notes=(*state.notes, *notes),
    )


def patterns(waves: Sequence[stripes.Wave], rows: float, columns: float, unit: float) -> list[str]:
    """Stripes and offsets of lines in words.

    Args:
        waves: the stripes.
        rows: standard deviation of the offsets of rows, 0 for none.
        columns: the same of columns.
        unit: stored units per working unit.
    """
    found = [
        f"stripes that repeat every {wave.period:.1f} pixels (amplitude {wave.amplitude * unit:.3g})"
        for wave in waves
    ]
    return found + [
        f"an offset of every {name} (standard deviation {size * unit:.3g})"
        for name, size in (("row", rows), ("column", columns))
        if size
    ]


def _laid(state: State, layout: Layout) -> State:
    """The state with its picture in another arrangement."""
    return replace(
        state,
        shots=layout.lay(state.shots),
        noisy=layout.lay(state.noisy),
        color=layout.color,
        prepared=replace(
            state.prepared,
            layouts=(*state.prepared.layouts, layout),
        ),
    )


def _takes(state: State, count: int) -> bool:
    """Whether the models that were named take so many channels; one for one channel takes any number."""
    settings = state.settings
    named = [(settings.model, settings.found), *((one.model, one.found) for one in settings.preparers)]
    return all(_fits(model, found, count) for model, found in named if model is not None)


def _fits(model: str, found: foreign.Found | None, count: int) -> bool:
    """Whether a model takes so many channels."""
    path = models.locate(model)
    if found is None and not models.of_others(path):
        return models.read_card(path).channels in (1, count)
    held = foreign.of_file(path) if found is None else found
    return held.takes_any or held.channels in (1, count)


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
