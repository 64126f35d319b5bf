"""GIF, through Pillow: palettes are expanded, frames are a film; written with 256 colours for each frame."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pellucid.files import film
from pellucid.files.decoding import decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

COLOURS = 256


def read(path: Path, most: int) -> Stored:
    """The content of a GIF file: RGB, or RGBA where some of it is transparent.

    Raises:
        ValueError: when the file is damaged, incomplete or too large.
    """
    from PIL.GifImagePlugin import GifImageFile

    with decoding("GIF"):
        picture = GifImageFile(io.BytesIO(path.read_bytes()))
    array, metadata = film.read(picture, most, "GIF")
    words = "RGB and alpha" if array.shape[-1] == 4 else "RGB"
    return film.stored(array, metadata, (f"the palette was expanded to {words}.",))


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture or a film with the 256 colours that fit each frame best; dither would be noise."""
    from PIL import Image as Pillow

    method = Pillow.Quantize.FASTOCTREE if sheet.alpha else Pillow.Quantize.MEDIANCUT
    frames = []
    for frame in sheet.frames:
        if frame.ndim == 3 and frame.shape[-1] == 2:
            frame = frame[..., [0, 0, 0, 1]]
        picture = Pillow.fromarray(np.ascontiguousarray(frame))
        gray = picture.mode == "L"
        frames.append(
            picture if gray else picture.quantize(COLOURS, method=method, dither=Pillow.Dither.NONE)
        )
    first, *others = frames
    options = film.for_pillow(sheet.metadata, frozenset(("comment",)))
    if others:
        durations, plays = film.timing(sheet.metadata, len(frames))
        options |= {"save_all": True, "append_images": others, "duration": [round(d) for d in durations]}
        options |= {"disposal": 2 if sheet.alpha else 1} | ({} if plays == 1 else {"loop": plays})
    first.save(file, "GIF", **options)
    if first.mode == "L" and not sheet.alpha:
        return ()
    return (f"GIF holds {COLOURS} colours for each frame: others were written as the nearest of them.",)
