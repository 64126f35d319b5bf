"""Which format a file has, by its content: its name may lie."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

from pellucid.files import formats, ifd

MAKER, PHOTOMETRIC, SUB_TABLES, DNG = 271, 262, 330, 50706
MOSAIC = 32803
HEAD = 512
"""bytes of a file that are enough to tell it"""

# Where a signature stands, the signature, and the format of pellucid.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"BM", "bmp"),
    (0, b"II*\0", "tiff"),
    (0, b"MM\0*", "tiff"),
    (0, b"II+\0", "tiff"),
    (0, b"MM\0+", "tiff"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (8, b"WEBP", "webp"),
    (4, b"jP  ", "jp2"),
    (0, b"\xff\x4f\xff\x51", "jp2"),
    (4, b"JXL ", "jxl"),
    (0, b"\xff\x0a", "jxl"),
    (128, b"DICM", "dicom"),
    (0, b"SIMPLE  =", "fits"),
    (208, b"MAP ", "mrc"),
    (0, b"ZISRAWFILE", "micrograph"),
    (0, b"\xda\xce\xbe\x0a", "micrograph"),
    (0, b"\x70\0\0\0", "micrograph"),
    (0, b"FUJIFILMCCD-RAW", "raw"),
    (0, b"IIRO", "raw"),
    (0, b"IIRS", "raw"),
    (0, b"IIU\0", "raw"),
)
_BRANDS = (
    ("avif", ("avif", "avis")),
    ("raw", ("crx ",)),
    ("heic", ("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1")),
)
_NETPBM = re.compile(rb"P[1-7][\s#]")

# Formats that are recognised, to say what they are.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "video or unknown HEIF"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x89HDF", "HDF5"),
    (0, b"PK\x03\x04", "ZIP (NPZ, Zarr or an office document)"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"<?xml", "XML (SVG or metadata)"),
    (0, b"<svg", "SVG"),
)


def of_file(path: str | os.PathLike[str]) -> str:
    """The format of a file: by its content, and by its name only where the format has no signature.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it is empty, or of no format that pellucid reads.
    """
    file = Path(path)
    with file.open("rb") as opened:
        head = opened.read(HEAD)
    if formats.of_name(file) == "tga" and head[1:2] in (b"\0", b"\1") and head[2] in (1, 2, 3, 9, 10, 11):
        return "tga" if _known(head) is None else of_content(head)
    found = of_content(head)
    if found == "tiff" and _is_raw(file, head):
        return "raw"
    # Old ND2 files are boxes of JPEG 2000, as many as there are planes.
    return "micrograph" if found == "jp2" and file.suffix.lower() == ".nd2" else found


def _is_raw(file: Path, head: bytes) -> bool:
    """Whether a TIFF file is a camera's RAW: it says so (DNG, CR2), or a table of it holds a mosaic."""
    if head[8:10] == b"CR":
        return True
    order = "<" if head[:2] == b"II" else ">"
    with file.open("rb") as opened:

        def read_at(offset: int, length: int) -> bytes:
            opened.seek(offset)
            return opened.read(length)

        try:
            if head[2:4] not in (b"*\0", b"\0*"):
                return False
            first = ifd.walk(read_at, struct.unpack(order + "I", head[4:8])[0], order)
            if any(tag.code == DNG for tag in first.tags):
                return True
            subs = [tag for tag in first.tags if tag.code == SUB_TABLES and tag.dtype in (4, 13)]
            if not subs or not any(tag.code == MAKER for tag in first.tags):
                return False
            places = struct.unpack(order + "I" * subs[0].number, subs[0].value)
            tables = [ifd.walk(read_at, place, order) for place in places]
        except (ValueError, struct.error):
            return False
    photometric = [tag.value for table in tables for tag in table.tags if tag.code == PHOTOMETRIC]
    return struct.pack(order + "H", MOSAIC) in [value[:2] for value in photometric]


def of_content(head: bytes) -> str:
    """The format that the first bytes (`HEAD` are enough) of a file tell.

    Raises:
        ValueError: when there are none, or they are of no format that pellucid reads.

    >>> of_content(b"BM....")
    'bmp'
    """
    if not head:
        raise ValueError("the file is empty (0 bytes). Copy or save it again.")
    known = _known(head)
    if known is not None:
        return known
    kind = next((name for at, magic, name in _OTHERS if head[at : at + len(magic)] == magic), None)
    got = f"a {kind} file" if kind else f"a file that starts with the bytes {head[:8].hex(' ')}"
    raise ValueError(
        f"the file must be an image of a format that pellucid reads ({', '.join(formats.TABLE)}), got {got}. "
        "Convert it to PNG or TIFF."
    )


def _known(head: bytes) -> str | None:
    for at, magic, name in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return name
    if head[4:8] == b"ftyp":
        size = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[i : i + 4].decode("latin-1") for i in (8, *range(16, size - 3, 4))}
        return next((name for name, own in _BRANDS if brands & set(own)), None)
    return "pnm" if _NETPBM.match(head) else None
