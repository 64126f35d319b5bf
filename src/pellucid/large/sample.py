"""A sample of a store: windows from all over it, by which the noise of all of it is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files.stored import channel_axis, to_slices
from pellucid.stores import Form, Region, Store

SIDE = 512
"""of a window, in pixels"""
LOOKED = 24
"""windows that are looked at"""
KEPT = 6
"""those of them by which the noise is measured"""
DEPTH = 8
"""slices of the run on which it is tried whether they help each other"""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Parts of a store, in its stored values.

    Attributes:
        windows: (N, C, h, w) from all over it, from the darkest to the brightest.
        pilot: the one of them of middling content.
        run: (D, C, h, w) neighbouring slices at the place of the pilot, or None where there are none.
    """

    windows: NDArray[Any]
    pilot: int
    run: NDArray[Any] | None = None


def drawn(store: Store, letter: str = "") -> Sample:
    """The sample of a store: always the same for the same values.

    Windows in which nothing varies are left out, as what surrounds a specimen says nothing of it.

    Args:
        store: what it is of.
        letter: the axis of the run, "" for none.

    Raises:
        ValueError: when nothing in it varies, or it is damaged.
    """
    form = store.form
    found: list[tuple[float, float, int, Region, NDArray[Any]]] = []
    for number, region in enumerate(_places(form)):
        window = sliced(store.read(region), form)
        finite = window[np.isfinite(window)] if window.dtype.kind == "f" else window
        spread = float(finite.std(dtype=np.float64)) if finite.size else 0.0
        if spread > 0:
            found.append((float(finite.mean(dtype=np.float64)), spread, number, region, window))
    if not found:
        raise ValueError(
            f"{store.path}: all that was looked at holds one value: there is nothing to be denoised."
        )
    found.sort(key=lambda one: one[0])
    places = np.unique(np.linspace(0, len(found) - 1, min(KEPT, len(found))).round().astype(int))
    kept = [found[i] for i in places]
    pilot = sorted(range(len(kept)), key=lambda i: kept[i][1])[(len(kept) - 1) // 2]
    run = None
    if letter:
        run = sliced(store.read(_along(kept[pilot][3], form, letter)), form, first=letter)
    return Sample(windows=np.concatenate([one[4] for one in kept]), pilot=pilot, run=run)


def sliced(values: NDArray[Any], form: Form, first: str = "") -> NDArray[Any]:
    """Values of a region as (N, C, h, w), without alpha.

    Args:
        values: of the region.
        form: of the store.
        first: the letter of the axis that is to run fastest among the slices.
    """
    if form.alpha is not None:
        values = np.delete(values, form.alpha, axis=form.axes.index("S"))
    axes = form.axes
    if first:
        place = axes.index(first)
        axes = first + axes[:place] + axes[place + 1 :]
        values = np.moveaxis(values, place, 0)
    return np.ascontiguousarray(to_slices(values, axes))


def _places(form: Form) -> list[Region]:
    """Regions of one slice each, spread over the rows, the columns and the slices of a store."""
    channel = channel_axis(form.axes)
    places = [i for i, letter in enumerate(form.axes) if letter not in "YX" and i != channel]
    grids = {letter: _starts(form.shape[form.axes.index(letter)]) for letter in "YX"}
    slices = math.prod(form.shape[i] for i in places)
    spots = [(y, x) for y in grids["Y"] for x in grids["X"]]
    count = max(LOOKED, KEPT)
    regions = []
    for number in range(min(count, max(slices, 1) * len(spots))):
        # slices at even distances, and another spot in each of them
        index = (number * slices) // count if slices > 1 else 0
        spot = spots[(number * 7) % len(spots)] if len(spots) > 1 else spots[0]
        outer = np.unravel_index(index, [form.shape[i] for i in places]) if places else ()
        region = [slice(0, n) for n in form.shape]
        for i, at in zip(places, outer, strict=True):
            region[i] = slice(int(at), int(at) + 1)
        for letter, start in zip("YX", spot, strict=True):
            length = form.shape[form.axes.index(letter)]
            region[form.axes.index(letter)] = slice(start, min(start + SIDE, length))
        if tuple(region) not in regions:
            regions.append(tuple(region))
    return regions


def _starts(length: int) -> list[int]:
    """Where windows begin along rows or columns: side by side, five at the most, spread evenly."""
    if length <= SIDE:
        return [0]
    count = min(5, length // SIDE)
    return sorted({int(start) for start in np.linspace(0, length - SIDE, max(count, 2)).round()})


def _along(region: Region, form: Form, letter: str) -> Region:
    """The same place in the slices around."""
    place = form.axes.index(letter)
    length, middle = form.shape[place], region[place].start
    start = max(0, min(middle - DEPTH // 2, length - DEPTH))
    found = list(region)
    found[place] = slice(start, min(start + DEPTH, length))
    return tuple(found)
