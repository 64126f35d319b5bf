"""TIFF tags, raw: what the pages say beside where and how their pixels lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files.ifd import EXIF, GPS, Ifd, RawTag, to_block, walk

# Tags that describe the storage of pixels, addresses inside the file, and what the writer sets itself.
STRUCTURAL = frozenset(
    {*range(254, 260), 262, 263, 266, 273, *range(277, 285), 288, 289, 292, 293, 296, 317}
    | {*range(322, 329), 330, *range(338, 342), 347, 400, *range(512, 522), *range(529, 533)}
    | {32997, 32998, EXIF, GPS, 40965, 50674}
)
DESCRIPTION, COLORMAP, ICC, XMP = 270, 320, 34675, 700
# Tags of the first table that an EXIF block holds too: maker, model, orientation, software, date, artist,
# computer, copyright.
DESCRIPTIVE = frozenset((271, 272, 274, 305, 306, 315, 316, 33432))
INCH, CENTIMETRE = 2, 3
MAX_SAMPLE, GDAL_NODATA = 281, 42113

Resolution = tuple[tuple[int, int], tuple[int, int], int]


def raw_tags(file: Any, page: Any) -> tuple[RawTag, ...]:
    """The tags of a page but the structural ones; `file` is the tifffile.TiffFile with that page."""
    found = []
    for tag in page.tags.values():
        if tag.code in STRUCTURAL:
            continue
        file.filehandle.seek(tag.valueoffset)
        value = file.filehandle.read(tag.valuebytecount)
        if len(value) == tag.valuebytecount:
            found.append(RawTag(tag.code, int(tag.dtype), int(tag.count), value))
    return tuple(found)


def sub_tables(file: Any, page: Any, notes: list[str]) -> dict[int, Ifd]:
    """The EXIF and GPS tables of a page; damaged ones are left out, and noted."""

    def read_at(offset: int, length: int) -> bytes:
        if offset >= file.filehandle.size:
            return b""
        file.filehandle.seek(offset)
        data: bytes = file.filehandle.read(length)
        return data

    found = {}
    for code in (EXIF, GPS):
        if code in page.tags:
            # The address stands in the entry itself; tifffile's valueoffset already follows it.
            entry = page.tags[code].offset
            raw = read_at(entry + 12, 8) if file.is_bigtiff else read_at(entry + 8, 4)
            place = int.from_bytes(raw, "little" if file.byteorder == "<" else "big")
            try:
                found[code] = walk(read_at, place, file.byteorder, big=file.is_bigtiff)
            except ValueError:
                notes.append("the EXIF block is damaged and left out.")
    return found


def resolution_of(page: Any) -> Resolution | None:
    """Raw resolution: (numerator, denominator) across, the same down, and the TIFF code of the unit."""
    tags = page.tags
    values = [tags[code].value for code in (282, 283) if code in tags]
    if len(values) != 2 or any(len(v) != 2 or v[0] <= 0 or v[1] <= 0 for v in values):
        return None
    unit = int(tags[296].value) if 296 in tags else INCH  # the specification's default
    return tuple(values[0]), tuple(values[1]), unit


def bits_of(page: Any) -> int | None:
    """The significant bits that a page declares by its largest value (MaxSampleValue), or None."""
    if MAX_SAMPLE not in page.tags:
        return None
    values = page.tags[MAX_SAMPLE].value
    largest = max(values) if isinstance(values, tuple) else values
    bits = int(largest).bit_length() if isinstance(largest, int) else 0
    return bits if bits > 8 and largest == 2**bits - 1 else None


def nodata_of(page: Any) -> float | None:
    """The value that GDAL's tag declares to be no measurement, or None."""
    if GDAL_NODATA not in page.tags:
        return None
    try:
        return float(str(page.tags[GDAL_NODATA].value).strip("\0 "))
    except ValueError:
        return None


def common_metadata(
    tags: Sequence[RawTag], tables: Mapping[int, Ifd], resolution: Resolution | None, byteorder: str
) -> dict[str, Any]:
    """The keys that other formats understand: icc, exif, xmp, dpi."""
    found: dict[str, Any] = {}
    for tag in tags:
        if tag.code == ICC:
            found["icc"] = tag.value
        elif tag.code == XMP:
            found["xmp"] = tag.value
    first = tuple(tag for tag in tags if tag.code in DESCRIPTIVE)
    if tables or first:
        found["exif"] = to_block(Ifd(first, tables), byteorder)
    if resolution is not None and resolution[2] in (INCH, CENTIMETRE):
        factor = 1.0 if resolution[2] == INCH else 2.54
        found["dpi"] = tuple(a / b * factor for a, b in resolution[:2])
    return found


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
