"""IFDs, the linked tables of TIFF and EXIF: read one with its sub-tables, and write them elsewhere.

tifffile does not write the EXIF and GPS tables of a TIFF file; the block in a JPEG or PNG has the same
structure. Byte order is never changed: a copy is written in the order of the original.

Source: Adobe, TIFF Revision 6.0; CIPA DC-008, Exif 2.32; BigTIFF (8-byte counts and addresses).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

EXIF, GPS, INTEROPERABILITY = 34665, 34853, 40965
POINTERS = frozenset((EXIF, GPS, INTEROPERABILITY))
LONG, LONG8 = 4, 16
LARGEST = 64 * 2**20
DEEPEST = 3
MOST_TAGS = 4096

# Bytes per value of each TIFF data type.
SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}

ReadAt = Callable[[int, int], bytes]


class RawTag(NamedTuple):
    """One tag: its code, data type, number of values, and the values as bytes in the order of the file."""

    code: int
    dtype: int
    number: int
    value: bytes


@dataclass(frozen=True)
class Ifd:
    """One table: its tags but pointers, and the tables that it points to by the code of the pointer."""

    tags: tuple[RawTag, ...] = ()
    children: Mapping[int, Ifd] = field(default_factory=dict)


def walk(read_at: ReadAt, offset: int, order: str, *, big: bool = False, depth: int = 0) -> Ifd:
    """The table at ``offset`` with its EXIF, GPS and interoperability tables.

    Args:
        read_at: gives the bytes at (offset, length).
        offset: where the table is.
        order: "<" or ">".
        big: whether counts and addresses have 8 bytes.
        depth: how many tables lead to this one.

    Raises:
        ValueError: when the table is damaged.
    """
    count_size, entry_size, room = (8, 20, 8) if big else (2, 12, 4)
    count = struct.unpack(order + ("Q" if big else "H"), _exactly(read_at, offset, count_size))[0]
    if count * entry_size > LARGEST or depth > DEEPEST:
        raise ValueError("the EXIF block is damaged")
    table = _exactly(read_at, offset + count_size, count * entry_size)
    tags: list[RawTag] = []
    children: dict[int, Ifd] = {}
    for at in range(0, len(table), entry_size):
        code, dtype, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), table, at)
        inline = table[at + entry_size - room : at + entry_size]
        address = struct.unpack(order + ("Q" if big else "I"), inline)[0]
        size = number * SIZES.get(dtype, LARGEST + 1)
        if size > LARGEST:
            raise ValueError("the EXIF block is damaged")
        if code in POINTERS:
            children[code] = walk(read_at, address, order, big=big, depth=depth + 1)
        else:
            value = inline[:size] if size <= room else _exactly(read_at, address, size)
            tags.append(RawTag(code, dtype, number, value))
    return Ifd(tuple(tags), children)


def _exactly(read_at: ReadAt, offset: int, length: int) -> bytes:
    data = read_at(offset, length)
    if len(data) != length:
        raise ValueError("the EXIF block is damaged")
    return data


def build(ifd: Ifd, order: str, start: int, *, big: bool = False) -> bytes:
    """The bytes of a table and all below it, to be placed at ``start`` of a file.

    >>> tag = RawTag(274, 3, 1, b"\\6\\0")
    >>> walk(lambda at, n: build(Ifd((tag,)), "<", 0)[at : at + n], 0, "<").tags == (tag,)
    True
    """
    word, address, entry = ("Q", "Q", "HHQ") if big else ("H", "I", "HHI")
    room = struct.calcsize(order + address)
    count = len(ifd.tags) + len(ifd.children)
    end = start + struct.calcsize(order + word) + count * (struct.calcsize(order + entry) + room) + room
    rows: list[tuple[int, bytes]] = []
    after = b""
    for tag in ifd.tags:
        value = tag.value
        if len(value) > room:
            after += bytes(-(end + len(after)) % 2)  # values begin at even addresses
            value, after = struct.pack(order + address, end + len(after)), after + value
        rows.append(
            (tag.code, struct.pack(order + entry, tag.code, tag.dtype, tag.number) + value.ljust(room, b"\0"))
        )
    for code, child in ifd.children.items():
        after += bytes(-(end + len(after)) % 2)
        place = end + len(after)
        rows.append((code, struct.pack(order + entry + address, code, LONG8 if big else LONG, 1, place)))
        after += build(child, order, place, big=big)
    table = b"".join(row for _, row in sorted(rows))
    return struct.pack(order + word, count) + table + bytes(room) + after


def parse_block(block: bytes) -> tuple[Ifd, str]:
    """The first table of an EXIF block and its byte order.

    Raises:
        ValueError: when it is damaged.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        raise ValueError("the EXIF block is damaged")
    offset = struct.unpack(order + "I", block[4:8])[0]
    return walk(lambda at, n: block[at : at + n], offset, order), order


def to_block(ifd: Ifd, order: str) -> bytes:
    """An EXIF block that holds the table.

    >>> parse_block(to_block(Ifd((RawTag(271, 2, 6, b"Canon\\0"),)), ">"))[0].tags[0].value
    b'Canon\\x00'
    """
    header = b"II*\0" if order == "<" else b"MM\0*"
    return header + struct.pack(order + "I", 8) + build(ifd, order, 8)


def append(file: BinaryIO, children: Mapping[int, Ifd]) -> None:
    """Write sub-tables at the end of a TIFF file and fill the pointers to them in its first table."""
    order, big, first = _header(file)
    address = order + ("Q" if big else "I")
    count_size, entry_size, room = (8, 20, 8) if big else (2, 12, 4)
    file.seek(first)
    count = struct.unpack(order + ("Q" if big else "H"), file.read(count_size))[0]
    table = file.read(count * entry_size)
    for at in range(0, len(table), entry_size):
        code = struct.unpack_from(order + "H", table, at)[0]
        if code in children:
            place = file.seek(0, 2)
            place += file.write(bytes(place % 2))
            file.write(build(children[code], order, place, big=big))
            file.seek(first + count_size + at + entry_size - room)
            file.write(struct.pack(address, place))


def _header(file: BinaryIO) -> tuple[str, bool, int]:
    """Byte order, whether addresses have 8 bytes, and the address of the first table of a TIFF file."""
    file.seek(0)
    head = file.read(16)
    order, big = ("<" if head[:2] == b"II" else ">"), head[2:4] in (b"+\0", b"\0+")
    if len(head) < (16 if big else 8):
        raise ValueError("the TIFF file ends early: it is incomplete. Copy or save it again.")
    return order, big, struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)[0]


def check_chain(file: BinaryIO) -> list[str]:
    """Follow the chain of pages, and say what is wrong with the tags that tifffile then goes without.

    Raises:
        ValueError: when the chain leads out of the file or in a circle; tifffile would go without the pages.
    """
    doubts: list[str] = []
    order, big, place = _header(file)
    size = file.seek(0, 2)
    count_size, entry_size, room = (8, 20, 8) if big else (2, 12, 4)
    seen: set[int] = set()
    while place:
        if place in seen:
            raise ValueError("the pages of the TIFF file lead in a circle: it is damaged. Copy it again.")
        seen.add(place)
        raw = b""
        if place < size:
            file.seek(place)
            raw = file.read(count_size)
        count = int.from_bytes(raw, "little" if order == "<" else "big")
        after = place + count_size + count * entry_size
        if len(raw) < count_size or after + room > size:
            raise ValueError("the TIFF file ends early: it is incomplete. Copy or save it again.")
        doubts += (
            [] if doubts or count > MOST_TAGS else _doubts(file.read(count * entry_size), order, big, size)
        )
        file.seek(after)
        place = struct.unpack(order + ("Q" if big else "I"), file.read(room))[0]
    return doubts


def _doubts(table: bytes, order: str, big: bool, size: int) -> list[str]:
    """What is wrong with the tags of a table in a file of `size` bytes."""
    found = []
    for code, dtype, number, address in struct.iter_unpack(order + ("HHQQ" if big else "HHII"), table):
        length = number * SIZES.get(dtype, 0)
        if dtype not in SIZES:
            found.append(f"tag {code} is of the unknown type {dtype}")
        elif length > (8 if big else 4) and address + length > size:
            found.append(f"tag {code} leads out of the file")
    return found


def pointers(codes: Iterable[int], *, big: bool) -> list[tuple[str, int, int, int, bool]]:
    """Pointer tags for tifffile's ``extratags``, filled by `append`; by name, as it refuses their codes."""
    names = {EXIF: "ExifTag", GPS: "GPSTag"}
    return [(names[code], LONG8 if big else LONG, 1, 0, True) for code in codes if code in names]
