"""NPY: arrays saved by NumPy. The file names no axes, so a last axis of 1 to 4 is taken as samples."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pellucid.files.decoding import check_size, decoding
from pellucid.files.stored import Stored


def read(data: bytes, most: int) -> Stored:
    """The content of an NPY file.

    Raises:
        ValueError: when the file is damaged, incomplete, too large, or holds fewer than two axes or Python
            objects.
    """
    notes: list[str] = []
    with decoding("NPY", notes):
        file = io.BytesIO(data)
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read_header(file)
    if dtype.hasobject:
        raise TypeError("pixels must be integers or floats, got Python objects. Save a numeric array.")
    if len(shape) < 2:
        raise ValueError(f"the array must have at least two axes (H, W), got shape {shape}. Reshape it.")
    check_size(shape, most)
    with decoding("NPY", notes):
        array: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
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


def write(file: BinaryIO, array: NDArray[Any], *, order: str = "C") -> None:
    """Write an NPY file, in row-major ("C") or column-major ("F") order."""
    np.save(
        file, np.asfortranarray(array) if order == "F" else np.ascontiguousarray(array), allow_pickle=False
    )
