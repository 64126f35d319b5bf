"""The Image of an enlarged picture: what it carries, with the figures that speak of its size."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files import ifd
from pellucid.files.tiff_tags import DESCRIPTION, Pages
from pellucid.image import Image, Pixels

X_RESOLUTION, Y_RESOLUTION, WIDTH, HEIGHT = 282, 283, 40962, 40963
EXIF = 34665
PHYSICAL = ("pHYs", "sCAL", "oFFs")


def enlarged(image: Image, pixels: Pixels, factor: int) -> Image:
    """The same picture, ``factor`` times as wide and high, with ``pixels`` (N, C, f H, f W).

    The paper size stays: resolution grows with the picture, in every place where the metadata state it. Alpha
    is enlarged by bicubic interpolation.

    Raises:
        ValueError: when the shape of the pixels is another.

    >>> from pellucid.files import from_array
    >>> large = enlarged(from_array(np.zeros((4, 5))), np.zeros((1, 1, 8, 10), np.float32), 2)
    >>> large.shape, large.axes
    ((8, 10), 'YX')
    """
    slices, channels, height, width = image.pixels.shape
    expected = (slices, channels, height * factor, width * factor)
    if pixels.shape != expected:
        raise ValueError(f"pixels must have shape {expected}, got {pixels.shape}.")
    shape = tuple(n * factor if a in "YX" else n for n, a in zip(image.shape, image.axes, strict=True))
    return replace(
        image,
        pixels=np.array(pixels, dtype=np.float32, order="C"),
        shape=shape,
        holes=None if image.holes is None else _blocks(image.holes, factor),
        alpha=None if image.alpha is None else _alpha(image.alpha, factor),
        metadata=_metadata(image.metadata, factor) | _holes(image, factor),
    )


def _blocks(planes: NDArray[Any], factor: int) -> NDArray[Any]:
    """Every pixel of (…, H, W) as a block of equal ones."""
    return planes.repeat(factor, axis=-2).repeat(factor, axis=-1)


def _holes(image: Image, factor: int) -> dict[str, Any]:
    """The stored values of holes, as blocks; those of all other pixels say nothing of new ones."""
    if image.holes is None and "blank" not in image.metadata:
        return {}
    return {"exact": _blocks(image.metadata["exact"], factor)}


def _alpha(alpha: NDArray[Any], factor: int) -> NDArray[Any]:
    """(N, H, W) enlarged, in its own type."""
    from PIL import Image as Pillow

    size = (alpha.shape[-1] * factor, alpha.shape[-2] * factor)
    planes = [Pillow.fromarray(a.astype(np.float32)).resize(size, Pillow.Resampling.BICUBIC) for a in alpha]
    large = np.stack([np.asarray(p) for p in planes])
    low, high = float(alpha.min()), float(alpha.max())
    large = np.clip(large, low, high)
    stored: NDArray[Any] = (np.rint(large) if alpha.dtype.kind in "ui" else large).astype(alpha.dtype)
    return stored


def _metadata(metadata: Mapping[str, Any], factor: int) -> dict[str, Any]:
    changes: dict[str, Callable[[Any], Any]] = {
        "dpi": lambda dpi: tuple(v * factor for v in dpi),
        "exif": lambda block: _exif(block, factor),
        "png.chunks": lambda groups: tuple(
            [(kind, _chunk(kind, content, factor)) for kind, content in group] for group in groups
        ),
        "tiff.pages": lambda pages: _pages(pages, factor),
    }
    # What the stored values were before rounding to float32 means nothing for new pixels.
    kept = {key: value for key, value in metadata.items() if key != "exact"}
    return {key: changes[key](value) if key in changes else value for key, value in kept.items()}


def _chunk(kind: str, content: bytes, factor: int) -> bytes:
    """PNG: pixels per unit, and EXIF."""
    if kind == "pHYs" and len(content) == 9:
        across, down, unit = struct.unpack(">IIB", content)
        return struct.pack(">IIB", min(across * factor, 2**31 - 1), min(down * factor, 2**31 - 1), unit)
    return _exif(content, factor) if kind == "eXIf" else content


def _exif(block: bytes, factor: int) -> bytes:
    """An EXIF block with its resolution and its size in pixels multiplied; a damaged one as it is."""
    try:
        table, order = ifd.parse_block(block)
    except ValueError:
        return block
    return ifd.to_block(_scaled(table, order, factor), order)


def _scaled(table: ifd.Ifd, order: str, factor: int) -> ifd.Ifd:
    children = {code: _scaled(child, order, factor) for code, child in table.children.items()}
    return ifd.Ifd(tuple(_tag(tag, order, factor) for tag in table.tags), children)


def _tag(tag: ifd.RawTag, order: str, factor: int) -> ifd.RawTag:
    if tag.code in (X_RESOLUTION, Y_RESOLUTION) and (tag.dtype, tag.number) == (5, 1):
        above, below = struct.unpack(order + "II", tag.value)
        if above * factor < 2**32:
            return tag._replace(value=struct.pack(order + "II", above * factor, below))
    if tag.code in (WIDTH, HEIGHT) and tag.number == 1 and tag.dtype in (3, 4):
        side = struct.unpack(order + ("H" if tag.dtype == 3 else "I"), tag.value)[0] * factor
        return ifd.RawTag(tag.code, ifd.LONG, 1, struct.pack(order + "I", side))
    return tag


def _pages(pages: Pages, factor: int) -> Pages:
    """TIFF: the shape of a page, its resolution, and what the description says of both."""
    places = (1, 2) if len(pages.shape) == 3 and pages.planar else (0, 1)
    shape = tuple(n * factor if i in places else n for i, n in enumerate(pages.shape))
    resolution = pages.resolution
    if resolution is not None:
        across, down, unit = resolution
        resolution = (across[0] * factor, across[1]), (down[0] * factor, down[1]), unit
    tags = tuple(tuple(_described(tag, pages, factor) for tag in page) for page in pages.tags)
    tables = {code: _scaled(table, pages.byteorder, factor) for code, table in pages.tables.items()}
    return replace(pages, shape=shape, resolution=resolution, tags=tags, tables=tables)


def _described(tag: ifd.RawTag, pages: Pages, factor: int) -> ifd.RawTag:
    """OME-XML states the size in pixels and the size of a pixel; tifffile's own description the shape."""
    if tag.code != DESCRIPTION:
        return tag
    text = tag.value
    if pages.ome:
        text = re.sub(rb'(\bSize[XY]=")(\d+)(")', lambda m: m[1] + b"%d" % (int(m[2]) * factor) + m[3], text)
        text = re.sub(
            rb'(\bPhysicalSize[XY]=")([0-9.eE+-]+)(")',
            lambda m: m[1] + repr(float(m[2]) / factor).encode() + m[3],
            text,
        )
    elif text.startswith(b'{"shape"'):
        text = _shaped(text, pages, factor)
    return ifd.RawTag(tag.code, tag.dtype, len(text), text)


def _shaped(text: bytes, pages: Pages, factor: int) -> bytes:
    import json

    try:
        said = json.loads(text.rstrip(b"\0").decode())
        shape = list(said["shape"])
    except (ValueError, KeyError, TypeError):
        return text
    channels_last = len(pages.shape) == 3 and not pages.planar
    for place in (-3, -2) if channels_last else (-2, -1):
        shape[place] *= factor
    return json.dumps(said | {"shape": shape}).encode() + b"\0"
