"""TIFF tags, raw: what a page says beside where and how its pixels lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# Tags that describe the storage of pixels, addresses inside the file, and what the writer sets itself.
STRUCTURAL = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 277, 278, 279, 280, 281, 282, 283, 284, 288, 289}
    | {
        292,
        293,
        296,
        317,
        320,
        322,
        323,
        324,
        325,
        327,
        328,
        330,
        338,
        339,
        340,
        341,
        347,
        400,
        512,
        513,
        514,
        515,
    }
    | {517, 518, 519, 520, 521, 529, 530, 531, 532, 32997, 32998, 34665, 34853, 40965, 50674}
)
DESCRIPTION, COLORMAP, ICC, XMP = 270, 320, 34675, 700
INCH, CENTIMETRE = 2, 3


class RawTag(NamedTuple):
    """One tag: its code, data type, number of values, and the values as bytes in the order of the file."""

    code: int
    dtype: int
    number: int
    value: bytes


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


def common_metadata(
    tags: Sequence[RawTag], resolution: tuple[tuple[int, int], tuple[int, int], int] | None
) -> dict[str, Any]:
    """The keys that other formats understand: icc, xmp, dpi."""
    found: dict[str, Any] = {}
    for tag in tags:
        if tag.code == ICC:
            found["icc"] = tag.value
        elif tag.code == XMP:
            found["xmp"] = tag.value
    if resolution is not None and resolution[2] in (INCH, CENTIMETRE):
        factor = 1.0 if resolution[2] == INCH else 2.54
        found["dpi"] = tuple(a / b * factor for a, b in resolution[:2])
    return found
