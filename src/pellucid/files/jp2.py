"""JPEG 2000, through imagecodecs, without loss; profile, EXIF and XMP are boxes, read and written here.

Source: ISO/IEC 15444-1, annexes A.5 (SIZ) and I (boxes); the identifiers of EXIF and XMP are the usual
ones ("JpgTiffExif->JP2", and that of Adobe).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pellucid.files import isobmff
from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

SIZ = b"\xff\x4f\xff\x51"
CODE, HEADER, COLOUR, UUID = b"jp2c", b"jp2h", b"colr", b"uuid"
UUIDS = {b"JpgTiffExif->JP2": "exif", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"): "xmp"}
ENUMERATED, PROFILES = 1, (2, 3)
CMYK = 12


def read(path: Path, most: int) -> Stored:
    """The content of a JPEG 2000 file or code: 1 to 16 bits, signed or not.

    Raises:
        ValueError: when the file is damaged, incomplete, too large, or neither gray nor colour.
    """
    import imagecodecs

    data = path.read_bytes()
    with decoding("JPEG 2000"):
        height, width, samples, bits = _size(data)
    check_size((height, width, samples), most)
    with decoding("JPEG 2000"):
        metadata = {} if data.startswith(SIZ) else _metadata(data)
        array = np.asarray(imagecodecs.jpeg2k_decode(data))
    if metadata.pop("cmyk", False) or (array.ndim == 3 and array.shape[-1] > 4):
        raise ValueError("the pixels must be gray or RGB, with or without alpha. Convert it to RGB first.")
    samples = array.shape[-1] if array.ndim == 3 else 0
    return Stored(
        array=array,
        axes="YXS" if samples else "YX",
        color=samples >= 3,
        alpha=samples - 1 if samples in (2, 4) else None,
        bits=bits if bits != 8 * array.dtype.itemsize and bits >= 8 else None,
        metadata=metadata,
    )


def _size(data: bytes) -> tuple[int, int, int, int]:
    """Height, width, samples and bits of a sample, as the code says at its start."""
    place = data.index(SIZ) + 4
    _, _, right, bottom, left, top, *_ = struct.unpack_from(">HHIIIIIIII", data, place)
    samples = struct.unpack_from(">H", data, place + 36)[0]
    return bottom - top, right - left, samples, (data[place + 38] & 0x7F) + 1


def _metadata(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, content in isobmff.parse(data):
        if kind == UUID and content[:16] in UUIDS:
            found[UUIDS[content[:16]]] = content[16:]
        elif kind == HEADER:
            for inner, told in isobmff.parse(content):
                if inner == COLOUR and told[0] in PROFILES:
                    found["icc"] = told[3:]
                elif inner == COLOUR and told[0] == ENUMERATED and told[3:7] == struct.pack(">I", CMYK):
                    found["cmyk"] = True
    return found


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture, every value as it is."""
    import imagecodecs

    depth = None if sheet.alpha else sheet.image.bits
    code = imagecodecs.jpeg2k_encode(
        sheet.array, level=0, codecformat="jp2", reversible=True, bitspersample=depth
    )
    plain = bytes(code)
    for kind, content in isobmff.parse(plain):
        if kind == HEADER:
            content = _with_profile(content, sheet.metadata)
        if kind == CODE:
            for name, key in UUIDS.items():
                if key in sheet.metadata:
                    file.write(isobmff.build(UUID, name + sheet.metadata[key]))
        file.write(isobmff.build(kind, content))
    return ()


def _with_profile(header: bytes, metadata: Mapping[str, Any]) -> bytes:
    """The header box with a colour profile in place of the name of a colour space."""
    if "icc" not in metadata:
        return header
    boxes = [
        (kind, struct.pack(">BBB", PROFILES[0], 0, 0) + metadata["icc"] if kind == COLOUR else content)
        for kind, content in isobmff.parse(header)
    ]
    return b"".join(isobmff.build(kind, content) for kind, content in boxes)
