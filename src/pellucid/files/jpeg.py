"""JPEG, through Pillow. CMYK is converted to RGB: through its colour profile where there is one, else by the
plain rule.

EXIF is kept as it is, orientation included: the pixels are not turned.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

EXIF_PREFIX = b"Exif\0\0"
START, SOI, EOI = b"\xff\xd8\xff", 0xD8, 0xD9
GAIN_MAPS = (b"hdrgm:", b"iso:ts:21496", b"hdrgainmap", b"GainMap")
"""what names a gain map in the metadata of Google, ISO, Apple and the container of both"""


def read(path: Path, most: int) -> Stored:
    """The content of a JPEG file: gray or RGB, 8 bits.

    Raises:
        ValueError: when the file is damaged, incomplete, too large or of a kind that libjpeg does not read.
    """
    from PIL.Image import Exif
    from PIL.JpegImagePlugin import JpegImageFile

    notes: list[str] = []
    data = path.read_bytes()

    class Jpeg(JpegImageFile):
        """The class itself, because PIL.Image.open has a size limit of its own."""

        def getexif(self) -> Exif:
            """Nothing: the block is kept as it is; Pillow would look for a resolution, and warn of damage."""
            return Exif()

    with decoding("JPEG"):
        picture = Jpeg(io.BytesIO(data))
    check_size((picture.size[1], picture.size[0], len(picture.getbands())), most)
    with decoding("JPEG"):
        picture.load()
        metadata = _metadata(picture.info)
        notes += _others(data)
        if picture.mode == "CMYK":
            array, used = _cmyk_to_rgb(picture, metadata.pop("icc", None))
            notes.append(f"CMYK was converted to RGB {used}.")
        else:
            array = np.asarray(picture)
    return Stored(
        array=array,
        axes="YX" if array.ndim == 2 else "YXS",
        color=array.ndim == 3,
        metadata=metadata,
        notes=tuple(notes),
    )


def _others(data: bytes) -> list[str]:
    """A note on further pictures that follow the first in the file: of a phone, a camera, a stereo pair."""
    count, place = 0, _end(data, 0)
    while (place := data.find(START, place)) >= 0:
        count, place = count + 1, _end(data, place)
    if not count:
        return []
    gain = any(name in data for name in GAIN_MAPS)
    kind = " (a gain map for bright displays)" if gain and count == 1 else " (gain map)" if gain else ""
    return [
        f"{count} further picture{'s' * (count > 1)} in the file{kind} "
        f"{'are' if count > 1 else 'is'} not read, and will not be in the output."
    ]


def _end(data: bytes, start: int) -> int:
    """Where the JPEG picture that begins at `start` ends, past its last marker; else the end of the data."""
    place = start + 2
    while 0 <= place < len(data) - 3:
        if data[place] != 0xFF:
            place = data.find(b"\xff", place)  # entropy-coded data, or filling
            continue
        code = data[place + 1]
        if code == EOI:
            return place + 2
        alone = code in (0x00, 0x01, 0xFF) or 0xD0 <= code <= SOI
        place += (
            (1 if code == 0xFF else 2) if alone else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        )
    return len(data)


def _metadata(info: Mapping[Any, Any]) -> dict[str, Any]:
    keys = {"icc_profile": "icc", "exif": "exif", "xmp": "xmp", "dpi": "dpi", "comment": "comment"}
    found = {ours: info[theirs] for theirs, ours in keys.items() if info.get(theirs)}
    if "exif" in found:
        found["exif"] = found["exif"].removeprefix(EXIF_PREFIX)
    if "jfif_unit" not in info or info["jfif_unit"] == 0:
        found.pop("dpi", None)  # Pillow then takes it from the EXIF block, which is kept anyway.
    if "dpi" in found:
        found["dpi"] = tuple(float(v) for v in found["dpi"])
    return found


def _cmyk_to_rgb(picture: Any, profile: bytes | None) -> tuple[NDArray[np.uint8], str]:
    from PIL import ImageCms

    plain = "without a colour profile: colours may shift"
    if profile is None:
        return np.asarray(picture.convert("RGB")), plain
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (OSError, ImageCms.PyCMSError):
        return np.asarray(picture.convert("RGB")), f"{plain} (the one in the file cannot be used)"
    return np.asarray(converted), "(sRGB) through its colour profile"


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write (H, W) or (H, W, 3) uint8 as JPEG without chroma subsampling (4:4:4)."""
    from PIL import Image as Pillow

    metadata, quality = sheet.metadata, sheet.quality
    keys = {"icc": "icc_profile", "exif": "exif", "xmp": "xmp", "comment": "comment"}
    extra = {theirs: metadata[ours] for ours, theirs in keys.items() if ours in metadata}
    if "exif" in extra:
        extra["exif"] = EXIF_PREFIX + extra["exif"]
    if "dpi" in metadata:
        extra["dpi"] = tuple(min(round(v), 65535) for v in metadata["dpi"])
    Pillow.fromarray(sheet.array).save(file, "JPEG", quality=quality, subsampling=0, optimize=True, **extra)
    return (f"JPEG loses detail: written at quality {quality} without chroma subsampling (4:4:4).",)
