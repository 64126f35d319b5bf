"""How a TIFF file lays its planes out, so that another one can be laid out alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files.ifd import Ifd, RawTag
from pellucid.files.tiff_tags import Resolution, raw_tags, resolution_of

MINISWHITE, MINISBLACK, RGB, PALETTE, SEPARATED, YCBCR = 0, 1, 2, 3, 5, 6


@dataclass(frozen=True, kw_only=True)
class Pages:
    """How a TIFF file lays its planes out.

    Attributes:
        order: file position of each plane of the series.
        shape: shape of one page, e.g. (H, W), (H, W, S) or (S, H, W).
        photometric: TIFF code of the colour model.
        planar: whether the samples are separate planes.
        extrasamples: TIFF codes of the extra samples.
        compression: TIFF code.
        predictor: TIFF code.
        tile: (height, width) of the tiles, or None.
        rows: rows per strip, or None.
        resolution: raw resolution ((numerator, denominator) across, the same down, unit) or None.
        colormap: (3, entries) uint16 or None.
        byteorder: "<" or ">".
        bigtiff: whether addresses are 64-bit.
        tags: for each page in file order, its raw tags.
        tables: the EXIF and GPS tables of the first page.
        ome: whether the description of the first page is OME-XML.
    """

    order: tuple[int, ...]
    shape: tuple[int, ...]
    photometric: int
    planar: bool
    extrasamples: tuple[int, ...]
    compression: int
    predictor: int
    tile: tuple[int, int] | None
    rows: int | None
    resolution: Resolution | None
    colormap: NDArray[np.uint16] | None
    byteorder: str
    bigtiff: bool
    tags: tuple[tuple[RawTag, ...], ...] = field(repr=False)
    tables: Mapping[int, Ifd] = field(repr=False)
    ome: bool


def pages_of(file: Any, series: Any, tables: Mapping[int, Ifd]) -> Pages:
    """How the planes of a tifffile series are laid out.

    Raises:
        ValueError: when planes are missing.
    """
    page = series.keyframe
    shape = tuple(int(n) for n in page.shape)
    planes = math.prod(series.shape) // max(1, math.prod(shape))
    order = [p.index for p in series.pages if p is not None]
    if len(order) not in (1, planes):
        raise ValueError(f"{planes - len(order)} of {planes} planes are missing")
    if len(order) == 1:  # one page that announces a contiguous stack
        order = list(range(planes))
    tags = [raw_tags(file, file.pages.get(i, aspage=True)) for i in range(min(len(file.pages), planes))]
    tile = (int(page.tilelength), int(page.tilewidth)) if page.is_tiled else None
    return Pages(
        order=tuple(order),
        shape=shape,
        photometric=int(page.photometric),
        planar=page.planarconfig == 2 and page.samplesperpixel > 1,
        extrasamples=tuple(int(e) for e in page.extrasamples),
        compression=int(page.compression),
        predictor=int(page.predictor),
        tile=tile,
        rows=None if tile else int(page.rowsperstrip) or None,
        resolution=resolution_of(file.pages.first),
        colormap=page.colormap,
        byteorder=file.byteorder,
        bigtiff=file.is_bigtiff,
        tags=tuple(tags),
        tables=tables,
        ome=series.kind == "ome",
    )


def as_rgb(pages: Pages | None) -> Pages | None:
    """The layout of the same pages with their palette expanded."""
    if pages is None:
        return None
    return replace(
        pages, shape=(*pages.shape, 3), photometric=RGB, colormap=None, planar=False, extrasamples=()
    )
