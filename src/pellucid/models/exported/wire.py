"""A file of protobuf messages, counted before anything makes objects of it.

A message of two bytes becomes an object of some hundred, a number of one byte one of eight. Who parses a
stranger's file first and counts then has no bound.
"""

from __future__ import annotations

from typing import Any

MESSAGES = 2**16
"""most messages and fields that a graph may have; ours have some thousand"""
NUMBERS = 2**20
"""most bytes of numbers that grow when they are read; weights lie in the file as they are used"""
DEPTH = 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def check(data: bytes, kind: Any) -> None:
    """Refuse a file that would become far larger than it is.

    Args:
        data: the file.
        kind: the descriptor of its outermost message.

    Raises:
        ValueError: naming what it has too much of, or that it is no such message.
    """
    fields = numbers = 0
    left: list[tuple[int, int, Any, int]] = [(0, len(data), kind, 0)]
    while left:
        place, end, message, depth = left.pop()
        if depth > DEPTH:
            raise ValueError("its messages lie too deep in each other")
        while place < end:
            fields += 1
            if fields > MESSAGES:
                raise ValueError(f"it has more than {MESSAGES:,} parts, which no export has")
            tag, place = _number(data, place, end)
            field, wire = message.fields_by_number.get(tag >> 3), tag & 7
            if wire == _VARINT:
                _, place = _number(data, place, end)
                continue
            if wire in (_FIXED64, _FIXED32):
                place += 8 if wire == _FIXED64 else 4
            elif wire == _BYTES:
                size, place = _number(data, place, end)
                if field is not None and field.message_type is not None:
                    left.append((place, place + size, field.message_type, depth + 1))
                elif field is not None and field.type in _GROWING:
                    numbers += size
                    if numbers > NUMBERS:
                        raise ValueError("its numbers are not written as weights are")
                place += size
            else:
                raise ValueError("it is damaged, or no ONNX file")
            if place > end:
                raise ValueError("it is damaged, or no ONNX file")


def _number(data: bytes, place: int, end: int) -> tuple[int, int]:
    """A varint, and where it ends.

    >>> _number(bytes([0b10010110, 1]), 0, 2)
    (150, 2)
    """
    value = shift = 0
    while place < end and shift < 70:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
    raise ValueError("it is damaged, or no ONNX file")


_GROWING = frozenset({3, 4, 5, 8, 13, 14, 17, 18})
"""kinds of numbers that take as few as one byte in a file (protobuf's int64, uint64, int32, bool …)"""
