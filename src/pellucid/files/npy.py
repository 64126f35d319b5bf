"""NPY: arrays saved by NumPy. The file names no axes, so a last axis of 1 to 4 is taken as samples."""

from __future__ import annotations

import ast
import io
import math
import re
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.sheet import Sheet
from pellucid.files.stored import Stored

LONGEST = 10_000
"""bytes of a header, NumPy's own limit"""


def read(path: Path, most: int) -> Stored:
    """The content of an NPY file.

    Raises:
        ValueError: when the file is damaged, incomplete, too large, or holds fewer than two axes or Python
            objects.
    """
    notes: list[str] = []
    data = path.read_bytes()
    with decoding("NPY"):
        shape, fortran, dtype, start = header(io.BytesIO(data))
    if dtype.hasobject:
        raise TypeError("pixels must be integers or floats, got Python objects. Save a numeric array.")
    if len(shape) < 2:
        raise ValueError(f"the array must have at least two axes (H, W), got shape {shape}. Reshape it.")
    check_size(shape, most)
    with decoding("NPY"):
        flat: NDArray[Any] = np.frombuffer(data, dtype, math.prod(shape), start)
        array = flat.reshape(shape, order="F" if fortran else "C").copy(order="A")
    samples = array.shape[-1] if array.ndim > 2 and array.shape[-1] <= 4 else 0
    if array.ndim > 2:
        axes = "Q" * (array.ndim - 3) + "YXS" if samples else "Q" * (array.ndim - 2) + "YX"
        last = {1: "gray", 2: "gray and alpha", 3: "RGB", 4: "RGB and alpha"}.get(samples)
        words = f"the last axis as {last}" if last else "the last two axes as rows and columns of a stack"
        notes.append(f"an NPY file names no axes: shape {array.shape} was read with {words}.")
    else:
        axes = "YX"
    return Stored(
        array=array,
        axes=axes,
        color=samples >= 3,
        alpha=samples - 1 if samples in (2, 4) else None,
        metadata={"npy.order": "F" if fortran else "C"},
        notes=tuple(notes),
    )


def header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """What the head of an NPY file declares: shape, whether column-major, type, and where the values start.

    Read here because NumPy warns of files that Python 2 wrote (their numbers end in L).

    Raises:
        ValueError: when it is no such head.

    >>> file = io.BytesIO()
    >>> np.save(file, np.zeros((2, 3), "uint8"))
    >>> header(io.BytesIO(file.getvalue()))
    ((2, 3), False, dtype('uint8'), 128)
    """
    start = file.read(8)
    if start[:6] != b"\x93NUMPY" or len(start) < 8 or start[6] not in (1, 2, 3):
        raise ValueError("no NPY header")
    size = file.read(2 if start[6] == 1 else 4)
    length = int.from_bytes(size, "little")
    if length > LONGEST:
        raise ValueError(f"a header of {length} bytes")
    raw = file.read(length)
    if len(raw) < length:
        raise ValueError("the header ends early")
    text = raw.decode("utf-8" if start[6] == 3 else "latin-1")
    try:
        found = ast.literal_eval(re.sub(r"(?<=\d)L(?=[,) ])", "", text).strip())
    except SyntaxError as error:
        raise ValueError("the header is damaged") from error
    if set(found) != {"descr", "fortran_order", "shape"}:
        raise ValueError(f"the header names {sorted(found)}")
    shape, fortran = found["shape"], found["fortran_order"]
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"shape {shape}")
    return shape, bool(fortran), np.lib.format.descr_to_dtype(found["descr"]), len(start + size) + length


def write(file: BinaryIO, sheet: Sheet) -> tuple[str, ...]:
    """Write an NPY file, in row-major or column-major order, as it came."""
    column_major = sheet.metadata.get("npy.order") == "F"
    array = np.asfortranarray(sheet.array) if column_major else np.ascontiguousarray(sheet.array)
    np.save(file, array, allow_pickle=False)
    return ()
