"""PBM, PGM, PPM and PAM, the formats of Netpbm: a few words, then the values.

Pillow reads 16-bit colour of them as 8-bit, and no largest value but 255 and 65535.

Source: the manual pages pbm(5), pgm(5), ppm(5), pam(5) of Netpbm.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

SAMPLES = {b"P1": 1, b"P2": 1, b"P3": 3, b"P4": 1, b"P5": 1, b"P6": 3}
PLAIN, BITMAPS = (b"P1", b"P2", b"P3"), (b"P1", b"P4")
TOP = 65535
_TOKEN = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*([^\s#]+)")
_LONGEST = 4096


def read(path: Path, most: int) -> Stored:
    """The content of a PBM, PGM, PPM or PAM file: 8 or 16 bits, up to the largest value that it states.

    Raises:
        ValueError: when the file is damaged, incomplete or too large.
    """
    data = path.read_bytes()
    magic = data[:2]
    with decoding("PPM"):
        width, height, samples, top, start = _pam(data) if magic == b"P7" else _head(data, magic)
        if not 1 <= top <= TOP or not 1 <= samples <= 4:
            raise ValueError(f"{samples} samples up to {top}")
    check_size((height, width, samples), most)
    with decoding("PPM"):
        array = _values(data[start:], magic, (height, width, samples), top)
    notes = []
    if top == 1:
        array = array.astype(np.uint8) * np.uint8(255)
        notes, top = ["1-bit gray was expanded to 8 bits, so that the result can hold shades between."], 255
    exact = (top + 1).bit_count() == 1
    if not exact:
        notes.append(f"white is {top}, as the file states; the output says so too.")
    return Stored(
        array=array[..., 0] if samples == 1 else array,
        axes="YX" if samples == 1 else "YXS",
        color=samples >= 3,
        alpha=samples - 1 if samples in (2, 4) else None,
        bits=top.bit_length() if top.bit_length() not in (8, 16) and top > 255 else None,
        metadata={"pnm.top": top},
        notes=tuple(notes),
    )


def _head(data: bytes, magic: bytes) -> tuple[int, int, int, int, int]:
    """Width, height, samples, the largest value, and where the values start."""
    at, numbers = 2, []
    for _ in range(2 if magic in BITMAPS else 3):
        token = _TOKEN.match(data, at)
        if token is None:
            raise ValueError("the header ends early")
        numbers.append(int(token[1]))
        at = token.end()
    top = 1 if magic in BITMAPS else numbers[2]
    return numbers[0], numbers[1], SAMPLES[magic], top, at + 1


def _pam(data: bytes) -> tuple[int, int, int, int, int]:
    end = data.index(b"ENDHDR\n", 0, _LONGEST) + 7
    lines = [line.split(None, 1) for line in data[:end].splitlines()[1:] if not line.startswith(b"#")]
    told = {line[0]: line[1] for line in lines if len(line) == 2}
    width, height, depth, top = (int(told[key]) for key in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    return width, height, depth, top, end


def _values(data: bytes, magic: bytes, shape: tuple[int, int, int], top: int) -> NDArray[Any]:
    height, width, samples = shape
    if magic == b"P4":
        rows = np.frombuffer(data, np.uint8, height * ((width + 7) // 8)).reshape(height, -1)
        return 1 - np.unpackbits(rows, axis=1)[:, :width, None]
    kind = np.dtype("u1" if top < 256 else ">u2")
    count = height * width * samples
    if magic in PLAIN:
        text = re.sub(rb"#[^\r\n]*", b"", data)
        words = re.findall(rb"[01]", text) if magic == b"P1" else text.split()
        values = np.array(words[:count], dtype=np.int64)
        if values.size < count:
            raise ValueError(f"{values.size} values where {count} were announced")
        values = 1 - values if magic == b"P1" else values
    else:
        values = np.frombuffer(data, kind, count)
    if values.size and (int(values.max()) > top or int(values.min()) < 0):
        raise ValueError(f"a value of {int(values.max())} where the largest is {top}")
    return values.astype(kind.newbyteorder("=")).reshape(shape)


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write binary PGM, PPM, or PAM where there is alpha."""
    array = sheet.array if sheet.array.ndim == 3 else sheet.array[..., None]
    height, width, samples = array.shape
    deepest = 2 ** (sheet.image.bits or 8 * array.dtype.itemsize) - 1
    top = min(int(sheet.metadata.get("pnm.top", deepest)), deepest) if array.dtype.itemsize > 1 else 255
    if array.dtype.itemsize == 1:
        top = int(sheet.metadata.get("pnm.top", 255))
    array = np.minimum(array, top)  # white is white: nothing is brighter in such a file
    if samples in (2, 4):
        kind = "GRAYSCALE_ALPHA" if samples == 2 else "RGB_ALPHA"
        lines = f"WIDTH {width}\nHEIGHT {height}\nDEPTH {samples}\nMAXVAL {top}\nTUPLTYPE {kind}\nENDHDR\n"
        file.write(b"P7\n" + lines.encode())
    else:
        file.write(f"P{5 if samples == 1 else 6}\n{width} {height}\n{top}\n".encode())
    file.write(array.astype("u1" if top < 256 else ">u2").tobytes())
    return ()
