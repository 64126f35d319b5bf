"""Which slices of a stack belong together: the frames of a film, the slices of a volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pellucid.files.stored import from_slices, to_slices
from pellucid.image import Image

Run = tuple[int, ...]
"""slices of `Image.pixels`, by index, in the order of the axis along which they follow each other"""
PLACES = "YX"
CHANNELS = "SC"
UNKNOWN = "QI"
"""letters of axes of which the file does not say what they are: any other, pages"""
NAMES = {"t": "a film", "z": "a volume"}


def axes_of(image: Image, told: str | None) -> str:
    """One letter per axis of the stored array, those that the user names instead of the file's.

    Raises:
        ValueError: when what he names is not the axes of this picture.

    >>> from pellucid.files import from_array
    >>> film = from_array(np.zeros((5, 6, 7), np.uint8))
    >>> axes_of(film, None), axes_of(film, "tyx")
    ('QYX', 'TYX')
    >>> axes_of(film, "TZ")
    Traceback (most recent call last):
    ...
    ValueError: axes must name the 3 axes of array (5 x 6 x 7), one letter each, got 'TZ'. The file says
        QYX...
    """
    return image.axes if told is None else named(image.axes, image.shape, image.name, told)


def named(axes: str, shape: Sequence[int], name: str, told: str) -> str:
    """The letters that the user gives the axes of an array; the array, and errors, as `axes_of`."""
    letters = told.upper()
    size = " x ".join(map(str, shape))
    expected = f"axes must name the {len(axes)} axes of {name} ({size}), one letter each, got {told!r}"
    if len(letters) != len(axes) or len(set(letters)) < len(letters):
        raise ValueError(f"{expected}. The file says {axes} (Q, I: unknown).")
    for own, letter in zip(axes, letters, strict=True):
        if (own in PLACES + CHANNELS or letter in PLACES + CHANNELS) and own != letter:
            raise ValueError(
                f"{expected}. Rows, columns and channels stay where the file has them ({axes}): "
                f"name the others."
            )
    return letters


def renamed(image: Image, told: str | None) -> Image:
    """The picture whose channels are slices, where the user's letters say so: writers name plain stacks so.

    >>> from pellucid.files import from_array
    >>> film = from_array(np.zeros((5, 6, 7), np.uint8), channel_axis=0)
    >>> film.axes, film.pixels.shape
    ('CYX', (1, 5, 6, 7))
    >>> film = renamed(film, "TYX")
    >>> film.axes, film.pixels.shape
    ('TYX', (5, 1, 6, 7))
    """
    letters = "" if told is None else told.upper()
    own = image.axes.find("C")
    many = own >= 0 and "S" not in image.axes and len(letters) == len(image.axes)
    if not many or letters[own] in PLACES + CHANNELS or image.color:
        return image
    axes = image.axes[:own] + letters[own] + image.axes[own + 1 :]
    if len(set(axes)) < len(axes):
        axes = letters
    named(axes, image.shape, image.name, letters)  # an error where the others are not as told
    slices = to_slices(from_slices(image.pixels, image.axes, image.shape), axes)
    holes = image.holes
    if holes is not None:
        every = np.broadcast_to(holes[:, None], image.pixels.shape)
        holes = to_slices(from_slices(every, image.axes, image.shape), axes)[:, 0]
    return replace(image, pixels=np.ascontiguousarray(slices), axes=axes, holes=holes)


def along(image: Image, axes: str, letter: str) -> tuple[Run, ...]:
    """The slices of an image in runs along one axis; with other axes beside it, one run for each place there.

    >>> from pellucid.files import from_array
    >>> along(from_array(np.zeros((2, 3, 6, 7), np.uint8)), "ZTYX", "T")
    ((0, 1, 2), (3, 4, 5))
    """
    return runs_of(image.shape, axes, letter)


def runs_of(shape: Sequence[int], axes: str, letter: str) -> tuple[Run, ...]:
    """The same of an array of a shape, its slices counted row by row over all but YX and channels.

    >>> runs_of((2, 3, 6, 7), "TZYX", "T")
    ((0, 3), (1, 4), (2, 5))
    """
    places = _stacked(axes)
    sizes = [shape[place] for place in places]
    own = [axes[place] for place in places].index(letter)
    numbers = np.arange(math.prod(sizes)).reshape(sizes)
    runs = np.moveaxis(numbers, own, -1).reshape(-1, sizes[own])
    return tuple(tuple(run) for run in runs.tolist())


def around(place: int, count: int, depth: int) -> list[int]:
    """Which of `count` slices are around one, itself in the middle and nowhere else.

    Beyond an end the slice as far on the other side stands in, and where there is none the farthest: never
    the slice itself, whose noise would be seen twice. Of a single slice there is nothing but itself.

    >>> around(0, 9, 5), around(7, 9, 5), around(1, 2, 5)
    ([2, 1, 0, 1, 2], [5, 6, 7, 8, 5], [0, 0, 1, 0, 0])
    """
    farthest = 0 if place >= count - 1 - place else count - 1
    found = []
    for step in range(-(depth // 2), depth // 2 + 1):
        inside = [n for n in (place + step, place - step) if 0 <= n < count]
        found.append(inside[0] if inside else farthest)
    return found


def _stacked(axes: str) -> list[int]:
    """The axes that slices are counted by: all but rows, columns and channels."""
    channel = next((letter for letter in CHANNELS if letter in axes), "")
    return [place for place, letter in enumerate(axes) if letter not in PLACES + channel]


def found(image: Image, axes: str) -> str:
    """The axes along which a stack has several slices, and which may be that of a film or a volume.

    >>> from pellucid.files import from_array
    >>> found(from_array(np.zeros((1, 3, 6, 7), np.uint8)), "TZYX")
    'Z'
    """
    return several_of(image.shape, axes)


def several_of(shape: Sequence[int], axes: str) -> str:
    """The same of an array of a shape.

    >>> several_of((1, 3, 6, 7), "TZYX")
    'Z'
    """
    several = (axes[place] for place in _stacked(axes) if shape[place] > 1)
    return "".join(letter for letter in several if letter not in CHANNELS)


def asked(
    image: Image, axes: str, *, axis: str, method: str, wanted: str
) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """The runs in which a method takes a stack that was asked for by name, and what the user should know.

    Args:
        image: the stack.
        axes: its axes, by `axes_of`.
        axis: what the user says: "t", "z" or "auto".
        method: its name.
        wanted: the axis that the method is for, "t" or "z".

    Raises:
        ValueError: when the stack has no such axis, or several that could be it.
    """
    letter, notes = letter_of(image.shape, axes, image.name, axis=axis, method=method, wanted=wanted)
    count = len(image.pixels)
    return (along(image, axes, letter) if letter else tuple((i,) for i in range(count))), notes


def letter_of(
    shape: Sequence[int], axes: str, name: str, *, axis: str, method: str, wanted: str
) -> tuple[str, tuple[str, ...]]:
    """The axis along which a method takes the slices of an array together, "" for a single picture; notes.

    Args:
        shape: of the array.
        axes: a letter for each.
        name: of the array, for messages.
        axis: as for `asked`, as all that follows.
        method: its name.
        wanted: the axis that it is for.

    Raises:
        ValueError: as `asked`.
    """
    several = several_of(shape, axes)
    letter = (wanted if axis == "auto" else axis).upper()
    if letter in several:
        return letter, ()
    if axis != "auto" and len(several) == 1 and several in UNKNOWN:
        return several, ()
    if axis != "auto":
        other = [own.lower() for own in several if own in "TZ"]
        advice = (
            f"Use axis={other[0]!r} (--axis {other[0]})" if other else "Name its axes with axes (--axes TYX)"
        )
        raise ValueError(
            f"axis={axis!r} must be an axis of several slices, got axes {axes} with "
            f"{' x '.join(map(str, shape))} in {name}. {advice}, or axis='none'."
        )
    if not several:
        note = f"{name} is a single picture and not {NAMES[wanted]}: {method} has no neighbours to use"
        return "", (note,)
    if len(several) > 1:
        raise ValueError(
            f"{method} needs to know which axis of {name} is {wanted}, got axes {axes} with "
            f"{' x '.join(map(str, shape))}. Name them with axes (--axes), or choose one with "
            f"axis (--axis)."
        )
    note = f"its axis {several} was taken for that of {NAMES[wanted]}"
    if several in UNKNOWN:
        note = f"nothing says what the slices of {name} are: they were taken for those of {NAMES[wanted]}"
    return several, (note,)
