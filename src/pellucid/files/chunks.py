"""PNG chunks: parse, check, build.

Source: W3C, Portable Network Graphics (PNG) Specification, Third Edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_PROFILE = 64 * 2**20
INCH = 0.0254  # metres


def parse(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Type and content of each chunk, in order; the last one is IEND.

    Raises:
        ValueError: when the file ends early or a checksum is wrong.
    """
    at, kind = len(SIGNATURE), ""
    while kind != "IEND":
        if len(data) < at + 12:
            raise ValueError("the PNG file ends early: it is incomplete. Copy or save it again.")
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 12 + length
        if len(data) < end:
            raise ValueError("the PNG file ends early: it is incomplete. Copy or save it again.")
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError(
                f"the PNG chunk at byte {at} has a wrong checksum: the file is damaged. Copy it again."
            )
        kind = data[at + 4 : at + 8].decode("latin-1")
        yield kind, data[at + 8 : end - 4]
        at = end


def build(kind: str, content: bytes) -> bytes:
    """One chunk with its length and checksum.

    >>> build("IEND", b"").hex()
    '0000000049454e44ae426082'
    """
    body = kind.encode("latin-1") + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def common_metadata(chunks: list[tuple[str, bytes]]) -> dict[str, Any]:
    """The keys that other formats understand: icc, exif, xmp, dpi."""
    found: dict[str, Any] = {}
    for kind, content in chunks:
        if kind == "iCCP":
            decoder = zlib.decompressobj()
            profile = decoder.decompress(content[content.index(b"\0") + 2 :], LARGEST_PROFILE)
            if decoder.unconsumed_tail:
                raise ValueError("the colour profile is larger than 64 MiB. Save the picture without it.")
            found["icc"] = profile
        elif kind == "eXIf":
            found["exif"] = content
        elif kind == "pHYs" and content[8:] == b"\1":
            found["dpi"] = tuple(v * INCH for v in struct.unpack(">II", content[:8]))
        elif kind == "iTXt" and content.startswith(b"XML:com.adobe.xmp\0\0\0"):
            found["xmp"] = content.split(b"\0", 5)[5]
    return found


def from_common(metadata: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Chunks for icc, exif, xmp and dpi, to be placed before the pixels."""
    chunks = []
    if "icc" in metadata:
        chunks.append(("iCCP", b"ICC profile\0\0" + zlib.compress(metadata["icc"])))
    if "dpi" in metadata:
        across, down = (min(round(v / INCH), 2**31 - 1) for v in metadata["dpi"])
        chunks.append(("pHYs", struct.pack(">IIB", across, down, 1)))
    if "exif" in metadata:
        chunks.append(("eXIf", metadata["exif"]))
    if "xmp" in metadata:
        chunks.append(("iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata["xmp"]))
    if "comment" in metadata:
        chunks.append(("tEXt", b"Comment\0" + metadata["comment"].replace(b"\0", b"")))
    return chunks
