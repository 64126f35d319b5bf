"""PNG: pixels through imagecodecs (Pillow reads 16-bit colour as 8-bit), other chunks kept as they are."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files import apng
from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_PROFILE = 64 * 2**20
INCH = 0.0254  # metres
LARGE = 1_000_000  # pixels from which on it is tried whether to look for repetitions
STRIP = 64  # rows by which that is tried


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


GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
SAMPLES = {GRAY: 1, RGB: 3, PALETTE: 3, GRAY_ALPHA: 2, RGBA: 4}
KNOWN = frozenset(
    {"cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "cICP", "mDCV", "cLLI", "pHYs", "sPLT", "bKGD", "tIME", "iTXt"}
    | {"tEXt", "zTXt", "eXIf", "oFFs", "pCAL", "sCAL", "sTER"}
)
ANIMATION = frozenset(("acTL", "fcTL", "fdAT"))
PIXELS = frozenset(("IHDR", "PLTE", "tRNS", "hIST", "IDAT", "IEND"))


def read(path: Path, most: int) -> Stored:
    """The content of a PNG file; palettes, transparent colours and 1, 2 and 4 bits are expanded, and noted.

    Raises:
        ValueError: when the file is damaged, incomplete or too large.
    """
    notes: list[str] = []
    data = path.read_bytes()
    with_pixels = list(parse(data))
    if with_pixels[0][0] != "IHDR" or len(with_pixels[0][1]) != 13:
        raise ValueError("the PNG file does not start with its header (IHDR): it is damaged. Copy it again.")
    width, height, depth, kind = struct.unpack(">IIBB", with_pixels[0][1][:10])
    timing = apng.timing(with_pixels)
    count = len(timing.get("film.durations", (0,)))
    check_size((*((count,) if count > 1 else ()), height, width, SAMPLES.get(kind, 1)), most)
    array = apng.decode(data, with_pixels, count) if count > 1 else _decode(data)
    names = [name for name, _ in with_pixels]
    samples = array.shape[-1] if array.ndim == 3 + (count > 1) else 0
    alpha = samples in (2, 4)
    if kind == PALETTE:
        notes.append(f"the palette was expanded to {'RGB and alpha' if alpha else 'RGB'}.")
    elif "tRNS" in names:
        notes.append("the transparent colour was expanded to alpha.")
    elif depth < 8:
        notes.append(f"{depth}-bit gray was expanded to 8 bits, so that the result can hold shades between.")
    kept, dropped = _kept(with_pixels, expanded=kind == PALETTE or "tRNS" in names or depth < 8)
    if count > 1:
        notes.append(f"animated: its {count} frames are read as a film.")
    if dropped - ANIMATION:
        notes.append(
            f"PNG chunks that depend on the pixels are dropped: {', '.join(sorted(dropped - ANIMATION))}."
        )
    common = dict(kept[0] + kept[1])
    with decoding("PNG metadata"):
        metadata = common_metadata(kept[0] + kept[1])
    return Stored(
        array=array,
        axes="T" * (count > 1) + "YX" + "S" * (samples > 0),
        color=samples >= 3,
        alpha=samples - 1 if alpha else None,
        bits=max(common["sBIT"][: 1 if kind in (GRAY, GRAY_ALPHA) else 3])
        if depth == 16 and "sBIT" in common
        else None,
        metadata=metadata | {"png.chunks": kept} | timing,
        notes=tuple(notes),
    )


def _decode(data: bytes) -> NDArray[Any]:
    import imagecodecs

    with decoding("PNG"):
        array: NDArray[Any] = imagecodecs.png_decode(data)
    return array


def _kept(
    found: list[tuple[str, bytes]], *, expanded: bool
) -> tuple[tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]], set[str]]:
    """Chunks to write back before and after the pixels, and the types dropped.

    The specification calls an unknown chunk safe to copy, when the pixels change, by the lower case of its
    last letter.
    """
    before: list[tuple[str, bytes]] = []
    after: list[tuple[str, bytes]] = []
    dropped: set[str] = set()
    place = before
    for kind, content in found:
        if kind == "IDAT":
            place = after
        if kind in PIXELS or (expanded and kind in ("bKGD", "sBIT")):
            continue
        if kind in KNOWN or (kind not in ANIMATION and kind[3:].islower()):
            place.append((kind, content))
        else:
            dropped.add(kind)
    return (before, after), dropped


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write a picture, or the frames of a film as an animated PNG, with the chunks of the metadata."""
    metadata = sheet.metadata
    frames = [_plain(frame) for frame in sheet.frames]
    header, pixels = frames[0][0], [chunk for chunk in frames[0][1:] if chunk[0] == "IDAT"]
    animation: list[tuple[str, bytes]] = []
    if len(frames) > 1:
        animation, *parts = apng.animated(frames, metadata)
        pixels = [chunk for part in parts for chunk in part]
    before, after = metadata.get("png.chunks", (from_common(metadata), []))
    file.write(SIGNATURE)
    for kind, content in (header, *animation, *before, *pixels, *after, ("IEND", b"")):
        file.write(build(kind, content))
    return ()


def _plain(array: NDArray[Any]) -> list[tuple[str, bytes]]:
    """The chunks of (H, W) or (H, W, 2 to 4) uint8 or uint16."""
    import imagecodecs

    return list(parse(bytes(imagecodecs.png_encode(array, **_packing(array)))))


def _packing(array: NDArray[Any]) -> dict[str, int]:
    """How to pack a picture: as usual, or for a large one of fine grain as its runs of like steps.

    Next to no piece of a photograph comes twice, and to look for one takes ten times as long as all else:
    there the search is left out where that makes the file no larger, as a strip of the middle tells.
    """
    import imagecodecs

    usual = {"level": 6}
    if array.shape[0] * array.shape[1] < LARGE:
        return usual
    middle = array.shape[0] // 2
    strip = np.ascontiguousarray(array[middle : middle + STRIP])
    runs = {"level": 6, "strategy": imagecodecs.PNG.STRATEGY.RLE, "filter": imagecodecs.PNG.FILTER.PAETH}
    sizes = [len(imagecodecs.png_encode(strip, **packing)) for packing in (usual, runs)]
    return runs if sizes[1] <= sizes[0] else usual
