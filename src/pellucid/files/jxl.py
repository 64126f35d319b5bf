"""JPEG XL, through imagecodecs, without loss; EXIF and XMP are boxes around it, read and written here.

A colour profile inside the code is not reached: libjxl's own are assumed (sRGB).

Source of the boxes: ISO/IEC 18181-2; ``brob`` holds another box, compressed with Brotli.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pellucid.files import film, isobmff
from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet, as_upright
from pellucid.files.stored import Stored

LENGTHS = (9, 13, 18, 30)
RATIOS = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"


def read(path: Path, most: int) -> Stored:
    """The content of a JPEG XL file: 8 or 16 bits or floats, turned as the file says.

    Raises:
        ValueError: when the file is damaged, incomplete or too large.
    """
    import imagecodecs

    data = path.read_bytes()
    with decoding("JPEG XL"):
        metadata, code = _metadata(data)
        size = _size(code)
    check_size(size, most)
    with decoding("JPEG XL"):
        array = np.asarray(imagecodecs.jpegxl_decode(data))
    check_size(array.shape, most)
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    samples = array.ndim > 2 and array.shape[-1] in (2, 3, 4)
    frames = array if array.ndim == 3 + samples else array[None]
    return film.stored(frames, metadata)


def _size(code: bytes) -> tuple[int, int]:
    """Height and width, as the code says in the bits after its signature (ISO/IEC 18181-1, SizeHeader)."""
    bits, at = int.from_bytes(code[2:16], "little"), 0

    def take(count: int) -> int:
        nonlocal at
        value = bits >> at & (1 << count) - 1
        at += count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take(LENGTHS[take(2)]) + 1

    height, ratio = side(), take(3)
    above, below = RATIOS[ratio]
    return height, side() if ratio == 0 else height * above // below


def _metadata(data: bytes) -> tuple[dict[str, Any], bytes]:
    """What the boxes around the code tell, and the beginning of the code."""
    import imagecodecs

    found: dict[str, Any] = {}
    if not data.startswith(SIGNATURE):
        return found, data[:16]
    code = b""
    for kind, content in isobmff.parse(data):
        if kind in (b"jxlc", b"jxlp") and not code:
            code = content[4 * (kind == b"jxlp") :][:16]
        if kind == b"brob":
            kind, content = content[:4], bytes(imagecodecs.brotli_decode(content[4:]))
        if kind == b"Exif" and len(content) > 4:
            # The pixels come upright; the code's own orientation counts, and this one must not.
            found["exif"] = as_upright(content[4 + int.from_bytes(content[:4], "big") :])
        elif kind == b"xml ":
            found["xmp"] = content
    if len(code) < 8:
        raise ValueError("no code in the file")
    return found, code


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture or a film, every value as it is."""
    import imagecodecs

    array, bits = sheet.array, sheet.image.bits
    depth = bits if array.dtype == np.uint16 and not sheet.alpha else None
    file.write(
        imagecodecs.jpegxl_encode(array, lossless=True, effort=4, usecontainer=True, bitspersample=depth)
    )
    if "exif" in sheet.metadata:
        file.write(isobmff.build(b"Exif", bytes(4) + sheet.metadata["exif"]))
    if "xmp" in sheet.metadata:
        file.write(isobmff.build(b"xml ", sheet.metadata["xmp"]))
    return ()
