"""TGA, through Pillow: gray, colour, palette, transparency, 8 bits. Its name alone tells it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored


def read(path: Path, most: int) -> Stored:
    """The content of a TGA file; palettes are expanded, and noted.

    Raises:
        ValueError: when the file is damaged, incomplete, too large or of a kind that Pillow does not read.
    """
    from PIL.TgaImagePlugin import TgaImageFile

    notes = []
    with decoding("TGA"):
        picture = TgaImageFile(io.BytesIO(path.read_bytes()))
    check_size(
        (picture.size[1], picture.size[0], 3 if picture.mode == "P" else len(picture.getbands())), most
    )
    with decoding("TGA"):
        picture.load()
        mode = {"P": "RGBA" if "transparency" in picture.info else "RGB", "1": "L"}.get(picture.mode)
        if mode is not None:
            notes.append(f"{'the palette' if picture.mode == 'P' else '1-bit gray'} was expanded to {mode}.")
        array = np.asarray(picture if mode is None else picture.convert(mode))
    samples = array.shape[-1] if array.ndim == 3 else 0
    return Stored(
        array=array,
        axes="YXS" if samples else "YX",
        color=samples >= 3,
        alpha=samples - 1 if samples in (2, 4) else None,
        notes=tuple(notes),
    )


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture, uncompressed, which every reader takes."""
    from PIL import Image as Pillow

    Pillow.fromarray(sheet.array).save(file, "TGA")
    return ()
