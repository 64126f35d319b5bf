"""TIFF out: laid out like the TIFF file it came from, or a fresh file that names its axes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.files import ifd
from pellucid.files.tiff_tags import (
    COLORMAP,
    DESCRIPTION,
    DESCRIPTIVE,
    ICC,
    MINISBLACK,
    PALETTE,
    RGB,
    XMP,
    YCBCR,
    Pages,
)

# Lossless codes that are written as they were read: none, LZW, deflate (two codes), PackBits, LZMA,
# Zstandard.
KEPT_COMPRESSION = frozenset((1, 5, 8, 32946, 32773, 34925, 50000))
DEFLATE = 8
BYTES, UNDEFINED = 1, 7
# Beyond this, 32-bit addresses may not reach the end of the file; some room is left for tags.
CLASSIC_LIMIT = 2**32 - 2**25


def write_like(file: BinaryIO, array: NDArray[Any], pages: Pages, name: str) -> tuple[str, ...]:
    """Write the planes of ``array`` in the file order, layout and with the tags of ``pages``.

    Args:
        file: an open binary file.
        array: the stored array, alpha included, axes in the order of the series it came from.
        pages: how that file was laid out.
        name: file name of the output, for OME-XML that names its own file.

    Returns:
        notes about what could not be kept.
    """
    notes: list[str] = []
    planes = array.reshape(len(pages.order), *pages.shape)
    compression = pages.compression if pages.compression in KEPT_COMPRESSION else DEFLATE
    if compression != pages.compression:
        notes.append("the pixels are compressed with deflate, because their own compression may lose detail.")
    predictor = pages.predictor if compression not in (1, 32773) and pages.predictor in (2, 3) else None
    if predictor == 3 and array.dtype.kind != "f":
        predictor = 2
    parts = ((plane.shape, plane, raw) for plane, raw in _parts(planes, pages))
    _write(file, parts, array.dtype, array.nbytes, pages, name, compression=compression, predictor=predictor)
    return tuple(notes)


def lay_out(file: BinaryIO, shape: Sequence[int], dtype: np.dtype[Any], pages: Pages, name: str) -> None:
    """Lay out the same file without pixels, uncompressed, so that they can be put in their places later.

    Args:
        file: an open binary file; what is not written reads as zeros.
        shape: of the array.
        dtype: of its values.
        pages: how the file that it is like was laid out.
        name: file name of the output.
    """
    tagged = any(pages.tags[1:])  # else all at once, as `_parts` says
    count = len(pages.order) if tagged else 1
    each = pages.shape if tagged or len(pages.order) == 1 else (len(pages.order), *pages.shape)
    parts = ((each, None, pages.tags[i] if i < len(pages.tags) else ()) for i in range(count))
    _write(file, parts, dtype, math.prod(shape) * dtype.itemsize, pages, name, compression=1, predictor=None)


def of_floats(pages: Pages) -> Pages:
    """How a file of integers is laid out when it holds float32: OME-XML names the type of its pixels."""

    def told(tag: ifd.RawTag) -> ifd.RawTag:
        if tag.code != DESCRIPTION or not pages.ome:
            return tag
        text = re.sub(rb'(<Pixels\b[^>]*\bType=")[^"]*(")', rb"\1float\2", tag.value)
        text = re.sub(rb'(<Pixels\b[^>]*?)\s+SignificantBits="[^"]*"', rb"\1", text)
        return ifd.RawTag(tag.code, tag.dtype, len(text), text)

    return replace(pages, tags=tuple(tuple(map(told, tags)) for tags in pages.tags))


def lay_out_fresh(
    file: BinaryIO, shape: Sequence[int], dtype: np.dtype[Any], ome: Mapping[str, Any], *, color: bool
) -> None:
    """Lay out a new OME-TIFF file without pixels.

    Args:
        file: an open binary file.
        shape: of the array, rows and columns last but for samples.
        dtype: of its values.
        ome: what tifffile is to tell of it, with its ``axes``.
        color: whether the samples are display colours.
    """
    import tifffile

    big = math.prod(shape) * dtype.itemsize > CLASSIC_LIMIT
    with tifffile.TiffWriter(file, bigtiff=big, ome=True) as writer:
        writer.write(
            shape=tuple(shape),
            dtype=dtype.newbyteorder("="),
            photometric=RGB if color else MINISBLACK,
            planarconfig="contig" if "S" in ome["axes"] else None,
            software=False,
            metadata=dict(ome),
        )


def _write(
    file: BinaryIO,
    parts: Iterable[tuple[tuple[int, ...], NDArray[Any] | None, tuple[ifd.RawTag, ...]]],
    dtype: np.dtype[Any],
    size: int,
    pages: Pages,
    name: str,
    *,
    compression: int,
    predictor: int | None,
) -> None:
    """The parts of a file, each with its shape, its pixels, where they are there, and its tags."""
    import tifffile

    photometric = RGB if pages.photometric == YCBCR else pages.photometric
    samples = ("separate" if pages.planar else "contig") if len(pages.shape) == 3 else None
    big = pages.bigtiff or size > CLASSIC_LIMIT
    with tifffile.TiffWriter(file, bigtiff=big, byteorder=pages.byteorder, ome=False) as writer:
        for i, (shape, plane, raw) in enumerate(parts):
            tags = [_rename_ome(t, name) if pages.ome and t.code == DESCRIPTION else t for t in raw]
            writer.write(
                plane,
                shape=shape if plane is None else None,
                dtype=dtype.newbyteorder("=") if plane is None else None,
                photometric=photometric,
                planarconfig=samples,
                extrasamples=pages.extrasamples if samples else None,
                colormap=pages.colormap if photometric == PALETTE else None,
                compression=compression if compression != 1 else None,
                predictor=predictor,
                tile=pages.tile,
                rowsperstrip=pages.rows,
                resolution=pages.resolution[:2] if pages.resolution else None,
                resolutionunit=pages.resolution[2] if pages.resolution else None,
                software=False,
                metadata=None,
                extratags=[(*tag, True) for tag in tags if tag.code != COLORMAP or photometric == MINISBLACK]
                + (ifd.pointers(pages.tables, big=big) if i == 0 else []),
            )
    ifd.append(file, pages.tables)


def _parts(planes: NDArray[Any], pages: Pages) -> Iterator[tuple[NDArray[Any], tuple[ifd.RawTag, ...]]]:
    """What to write at once, with its tags: all planes, or one by one where later pages have tags too.

    All at once, the planes follow each other without gaps, which ImageJ and tifffile want of their own files.
    """
    order = np.argsort(pages.order)
    if not any(pages.tags[1:]):
        yield (planes[0] if len(order) == 1 else planes[order]), (pages.tags[0] if pages.tags else ())
        return
    for i, place in enumerate(order):
        yield planes[place], (pages.tags[i] if i < len(pages.tags) else ())


def _rename_ome(tag: ifd.RawTag, name: str) -> ifd.RawTag:
    """OME-XML may say in which file the planes are; readers would follow it to the noisy original."""
    quoted = name.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").encode()
    text = re.sub(rb'(<UUID\b[^>]*\bFileName=")[^"]*(")', lambda m: m[1] + quoted + m[2], tag.value)
    return ifd.RawTag(tag.code, tag.dtype, len(text), text)


def write_fresh(
    file: BinaryIO,
    array: NDArray[Any],
    axes: str,
    *,
    color: bool,
    alpha: bool,
    metadata: Mapping[str, Any],
    ome: bool = False,
) -> tuple[str, ...]:
    """Write an array as a new TIFF file; tifffile's description names the axes of stacks and channels.

    Args:
        file: an open binary file.
        array: (…, H, W) or (…, H, W, S), or channels before H and W.
        axes: one letter per axis.
        color: whether the samples are display colours.
        alpha: whether the last sample is alpha.
        metadata: icc, exif, xmp and dpi are kept; micron, the size of a pixel, in an OME-TIFF file.
        ome: whether the description is OME-XML.

    Returns:
        notes about what could not be kept.
    """
    import tifffile

    if "S" in axes and not (color or alpha):
        axes = axes.replace("S", "C")
    last = "YXS" if "S" in axes else "YX"
    before = [i for i, letter in enumerate(axes) if letter not in last]
    moved = [*before, *(axes.index(letter) for letter in last)]
    array, axes = array.transpose(moved), "".join(axes[i] for i in moved)
    tags: list[Any] = [
        (code, dtype, len(metadata[key]), metadata[key], True)
        for key, code, dtype in (("icc", ICC, UNDEFINED), ("xmp", XMP, BYTES))
        if key in metadata
    ]
    exif, order, notes = _exif(metadata)
    big = array.nbytes > CLASSIC_LIMIT
    tags += [(*tag, True) for tag in exif.tags if tag.code in DESCRIPTIVE]
    tags += ifd.pointers(exif.children, big=big)
    dpi = [Fraction(v).limit_denominator(10_000) for v in metadata.get("dpi", ())]
    tifffile.imwrite(
        file,
        array,
        bigtiff=big,
        byteorder=order,
        photometric=RGB if color else MINISBLACK,
        planarconfig="contig" if "S" in axes else None,
        extrasamples=["unassalpha"] if alpha else None,
        resolution=[(v.numerator, v.denominator) for v in dpi] if dpi else None,
        resolutionunit="INCH" if dpi else None,
        software=False,
        ome=ome,
        metadata=_ome(axes, metadata) if ome else {"axes": axes} if array.ndim > len(last) else None,
        extratags=tags,
    )
    ifd.append(file, exif.children)
    return notes


def _ome(axes: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What OME-XML tells of the axes: their names, and the size of a pixel in micrometres."""
    told: dict[str, Any] = {"axes": axes}
    for axis, size in metadata.get("micron", {}).items():
        told |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "µm"}
    return told


def _exif(metadata: Mapping[str, Any]) -> tuple[ifd.Ifd, Literal["<", ">"], tuple[str, ...]]:
    """The EXIF table, its byte order, and a note when it cannot be read."""
    if "exif" not in metadata:
        return ifd.Ifd(), "<", ()
    try:
        table, order = ifd.parse_block(metadata["exif"])
    except ValueError:
        return ifd.Ifd(), "<", ("the EXIF block is damaged and left out.",)
    return table, ("<" if order == "<" else ">"), ()
