"""AVIF: pixels through imagecodecs in their depth, metadata through Pillow, which knows 8 bits only."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pellucid.files import film
from pellucid.files.decoding import check_size, decoding
from pellucid.files.formats import TABLE
from pellucid.files.sheet import Sheet, upright
from pellucid.files.stored import Stored

DEPTHS = (8, 10, 12)


def read(path: Path, most: int) -> Stored:
    """The content of an AVIF file: 8, 10 or 12 bits; how it is to be turned is in its EXIF block.

    Raises:
        ValueError: when the file is damaged, incomplete, too large or of a kind that libavif does not read.
    """
    import imagecodecs
    from PIL.AvifImagePlugin import AvifImageFile

    data = path.read_bytes()
    with decoding("AVIF"):
        picture = AvifImageFile(io.BytesIO(data))
        count = int(getattr(picture, "n_frames", 1))
    check_size((count, picture.size[1], picture.size[0], len(picture.getbands())), most)
    with decoding("AVIF"):
        array = np.asarray(imagecodecs.avif_decode(data))
        metadata = film.common(picture.info)
    frames = array if count > 1 else array[None]
    bits = _depth(data) if frames.dtype == np.uint16 else None
    return film.stored(frames, metadata, bits=bits)


def _depth(data: bytes) -> int | None:
    """The bits of a sample, as the box of pixel information says."""
    place = data.find(b"pixi")
    depth = data[place + 9] if 0 <= place < len(data) - 9 else 0
    return depth if depth in DEPTHS else None


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture: without loss through imagecodecs, but through Pillow where metadata must be kept."""
    import imagecodecs
    from PIL import Image as Pillow

    options = film.for_pillow(sheet.metadata, TABLE["avif"].holds)
    if options and sheet.array.dtype == np.uint8:
        Pillow.fromarray(sheet.array).save(file, "AVIF", quality=100, subsampling="4:4:4", **options)
        return ("AVIF with metadata loses a little: written at quality 100 without chroma subsampling.",)
    bits = 8 if sheet.array.dtype == np.uint8 else sheet.image.bits or 16
    if bits > max(DEPTHS):
        raise ValueError(f"it holds at most {max(DEPTHS)} bits, not {bits}")
    bits = min(depth for depth in DEPTHS if depth >= bits)
    array, _ = upright(sheet.array, sheet.metadata)
    file.write(imagecodecs.avif_encode(array, level=100, bitspersample=bits))
    return ("deep AVIF is written without its metadata, and upright.",) if options else ()
