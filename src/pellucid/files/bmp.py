"""BMP: read through Pillow, written here, because Pillow's 32-bit BMP loses alpha when it is read again.

Source of the layout: Microsoft, "BITMAPINFOHEADER" and "BITMAPV4HEADER" structures.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

INCH = 0.0254  # metres
BIT_FIELDS = 3


def read(path: Path, most: int) -> Stored:
    """The content of a BMP file: gray, RGB or RGBA, 8 bits; palettes and short depths are expanded, and
    noted.

    Raises:
        ValueError: when the file is damaged, incomplete, too large or of a kind that Pillow does not read.
    """
    from PIL.BmpImagePlugin import BmpImageFile

    notes: list[str] = []
    data = path.read_bytes()
    # The class itself, because PIL.Image.open has a size limit of its own.
    with decoding("BMP"):
        picture = BmpImageFile(io.BytesIO(data))
    check_size(
        (picture.size[1], picture.size[0], 3 if picture.mode == "P" else len(picture.getbands())), most
    )
    with decoding("BMP"):
        picture.load()
        depth = struct.unpack_from("<H", data, 28)[0] if data[14] >= 40 else 8
        if picture.mode == "P":
            notes.append("the palette was expanded to RGB.")
        elif picture.mode == "1":
            notes.append("1-bit gray was expanded to 8 bits, so that the result can hold shades between.")
        elif depth == 16:
            notes.append("16-bit colour (5 or 6 bits each) was expanded to 8 bits each.")
        array = np.asarray(picture.convert({"P": "RGB", "1": "L"}.get(picture.mode, picture.mode)))
    if array.dtype != np.uint8:
        raise ValueError(f"BMP pixels must be 8-bit, got {array.dtype}. Convert the picture to PNG.")
    alpha = array.ndim == 3 and array.shape[-1] == 4
    dpi = tuple(float(v) for v in picture.info.get("dpi", ()))
    return Stored(
        array=array,
        axes="YX" if array.ndim == 2 else "YXS",
        color=array.ndim == 3,
        alpha=3 if alpha else None,
        metadata={"dpi": dpi} if any(dpi) else {},
        notes=tuple(notes),
    )


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture; gray with alpha as colour, because BMP has no such kind."""
    array = sheet.array
    if array.ndim == 3 and array.shape[-1] == 2:
        array = array[..., [0, 0, 0, 1]]
    file.write(encode(array, sheet.metadata))
    return ()


def encode(array: NDArray[np.uint8], metadata: Mapping[str, Any]) -> bytes:
    """A BMP file of (H, W), (H, W, 3) or (H, W, 4) uint8: 8, 24 or 32 bits, bottom row first."""
    height, width = array.shape[:2]
    samples = array.shape[2] if array.ndim == 3 else 1
    rows = np.zeros((height, (width * samples + 3) // 4 * 4), np.uint8)
    flipped = array[::-1] if samples == 1 else array[::-1, :, [2, 1, 0, 3][:samples]]
    rows[:, : width * samples] = flipped.reshape(height, -1)
    across, down = (min(round(v / INCH), 2**31 - 1) for v in metadata.get("dpi", (0.0, 0.0)))
    palette = b"".join(bytes((i, i, i, 0)) for i in range(256)) if samples == 1 else b""
    # Only the V4 header (108 bytes) says where alpha is; its colour space tag "sRGB" needs no further
    # numbers.
    masks = struct.pack("<4I4s48x", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs") if samples == 4 else b""
    offset = 14 + 40 + len(masks) + len(palette)
    header = struct.pack("<2sIHHI", b"BM", offset + rows.size, 0, 0, offset)
    info = struct.pack(
        "<IiiHHIIiiII",
        40 + len(masks),
        width,
        height,
        1,
        8 * samples,
        BIT_FIELDS if samples == 4 else 0,
        rows.size,
        across,
        down,
        256 if samples == 1 else 0,
        0,
    )
    return header + info + masks + palette + rows.tobytes()
