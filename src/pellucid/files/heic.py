"""HEIC and HEIF, through pillow-heif (libheif): 8, 10 and 12 bits; written with 8 or 10, at high quality.

libheif turns the pixels as the file says; EXIF then says no more.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pellucid.files.decoding import check_size, decoding
from pellucid.files.film import common
from pellucid.files.sheet import Sheet, as_upright
from pellucid.files.stored import Stored

DEEPEST = 10
"""bits that are written; libheif takes 12 only by a switch for the whole process"""
LETTERS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def read(path: Path, most: int) -> Stored:
    """The main picture of a HEIC file; further ones, gain maps and depth maps are counted, and left out.

    Raises:
        ValueError: when the file is damaged, incomplete, too large or of a kind that libheif does not read.
    """
    import pillow_heif

    with decoding("HEIC"):
        held = pillow_heif.open_heif(io.BytesIO(path.read_bytes()), convert_hdr_to_8bit=False)
    check_size((held.size[1], held.size[0], len(held.mode.split(";")[0])), most)
    with decoding("HEIC"):
        array = np.asarray(held)
    info: dict[Any, Any] = held.info
    metadata = common(info)
    if "exif" in metadata:
        metadata["exif"] = as_upright(metadata["exif"])
    bits = None
    if array.dtype == np.uint16:
        bits = int(info.get("bit_depth") or 16)
        array = array >> (16 - bits)
    samples = array.shape[-1] if array.ndim == 3 else 0
    return Stored(
        array=np.ascontiguousarray(array),
        axes="YXS" if samples else "YX",
        color=samples >= 3,
        alpha=samples - 1 if samples in (2, 4) else None,
        bits=bits,
        metadata=metadata,
        notes=_besides(held),
    )


def _besides(held: Any) -> tuple[str, ...]:
    """A note on what the file holds beside its main picture."""
    kinds = [f"{len(held) - 1} further picture{'s' * (len(held) > 2)}"] * (len(held) > 1)
    aux = [str(name) for name in held.info.get("aux", {})]
    gain = [name for name in aux if "gainmap" in name.lower()]
    kinds += ["a gain map"] * bool(gain) + ["a depth map"] * bool(held.info.get("depth_images"))
    kinds += [f"{len(aux) - len(gain)} auxiliary pictures"] * (len(aux) > len(gain))
    if not kinds:
        return ()
    return (f"the file also holds {', '.join(kinds)}: not read, and not in the output.",)


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture of 8 or 10 bits at the quality of JPEG files, without colour subsampling."""
    import pillow_heif

    array, deep = sheet.array, sheet.array.dtype == np.uint16
    bits = (sheet.image.bits or 16) if deep else 8
    if bits > DEEPEST:
        raise ValueError(f"it is written with at most {DEEPEST} bits, not {bits}")
    if deep:
        array = array << (16 - bits)
    samples = array.shape[-1] if array.ndim == 3 else 1
    mode = LETTERS[samples] + ";16" * deep
    held = pillow_heif.from_bytes(mode, array.shape[1::-1], np.ascontiguousarray(array).tobytes())
    if "icc" in sheet.metadata:
        held.info.update(icc_profile=sheet.metadata["icc"], icc_profile_type="prof")
    held.save(
        file,
        quality=sheet.quality,
        chroma="444",
        exif=sheet.metadata.get("exif"),
        xmp=sheet.metadata.get("xmp"),
    )
    return (f"HEIC loses detail: written at quality {sheet.quality} without chroma subsampling (4:4:4).",)
