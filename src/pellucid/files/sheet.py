"""Sheet: what a codec is given to write, and how the pixels of an Image become it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files import ifd
from pellucid.files.arrays import to_array
from pellucid.files.formats import TABLE, Format
from pellucid.files.stored import to_slices
from pellucid.image import Image

ORIENTATION, SHORT = 274, 3


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a codec writes.

    Attributes:
        image: whose pixels they are.
        array: of a picture (H, W) or (H, W, S), alpha last; of a film of several (T, H, W) or (T, H, W, S);
            of a format of arrays in the axes of the image.
        metadata: of the image, fitting the array.
        quality: of lossy formats, 95 to 100.
        name: of the file.
    """

    image: Image
    array: NDArray[Any]
    metadata: Mapping[str, Any]
    quality: int = 95
    name: str = ""

    @property
    def film(self) -> bool:
        """Whether the first axis counts frames."""
        return len(self.image.pixels) > 1

    @property
    def alpha(self) -> bool:
        """Whether the last sample is opacity."""
        return self.image.alpha is not None

    @property
    def frames(self) -> NDArray[Any]:
        """(T, H, W) or (T, H, W, S), one frame for a picture."""
        return self.array if self.film else self.array[None]


def sheet_of(image: Image, format: Format, *, quality: int, name: str) -> tuple[Sheet, tuple[str, ...]]:
    """The sheet of an Image as the format wants it, and notes for the user.

    Raises:
        ValueError: when the format cannot hold the picture, naming formats that can.
    """
    refuse(image, format)
    array, metadata = to_array(image), dict(image.metadata)
    notes: tuple[str, ...] = ()
    if format.layout != "array":
        array = _samples_last(array, image)
        if image.alpha is not None and not format.alpha:
            array, image = _without_alpha(array), replace(image, alpha=None)
            notes = (f"alpha is opaque everywhere and was left out, because {format.title} holds none here.",)
        if format.upright:
            array, metadata = upright(array, metadata, film=len(image.pixels) > 1)
    return Sheet(image=image, array=array, metadata=metadata, quality=quality, name=name), notes


def refuse(image: Image, format: Format) -> None:
    """Refuse an Image that a format cannot hold.

    Raises:
        ValueError: naming formats that can.
    """
    wrong = _wrong(image, format)
    if wrong is None and format.layout != "array" and image.alpha is not None and not format.alpha:
        wrong = None if (image.alpha == _opaque(image)).all() else "alpha"
    if wrong is not None:
        raise ValueError(f"{format.title} cannot hold {wrong}. Write it as {fitting(image)}.")


def fitting(image: Image) -> str:
    """The usual formats that hold an Image and the endings that name them, in words."""
    png = _wrong(image, TABLE["png"]) is None and len(image.pixels) == 1
    first = "PNG, TIFF or NPY (a name that ends in .png," if png else "TIFF or NPY (a name that ends in"
    return f"{first} .tif or .npy)"


def _wrong(image: Image, format: Format) -> str | None:
    """What a format cannot hold of an Image but for its alpha, or None."""
    slices, channels = image.pixels.shape[:2]
    if format.like and image.format != format.name:
        return f"a picture that did not come from a {format.title} file"
    if format.types != ("any",) and image.dtype not in format.types:
        return f"{image.dtype} pixels"
    if format.layout == "array":
        return "alpha" if image.alpha is not None and not format.alpha else None
    if slices > 1 and (format.layout != "film" or not is_film(image)):
        return f"a stack of {slices} slices"
    if channels not in (1, 3) or (channels == 3 and not image.color):
        return f"{channels} channels that are no display colours"
    return None


def is_film(image: Image) -> bool:
    """Whether the slices of a stack follow each other in time, and are nothing else.

    >>> from pellucid.files import from_array
    >>> is_film(from_array(np.zeros((2, 8, 9))))
    False
    """
    return [letter for letter in image.axes if letter not in "YXSC"] == ["T"]


def _opaque(image: Image) -> float:
    kind = np.dtype(image.dtype)
    if kind.kind == "f":
        return 1.0
    return 2**image.bits - 1 if image.bits else int(np.iinfo(kind).max)


def _without_alpha(array: NDArray[Any]) -> NDArray[Any]:
    plain = array[..., :-1]
    return (plain[..., 0] if plain.shape[-1] == 1 else plain).copy(order="C")


def _samples_last(array: NDArray[Any], image: Image) -> NDArray[Any]:
    """(H, W) or (H, W, S) of one picture, (T, …) of several; alpha last."""
    frames = np.moveaxis(to_slices(array, image.axes), 1, -1)
    index = image.metadata.get("alpha.index")
    if image.alpha is not None and index is not None:
        frames = np.concatenate([np.delete(frames, index, axis=-1), frames[..., index : index + 1]], axis=-1)
    frames = frames.astype(frames.dtype.newbyteorder("="), copy=False)
    if image.metadata.get("alpha.premultiplied"):
        frames = _straight(frames)
    frames = frames[..., 0] if frames.shape[-1] == 1 else frames
    result: NDArray[Any] = (frames[0] if len(frames) == 1 else frames).copy(order="C")
    return result


def _straight(plane: NDArray[Any]) -> NDArray[Any]:
    """Integers (…, S), alpha last, whose colours were multiplied by it, as other formats want them."""
    top = np.iinfo(plane.dtype).max
    colours, alpha = plane[..., :-1].astype(np.float64), plane[..., -1:].astype(np.float64)
    whole = np.rint(np.clip(colours * top / np.maximum(alpha, 1), 0, top)).astype(plane.dtype)
    return np.concatenate([whole, plane[..., -1:]], axis=-1)


def orientation_of(block: bytes | None) -> int:
    """EXIF's orientation, 1 to 8; 1 (as it is) where the block says nothing that can be read.

    >>> orientation_of(None)
    1
    """
    if not block:
        return 1
    try:
        table, order = ifd.parse_block(block)
    except ValueError:
        return 1
    for tag in table.tags:
        if tag.code == ORIENTATION and tag.dtype == SHORT and len(tag.value) >= 2:
            value = int(struct.unpack_from(order + "H", tag.value)[0])
            return value if 1 <= value <= 8 else 1
    return 1


def as_upright(block: bytes) -> bytes:
    """An EXIF block that says that the pixels are not to be turned; a damaged one as it is."""
    try:
        table, order = ifd.parse_block(block)
    except ValueError:
        return block
    tags = tuple(
        tag._replace(value=struct.pack(order + "H", 1)) if tag.code == ORIENTATION else tag
        for tag in table.tags
    )
    return ifd.to_block(ifd.Ifd(tags, table.children), order)


def turned(frames: NDArray[Any], orientation: int, *, axis: int = 0) -> NDArray[Any]:
    """Pixels as EXIF's orientation (1 to 8) wants them shown; rows along ``axis``, columns along the next.

    >>> turned(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    if orientation >= 5:
        frames = frames.swapaxes(axis, axis + 1)
    down = orientation in (3, 4, 7, 8)
    across = orientation in (2, 3, 6, 7)
    frames = np.flip(frames, axis) if down else frames
    return np.flip(frames, axis + 1) if across else frames


def upright(
    array: NDArray[Any], metadata: Mapping[str, Any], *, film: bool = False
) -> tuple[NDArray[Any], dict[str, Any]]:
    """A picture (H, W[, S]) or film (T, H, W[, S]) turned as its EXIF block says, which then is mute."""
    orientation = orientation_of(metadata.get("exif"))
    found = dict(metadata)
    if orientation == 1:
        return array, found
    found["exif"] = as_upright(found["exif"])
    return np.ascontiguousarray(turned(array, orientation, axis=int(film))), found
