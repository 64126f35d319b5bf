"""CZI, LIF and ND2, the files of microscopes by Zeiss, Leica and Nikon: read, and written as OME-TIFF.

Metadata: ``micron``, the size of a pixel along X, Y and Z, where the file tells it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import extras
from pellucid.files.decoding import check_size, decoding
from pellucid.files.stored import Stored

PLAIN = "TZCYXS"
METRE = 1e6
"""micrometres"""


def read(path: Path, most: int) -> Stored:
    """The first picture of a microscope's file; further ones are counted, and left out.

    Raises:
        MissingExtra: when the package for its kind is not installed.
        ValueError: when the file is damaged, incomplete or too large.
    """
    with path.open("rb") as opened:
        head = opened.read(16)
    if head.startswith(b"ZISRAWFILE"):
        return _czi(path, most)
    return _lif(path, most) if head[:4] == b"\x70\0\0\0" else _nd2(path, most)


def _czi(path: Path, most: int) -> Stored:
    extras.need("microscopes", "CZI files", "czifile")
    import czifile

    with decoding("CZI"), czifile.CziFile(path) as held:
        shape, axes, words = tuple(held.shape), str(held.axes), str(held.metadata() or "")
    check_size(shape, most)
    with decoding("CZI"), czifile.CziFile(path) as held:
        array: NDArray[Any] = np.array(held.asarray(max_workers=1))
    sizes = {
        axis: float(value) * METRE
        for axis, value in re.findall(r'<Distance Id="([XYZ])">\s*<Value>([^<]+)</Value>', words)
    }
    return _stored(array, axes.replace("S", "Q").replace("0", "S"), sizes)


def _lif(path: Path, most: int) -> Stored:
    extras.need("microscopes", "LIF files", "liffile")
    import liffile

    with decoding("LIF"), liffile.LifFile(path) as held:
        count = len(held.images)
        if not count:
            raise ValueError("no pictures found")
        first = held.images[0]
        check_size(first.shape, most)
        array: NDArray[Any] = np.array(first.asarray())
        axes, coords = "".join(first.dims), dict(first.coords)
        name = str(first.name)
    sizes = {
        axis: abs(float(coords[axis][1]) - float(coords[axis][0])) * METRE
        for axis in "XYZ"
        if axis in coords and len(coords[axis]) > 1
    }
    more = (f"the first of {count} pictures is read, {name}; the others are left out.",) if count > 1 else ()
    return _stored(array, axes, sizes, more)


def _nd2(path: Path, most: int) -> Stored:
    extras.need("microscopes", "ND2 files", "nd2")
    import nd2

    with decoding("ND2"), nd2.ND2File(path) as held:
        check_size(held.shape, most)
        array: NDArray[Any] = np.array(held.asarray())
        axes, voxel = "".join(held.sizes), held.voxel_size()
        bits = int(getattr(held.attributes, "bitsPerComponentSignificant", 0) or 0)
    sizes = {"X": float(voxel.x), "Y": float(voxel.y), "Z": float(voxel.z)}
    stored = _stored(array, axes, sizes)
    return stored if not 8 < bits < 16 or array.dtype != np.uint16 else _with_bits(stored, bits)


def _with_bits(stored: Stored, bits: int) -> Stored:
    from dataclasses import replace

    return replace(stored, bits=bits)


def _stored(array: NDArray[Any], axes: str, sizes: dict[str, float], notes: tuple[str, ...] = ()) -> Stored:
    """Without axes of length 1, and with those that OME does not know as plain ones (Q)."""
    keep = [i for i, letter in enumerate(axes) if array.shape[i] > 1 or letter in "YX"]
    axes = "".join(axes[i] if axes[i] in PLAIN else "Q" for i in keep)
    array = array.reshape([array.shape[i] for i in keep])
    color = "S" in axes and array.shape[axes.index("S")] == 3
    return Stored(
        array=array,
        axes=axes,
        color=color,
        metadata={"micron": {axis: float(f"{size:.9g}") for axis, size in sizes.items() if size > 0}},
        notes=notes,
    )
