"""TIFF in: plain, multi-page, ImageJ, OME and shaped files through tifffile; tags are kept raw."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files import tiff_write
from pellucid.files.decoding import check_size, decoding
from pellucid.files.ifd import check_chain
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored
from pellucid.files.tiff_tags import (
    MINISBLACK,
    MINISWHITE,
    PALETTE,
    RGB,
    SEPARATED,
    YCBCR,
    Pages,
    as_rgb,
    bits_of,
    common_metadata,
    nodata_of,
    pages_of,
    raw_tags,
    resolution_of,
    sub_tables,
)

# Kinds of series whose tags stay true when the pixels change; the tags of other makers hold addresses inside
# the file.
PORTABLE = frozenset(("generic", "uniform", "shaped", "imagej", "ome", "mmstack", "scanimage"))
# What slide scanners write: a picture in several sizes, with a thumbnail, a label and an overview.
SLIDES = frozenset(("svs", "ndpi", "scn", "bif", "qpi", "philips", "sis", "indica", "ndtiff"))
JPEG = (6, 7, 34892, 33007)
UNSPECIFIED, ASSOCIATED = 0, 1
SEPARATE = 2  # planes one after the other
STRIP_OFFSETS, STRIP_SIZES = 273, 279


def read(path: Path, most: int) -> Stored:
    """The content of a TIFF file: its one picture or stack.

    Raises:
        ValueError: when the file is damaged, incomplete, too large, holds several pictures, or pixels that
            are no gray levels, display colours or separate channels (CIELab, raw mosaic …).
    """
    import tifffile

    notes: list[str] = []
    with path.open("rb") as opened:
        doubts = check_chain(opened)
    with decoding("TIFF"), tifffile.TiffFile(path) as file:
        series = list(file.series)
        if not series:
            raise ValueError("no pictures found")
        first = series[_main(series)]
        page = first.keyframe
        shape, kind, axes = tuple(int(n) for n in first.shape), str(first.kind), str(first.axes)
        ome = file.ome_metadata if kind == "ome" else None
        doubts += _doubts(page, kind)
    if doubts:
        notes.append(f"the TIFF file is partly damaged or unusual: {doubts[0]}.")
    if kind in SLIDES:
        notes += _besides(series, first)
    else:
        check_alone(series, ome, notes)
    check_size(shape, most)
    check_colours(page)
    with decoding("TIFF"), tifffile.TiffFile(path) as file:
        first = file.series[_main(list(file.series))]
        array: NDArray[Any] = first.asarray()
        if array.shape != shape:
            raise ValueError(f"shape {array.shape} where {shape} was announced")
        page = first.keyframe
        if axes.count("Y") != 1 or axes.count("X") != 1:  # tifffile stumbles over axes of length 1
            axes = "Q" * (len(shape) - len(page.axes)) + str(page.axes)
        tables = sub_tables(file, file.pages.first, notes)
        pages = pages_of(file, first, tables) if kind in PORTABLE and page.imagedepth == 1 else None
        tags = raw_tags(file, file.pages.first)
        nodata = nodata_of(file.pages.first)
        metadata = common_metadata(tags, tables, resolution_of(file.pages.first), file.byteorder)
    if pages is None:
        notes.append(
            f"the tags of a {kind} TIFF file cannot be kept; its axes, resolution and colour profile are."
        )
    return replace(_stored(array, axes, page, pages, kind, ome, metadata, notes), nodata=nodata)


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write an array: laid out like the TIFF file it came from, else afresh."""
    array, metadata = sheet.array, sheet.metadata
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    pages = metadata.get("tiff.pages")
    if pages is not None:
        return tiff_write.write_like(file, native, pages, sheet.name)
    image = sheet.image
    return tiff_write.write_fresh(
        file,
        native,
        image.axes,
        color=image.color,
        alpha=image.alpha is not None,
        metadata=metadata,
        ome=sheet.name.lower().endswith((".ome.tif", ".ome.tiff")),
    )


def _doubts(page: Any, kind: str) -> list[str]:
    """What tifffile only logs while it goes on reading: metadata that it does not follow, strips that do not
    add up.
    """
    found = []
    for maker in ("ome", "imagej", "shaped"):
        if getattr(page, f"is_{maker}") and kind not in PORTABLE - {"generic", "uniform"}:
            found.append(f"its {maker} metadata do not fit its pages")
    if not page.is_tiled and page.rowsperstrip and kind != "lsm":
        strips = math.ceil(page.imagelength / page.rowsperstrip) * page.imagedepth
        strips *= page.samplesperpixel if page.planarconfig == SEPARATE else 1
        for code in (STRIP_OFFSETS, STRIP_SIZES):
            if code in page.tags and page.tags[code].count != strips:
                found.append(f"it has {strips} strips, and {page.tags[code].count} values in tag {code}")
    return found


def _main(series: list[Any]) -> int:
    """Which picture of a file is meant: the first; the largest of a slide, beside its label and thumbnail."""
    if str(series[0].kind) not in SLIDES:
        return 0
    return max(range(len(series)), key=lambda i: math.prod(series[i].shape))


def _besides(series: list[Any], main: Any) -> list[str]:
    """A note on what a slide holds beside its main picture."""
    names = [str(one.name or "picture").lower() for one in series if one is not main]
    names += ["pyramid"] if len(main.levels) > 1 else []
    told = f": {', '.join(names)} left out" if names else ""
    return [f"the main picture of a slide is read{told}."]


def check_alone(series: list[Any], ome: str | None, notes: list[str]) -> None:
    """One picture or stack per file; reduced copies of it may come along, they are left out."""
    # tifffile takes pages of a half or a quarter of the size for a pyramid; it is one only if they say so.
    smaller = [*series[0].levels[1:], *series[1:]]
    others = [s for s in smaller if not (s.keyframe.is_reduced or s.keyframe.is_subifd)]
    if others:
        sizes = ", ".join("x".join(map(str, s.shape)) for s in (series[0], *others[:4]))
        raise ValueError(
            f"the file must hold one picture or one stack of equal pages, got {len(others) + 1} of different "
            f"size or kind ({sizes}). Split it into one file each."
        )
    if smaller:
        notes.append("reduced copies (thumbnail, pyramid) are not written back.")
    names = set(re.findall(r"<UUID[^>]*\bFileName=\"([^\"]*)\"", ome or ""))
    if len(names) > 1 or "<BinaryOnly" in (ome or ""):
        raise ValueError(
            "the file must hold all of its pixels, got one part of an OME-TIFF that spans several files. "
            "Combine them into one file first, e.g. with Fiji or bfconvert."
        )


def check_colours(page: Any) -> None:
    """Refuse pixels that are no gray levels, display colours or separate channels."""
    photometric, compression = int(page.photometric), int(page.compression)
    known = photometric in (MINISWHITE, MINISBLACK, RGB, PALETTE, SEPARATED)
    if known or (photometric == YCBCR and compression in JPEG):
        return
    name = getattr(page.photometric, "name", photometric)
    raise ValueError(
        f"the pixels must be gray, RGB, palette, CMYK or separate channels, got TIFF photometric {name}. "
        "Convert the picture to RGB or gray first."
    )


def _stored(
    array: NDArray[Any],
    axes: str,
    page: Any,
    pages: Pages | None,
    kind: str,
    ome: str | None,
    metadata: dict[str, Any],
    notes: list[str],
) -> Stored:
    """Expand short depths and palettes, and find alpha and the significant bits."""
    depth, photometric = int(page.bitspersample), int(page.photometric)
    bits: int | None = depth if array.dtype.kind in "ui" and depth < 8 * array.dtype.itemsize else None
    # ImageJ and OME show gray levels through a palette (a lookup table): there the index is the measurement.
    if photometric == PALETTE and kind in ("imagej", "ome"):
        notes.append("the lookup table is kept; the measured values below it are worked on.")
    elif photometric == PALETTE:
        array, axes = _expand_palette(array, np.asarray(page.colormap)), axes + "S"
        notes.append("the palette was expanded to RGB.")
        pages, photometric = as_rgb(pages), RGB
    elif depth < 8:
        top = 2**depth - 1
        array = array.astype(np.uint8) * np.uint8(255 // top)
        notes.append(f"{depth}-bit gray was expanded to 8 bits, so that the result can hold shades between.")
    elif bits is not None:
        notes.append(f"{depth}-bit pixels are written back in {8 * array.dtype.itemsize} bits each.")
    declared = re.search(r"\bSignificantBits=\"(\d+)\"", ome or "")
    if declared and array.dtype.kind in "ui":
        bits = int(declared[1])
    elif bits is None and array.dtype.kind == "u":
        bits = bits_of(page)
    alpha = alpha_of(page, photometric) if "S" in axes else None
    samples = array.shape[axes.index("S")] - (alpha is not None) if "S" in axes else 1
    return Stored(
        array=array,
        axes=axes,
        color=samples == 3 and photometric in (RGB, YCBCR),
        alpha=alpha,
        premultiplied=ASSOCIATED in [int(code) for code in page.extrasamples],
        bits=bits if bits and 0 < bits <= 8 * array.dtype.itemsize and depth >= 8 else None,
        metadata=metadata | ({} if pages is None else {"tiff.pages": pages}),
        notes=tuple(notes),
    )


def alpha_of(page: Any, photometric: int) -> int | None:
    """The sample that is alpha: the one declared so, or the one unspecified sample after RGB."""
    extra = [int(e) for e in page.extrasamples]
    start = int(page.samplesperpixel) - len(extra)
    for i, code in enumerate(extra):
        if code != UNSPECIFIED:
            return start + i
    return start if len(extra) == 1 and photometric in (RGB, YCBCR) else None


def _expand_palette(indices: NDArray[Any], colormap: NDArray[np.uint16]) -> NDArray[Any]:
    """(…) indices to (…, 3) colours: 8-bit where the palette holds no more than 8 bits, else 16-bit."""
    if colormap.ndim != 2 or len(colormap) != 3 or int(indices.max(initial=0)) >= colormap.shape[1]:
        raise ValueError("a palette of three rows for every value was announced, and is not there")
    colours = np.moveaxis(colormap[:, indices], 0, -1)
    if not (colormap % 257).any():
        return (colours // 257).astype(np.uint8)
    return (colours >> 8).astype(np.uint8) if not (colormap % 256).any() else colours.astype(np.uint16)
