"""WebP, through Pillow: one picture or the frames of a film, 8 bits; written without loss."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

from pellucid.files import film
from pellucid.files.decoding import decoding
from pellucid.files.formats import TABLE
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored


def read(path: Path, most: int) -> Stored:
    """The content of a WebP file: RGB or RGBA; a picture is turned by nothing, EXIF stays as it is.

    Raises:
        ValueError: when the file is damaged, incomplete or too large.
    """
    from PIL.WebPImagePlugin import WebPImageFile

    with decoding("WebP"):
        picture = WebPImageFile(io.BytesIO(path.read_bytes()))
    return film.stored(*film.read(picture, most, "WebP"))


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture or a film, every value as it is, also under transparency."""
    from PIL import Image as Pillow

    first, *others = (Pillow.fromarray(frame) for frame in sheet.frames)
    options = film.for_pillow(sheet.metadata, TABLE["webp"].holds)
    if others:
        durations, plays = film.timing(sheet.metadata, len(sheet.frames))
        options |= {
            "save_all": True,
            "append_images": others,
            "duration": [round(d) for d in durations],
            "loop": plays,
            "minimize_size": False,
        }
    first.save(file, "WEBP", lossless=True, exact=True, quality=50, **options)
    gray = sheet.image.pixels.shape[1] == 1
    return ("WebP has no gray: written as colour, without loss.",) if gray else ()
