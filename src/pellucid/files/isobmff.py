"""Boxes: the parts of JPEG 2000, JPEG XL and their kin, each a size, a kind of four letters, and a content.

Source: ISO/IEC 14496-12 (the size of 1, followed by 8 bytes; the size of 0, to the end of the file).
"""

from __future__ import annotations

import struct

Box = tuple[bytes, bytes]


def parse(data: bytes) -> list[Box]:
    """Kind and content of each box, in order.

    Raises:
        ValueError: when a box ends beyond the data.

    >>> parse(build(b"free", b"abc"))
    [(b'free', b'abc')]
    """
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(data) - at
        if size < head or at + size > len(data):
            raise ValueError(f"the box at byte {at} ends beyond the file: it is incomplete. Copy it again.")
        found.append((kind, data[at + head : at + size]))
        at += size
    return found


def build(kind: bytes, content: bytes) -> bytes:
    """One box with its size."""
    if len(content) + 8 < 2**32:
        return struct.pack(">I", len(content) + 8) + kind + content
    return struct.pack(">I", 1) + kind + struct.pack(">Q", len(content) + 16) + content
