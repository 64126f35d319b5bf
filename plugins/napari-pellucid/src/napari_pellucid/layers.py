"""What of a layer is denoised, and how the result is laid over it; no Qt, no napari."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MEANT = {"t": "T", "time": "T", "frame": "T", "z": "Z", "depth": "Z", "plane": "Z", "c": "C", "channel": "C"}
"""names of axes that pellucid knows, in small letters"""


@dataclass(frozen=True)
class Picture:
    """What goes to pellucid.

    Attributes:
        array: the pixels.
        channel_axis: of colours or channels, or None.
        axes: a letter per axis, or None where nobody says what they are.
        corner: of the array in the layer, an index per axis of the layer (without that of colours).
        kept: the axes of the layer that the array has.
    """

    array: Any
    channel_axis: int | None
    axes: str | None
    corner: tuple[int, ...]
    kept: tuple[int, ...]


def picture_of(layer: Any, dims: Any = None, *, view: bool = False) -> Picture:
    """The pixels of an image layer.

    Args:
        layer: of napari: data, rgb, multiscale, axis_labels, corner_pixels.
        dims: of the viewer: axis_labels, current_step, displayed; needed for the view.
        view: whether only what is shown is meant.

    Raises:
        ValueError: for a layer that holds no picture, and for a view of a layer that is turned on its side.
    """
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    count = data.ndim - int(layer.rgb)
    if count < 2:
        raise ValueError(
            f"the layer must have rows and columns, got shape {tuple(data.shape)}. Choose another."
        )
    names = names_of(layer, dims, count)
    corner = [0] * count
    kept = list(range(count))
    if view:
        if dims is None:
            raise ValueError("the view of a viewer is meant, and none was given. Open the panel in a viewer.")
        ahead = dims.ndim - count
        shown = [axis - ahead for axis in dims.displayed]
        if shown[-2:] != [count - 2, count - 1]:
            raise ValueError(
                "the view shows other axes than rows and columns. Set it back (Ctrl-E, Ctrl-T), or take the "
                "whole layer."
            )
        low, high = (np.asarray(side)[-2:] for side in _corners(layer, data))
        where: list[Any] = []
        for axis in range(count - 2):
            if axis in shown:
                where.append(slice(None))
                continue
            step = (
                int(layer.world_to_data(dims.point)[axis].round()) if hasattr(layer, "world_to_data") else 0
            )
            step = min(max(step, 0), data.shape[axis] - 1)
            corner[axis] = step
            kept.remove(axis)
            where.append(step)
        for place, axis in enumerate((count - 2, count - 1)):
            begin = int(np.clip(low[place], 0, data.shape[axis] - 1))
            end = int(np.clip(high[place], begin + 1, data.shape[axis]))
            corner[axis] = begin
            where.append(slice(begin, end))
        data = data[tuple(where)]
    array = np.asarray(data)
    channel = -1 if layer.rgb else _channel(names, kept)
    return Picture(array, channel, _letters(names, kept, bool(layer.rgb)), tuple(corner), tuple(kept))


def names_of(layer: Any, dims: Any, count: int) -> tuple[str, ...]:
    """What the axes are called: by the layer, else by the viewer; "" where neither says more than a number.

    >>> from types import SimpleNamespace as Record
    >>> names_of(Record(axis_labels=("time", "y", "x")), None, 3)
    ('time', 'y', 'x')
    >>> viewer = Record(axis_labels=("t", "y", "x"))
    >>> names_of(Record(axis_labels=("axis -3", "axis -2", "axis -1")), viewer, 3)
    ('t', 'y', 'x')
    """
    for found in (getattr(layer, "axis_labels", ()), getattr(dims, "axis_labels", ())):
        labels = tuple(str(name).strip().lower() for name in found)[-count:]
        if len(labels) == count and any(name in MEANT for name in labels):
            return labels
    return ("",) * count


def _corners(layer: Any, data: Any) -> tuple[Sequence[float], Sequence[float]]:
    """First and last pixel that are shown, of the finest level."""
    corners = np.asarray(layer.corner_pixels)
    if getattr(layer, "multiscale", False):
        factor = (
            np.asarray(data.shape[: corners.shape[1]])
            / np.asarray(layer.data[layer.data_level].shape)[: corners.shape[1]]
        )
        corners = corners * factor
    return corners[0], np.ceil(corners[1])


def _channel(names: Sequence[str], kept: Sequence[int]) -> int | None:
    """The axis of channels in the array, if one is named so."""
    places = [place for place, axis in enumerate(kept) if MEANT.get(names[axis]) == "C"]
    return places[0] if places else None


def _letters(names: Sequence[str], kept: Sequence[int], rgb: bool) -> str | None:
    """A letter per axis of the array, as pellucid wants them; None where none is of a film or a volume."""
    inner = [MEANT.get(names[axis], "") for axis in kept[:-2]]
    if not {"T", "Z"} & set(inner):
        return None
    spare = iter("QIPRABDEFGHJKLMNOUVW")
    return "".join([letter or next(spare) for letter in inner]) + "YX" + ("S" if rgb else "")


def options(picture: Picture) -> dict[str, Any]:
    """What `pellucid.denoise` is told of the axes.

    >>> options(Picture(np.zeros((5, 4, 4)), None, "TYX", (0, 0, 0), (0, 1, 2)))
    {'axes': 'TYX'}
    """
    found: dict[str, Any] = {}
    narrow = picture.channel_axis is None and picture.array.ndim > 2 and picture.array.shape[-1] in (3, 4)
    if picture.channel_axis is not None and not narrow:
        found["channel_axis"] = picture.channel_axis
    if picture.axes is not None and _several(picture):
        found["axes"] = picture.axes.replace("S", "S" if picture.array.shape[-1] == 3 else "C")
    return found


def _several(picture: Picture) -> bool:
    colours = int(picture.channel_axis is not None)
    return picture.array.ndim - colours > 2


def placed(layer: Any, picture: Picture) -> dict[str, Any]:
    """How the new layer lies: scale, translation, units and looks of the old one.

    Returns:
        arguments for `napari.layers.Image`.
    """
    kept = list(picture.kept)
    scale, shift = np.asarray(layer.scale, float), np.asarray(layer.translate, float)
    corner = np.asarray(picture.corner, float)
    found: dict[str, Any] = {
        "name": f"{layer.name} (pellucid)",
        "scale": scale[kept],
        "translate": (shift + scale * corner)[kept],
        "rgb": bool(layer.rgb),
        "blending": layer.blending,
        "metadata": {"pellucid": {"of": layer.name}},
    }
    if len(kept) == len(scale):
        found["rotate"], found["shear"] = layer.rotate, layer.shear
    for name in ("axis_labels", "units"):
        value = getattr(layer, name, None)
        if value is not None and len(value) == len(scale):
            found[name] = tuple(value[axis] for axis in kept)
    if not layer.rgb:
        found["colormap"], found["gamma"] = layer.colormap, layer.gamma
        found["contrast_limits"] = tuple(layer.contrast_limits)
    return found
