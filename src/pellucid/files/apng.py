"""Animated PNG: the chunks that make frames of pictures, and how long each is shown.

Source: PNG specification, third edition, 11.3.6 (acTL, fcTL, fdAT).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files import film
from pellucid.files.decoding import decoding

Chunk = tuple[str, bytes]
CONTROL = ">IIIIIHHBB"
"""fcTL: sequence, width, height, left, top, delay (numerator, denominator), dispose, blend"""
LONGEST = 65535


def timing(chunks: Sequence[Chunk]) -> dict[str, Any]:
    """Milliseconds of each frame and the number of plays; {} where the file is not animated."""
    plays = [content for kind, content in chunks if kind == "acTL"]
    delays = [
        struct.unpack(CONTROL, content)[5:7]
        for kind, content in chunks
        if kind == "fcTL" and len(content) == 26
    ]
    if not plays or len(plays[0]) != 8 or len(delays) < 2:
        return {}
    durations = tuple(1000.0 * above / (below or 100) for above, below in delays)
    return {"film.durations": durations, "film.plays": int.from_bytes(plays[0][4:], "big")}


def decode(data: bytes, chunks: Sequence[Chunk], count: int) -> NDArray[Any]:
    """The frames (T, H, W) or (T, H, W, S) as they are shown.

    Raises:
        ValueError: when they are damaged, or others than were announced.
    """
    import imagecodecs

    kinds = [kind for kind, _ in chunks]
    hidden = int("fcTL" not in kinds[: kinds.index("IDAT")])  # a picture for viewers that know no animation
    with decoding("PNG"):
        frames: NDArray[Any] = np.asarray(imagecodecs.apng_decode(data))
        if len(frames) != count + hidden:
            raise ValueError(f"{len(frames)} frames where {count + hidden} were announced")
    return frames[hidden:]


def animated(frames: Sequence[Sequence[Chunk]], metadata: Mapping[str, Any]) -> list[list[Chunk]]:
    """What makes pictures of equal size and kind, each a list of chunks, a film.

    Returns:
        the chunk that announces the frames, then the chunks of each frame.
    """
    durations, plays = film.timing(metadata, len(frames))
    size = frames[0][0][1][:8]
    announced: list[list[Chunk]] = [[("acTL", struct.pack(">II", len(frames), plays))]]
    number = 0
    for index, (chunks, duration) in enumerate(zip(frames, durations, strict=True)):
        delay = Fraction(duration / 1000).limit_denominator(1000)
        above, below = min(delay.numerator, LONGEST), delay.denominator
        control = struct.pack(">I", number) + size + struct.pack(">IIHHBB", 0, 0, above, below, 0, 0)
        part: list[Chunk] = [("fcTL", control)]
        number += 1
        for content in (content for kind, content in chunks if kind == "IDAT"):
            if index == 0:
                part.append(("IDAT", content))
                continue
            part.append(("fdAT", struct.pack(">I", number) + content))
            number += 1
        announced.append(part)
    return announced
