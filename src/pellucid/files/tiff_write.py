"""TIFF out: laid out like the TIFF file it came from, or a fresh file that names its axes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.tiff import MINISBLACK, PALETTE, RGB, YCBCR, Pages
from pellucid.files.tiff_tags import COLORMAP, DESCRIPTION, ICC, XMP, RawTag

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
    import tifffile

    notes: list[str] = []
    planes = np.empty((len(pages.order), *pages.shape), array.dtype)
    planes[list(_ranks(pages.order))] = array.reshape(len(pages.order), *pages.shape)
    compression = pages.compression if pages.compression in KEPT_COMPRESSION else DEFLATE
    if compression != pages.compression:
        notes.append("the pixels are compressed with deflate, because their own compression may lose detail.")
    predictor = pages.predictor if compression not in (1, 32773) and pages.predictor in (2, 3) else None
    if predictor == 3 and array.dtype.kind != "f":
        predictor = 2
    photometric = RGB if pages.photometric == YCBCR else pages.photometric
    big = pages.bigtiff or array.nbytes > CLASSIC_LIMIT
    with tifffile.TiffWriter(file, bigtiff=big, byteorder=pages.byteorder, ome=False) as writer:
        for i, plane in enumerate(planes):
            tags = list(pages.tags[i]) if i < len(pages.tags) else []
            if pages.ome and i == 0:
                tags = [_rename_ome(tag, name) if tag.code == DESCRIPTION else tag for tag in tags]
            writer.write(
                plane,
                photometric=photometric,
                planarconfig=("separate" if pages.planar else "contig") if plane.ndim == 3 else None,
                extrasamples=pages.extrasamples if plane.ndim == 3 else None,
                colormap=pages.colormap if photometric == PALETTE else None,
                compression=compression if compression != 1 else None,
                predictor=predictor,
                tile=pages.tile,
                rowsperstrip=pages.rows,
                resolution=pages.resolution[:2] if pages.resolution else None,
                resolutionunit=pages.resolution[2] if pages.resolution else None,
                software=False,
                metadata=None,
                extratags=[(*tag, True) for tag in tags if tag.code != COLORMAP or photometric == MINISBLACK],
            )
    return tuple(notes)


def _ranks(order: tuple[int, ...]) -> list[int]:
    """Where each plane of the series goes among the planes in file order.

    >>> _ranks((4, 2, 9))
    [1, 0, 2]
    """
    places = sorted(order)
    return [places.index(i) for i in order]


def _rename_ome(tag: RawTag, name: str) -> RawTag:
    """OME-XML may say in which file the planes are; readers would follow it to the noisy original."""
    quoted = name.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").encode()
    text = re.sub(rb'(<UUID\b[^>]*\bFileName=")[^"]*(")', lambda m: m[1] + quoted + m[2], tag.value)
    return RawTag(tag.code, tag.dtype, len(text), text)


def write_fresh(
    file: BinaryIO,
    array: NDArray[Any],
    axes: str,
    *,
    color: bool,
    alpha: bool,
    metadata: Mapping[str, Any],
) -> None:
    """Write an array as a new TIFF file; stacks and channels keep their axes in tifffile's shaped
    description.

    Args:
        file: an open binary file.
        array: (…, H, W) or (…, H, W, S), or channels before H and W.
        axes: one letter per axis.
        color: whether the samples are display colours.
        alpha: whether the last sample is alpha.
        metadata: icc, xmp and dpi are kept.
    """
    import tifffile

    if "S" in axes and not (color or alpha):
        axes = axes.replace("S", "C")
    last = "YXS" if "S" in axes else "YX"
    order = [i for i, letter in enumerate(axes) if letter not in last] + [
        axes.index(letter) for letter in last
    ]
    array, axes = array.transpose(order), "".join(axes[i] for i in order)
    tags = [
        (code, dtype, len(metadata[key]), metadata[key], True)
        for key, code, dtype in (("icc", ICC, UNDEFINED), ("xmp", XMP, BYTES))
        if key in metadata
    ]
    dpi = [Fraction(v).limit_denominator(10_000) for v in metadata.get("dpi", ())]
    tifffile.imwrite(
        file,
        array,
        bigtiff=array.nbytes > CLASSIC_LIMIT,
        photometric=RGB if color else MINISBLACK,
        planarconfig="contig" if "S" in axes else None,
        extrasamples=["unassalpha"] if alpha else None,
        resolution=[(v.numerator, v.denominator) for v in dpi] if dpi else None,
        resolutionunit="INCH" if dpi else None,
        software=False,
        metadata={"axes": axes} if array.ndim > len(last) else None,
        extratags=tags,
    )
