"""Source: one image file of which crops are read; a stack stays on the disk where it can be mapped."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.data.cache import Cache
from pellucid.files import signatures
from pellucid.files.stored import channel_axis
from pellucid.files.working_range import white

Crop = NDArray[np.float32]
LOOKED_AT = 64
"""slices of a mapped stack that tell its range"""


class Source(Protocol):
    """Slices of one size, in working units, that are read piece by piece."""

    @property
    def name(self) -> str:
        """What to call it in messages; seeds depend on it."""
        ...

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        ...

    @property
    def axes(self) -> str:
        """A letter for every axis of what is stored; slices are counted row by row over all but C, Y, X."""
        ...

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of these axes."""
        ...

    @property
    def white(self) -> float:
        """The stored value that 1.0 stands for."""
        ...

    @property
    def color(self) -> bool:
        """Whether the channels are display colours."""
        ...

    def crop(self, number: int, rows: slice, columns: slice) -> Crop:
        """(C, h, w) of slice `number`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """An array on the disk; only what is cropped is ever in memory.

    Attributes:
        name: what to call it.
        array: (..., C, H, W) memory map of the stored values.
        white: the stored value that 1.0 stands for.
        color: whether the channels are display colours.
        axes: of what is stored, a letter each.
        lengths: of these axes.
    """

    name: str
    array: NDArray[Any]
    white: float
    color: bool
    axes: str
    lengths: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, H, W)."""
        channels, height, width = self.array.shape[-3:]
        return int(np.prod(self.array.shape[:-3])), channels, height, width

    def crop(self, number: int, rows: slice, columns: slice) -> Crop:
        """(C, h, w) of slice `number`, working units.

        Raises:
            ValueError: when a value is not finite.
        """
        place: tuple[Any, ...] = np.unravel_index(number, self.array.shape[:-3])
        stored = self.array[(*place, slice(None), rows, columns)]
        piece = np.divide(stored, self.white, dtype=np.float64)
        if not np.isfinite(piece).all():
            raise ValueError(
                f"{self.name}: pixels must be finite, slice {number} holds NaN or infinite values. Replace "
                f"them."
            )
        values: Crop = piece.astype(np.float32)
        return values


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A compressed file, decoded whole when a crop of it is wanted; the last used ones are kept.

    Attributes:
        name: what to call it.
        path: of the file.
        shape: (N, C, H, W).
        white: the stored value that 1.0 stands for.
        color: whether the channels are display colours.
        own: the white that the file is decoded with.
        data_range: as stated, or None.
        cache: keeps the stored values.
        axes: of what is stored, a letter each.
        lengths: of these axes.
    """

    name: str
    path: Path
    shape: tuple[int, int, int, int]
    white: float
    color: bool
    own: float
    data_range: float | None
    cache: Cache
    axes: str
    lengths: tuple[int, ...]

    def crop(self, number: int, rows: slice, columns: slice) -> Crop:
        """(C, h, w) of slice `number`, working units."""
        stored = self.cache.get(str(self.path), lambda: _decode(self.path, self.data_range)[0])
        piece = stored[number, :, rows, columns]
        unit = self.white if stored.dtype.kind == "u" else self.white / self.own
        values: Crop = np.divide(piece, np.float32(unit), dtype=np.float32)
        return values


def open_source(path: Path, cache: Cache, *, data_range: float | None = None, name: str = "") -> Source:
    """The source in a file: mapped where it lies uncompressed on the disk, else decoded.

    Raises:
        ValueError: when the file cannot be read, or is compressed and too large to be decoded over and over.
        OSError: as `files.read`.
    """
    name = name or path.name
    mapped = _map(path, data_range, name)
    if mapped is not None:
        return mapped
    stored, image = _decode(path, data_range)
    if stored.nbytes > cache.most:
        raise ValueError(
            f"{path} is compressed and takes {stored.nbytes / 1e9:.1f} GB when decoded, more than the "
            f"{cache.most / 1e9:.1f} GB that are kept. Save it as an uncompressed TIFF or as NPY: such are "
            f"read "
            "piece by piece."
        )
    cache.put(str(path), stored)
    count, channels, height, width = stored.shape
    return Decoded(
        name=name,
        path=path,
        shape=(count, channels, height, width),
        white=image.scale,
        color=image.color,
        own=image.scale,
        data_range=data_range,
        cache=cache,
        axes=image.axes,
        lengths=tuple(image.shape),
    )


def _decode(path: Path, data_range: float | None) -> tuple[NDArray[Any], Any]:
    """(N, C, H, W) in the smallest type that holds the values exactly, and the Image without its pixels."""
    image = files.read(path, data_range=data_range)
    if data_range is None and np.dtype(image.dtype).kind == "f" and image.scale != 1:
        image = files.read(path, data_range=1.0)  # the pictures of a training have one white
    pixels = image.pixels
    if image.holes is not None or image.offset:
        raise ValueError(
            f"{path}: a training takes no NaN, infinite or nodata pixels, nor any far off zero. Replace them."
        )
    kind = np.dtype(image.dtype)
    if kind in (np.dtype("uint8"), np.dtype("uint16")):
        return np.rint(pixels * np.float32(image.scale)).astype(kind), image
    return pixels, image


def _map(path: Path, data_range: float | None, name: str) -> Mapped | None:
    """The file as a memory map, or None where it has to be decoded."""
    format = signatures.of_file(path)
    found = _npy(path) if format == "npy" else _tiff(path) if format == "tiff" else None
    if found is None:
        return None
    array, axes, color, bits = found
    stored, lengths = axes, array.shape
    channel = channel_axis(axes)
    if channel is None:
        array, axes, channel = array[None], "C" + axes, 0
    last = [channel, axes.index("Y"), axes.index("X")]
    array = array.transpose([i for i in range(array.ndim) if i not in last] + last)
    array = array if array.ndim > 3 else array[None]
    return Mapped(
        name=name,
        array=array,
        white=_white(array, bits, data_range, path),
        color=color,
        axes=stored,
        lengths=lengths,
    )


def _white(array: NDArray[Any], bits: int | None, data_range: float | None, path: Path) -> float:
    """What 1.0 stands for, told from slices spread over the stack: no more than these are read."""
    places = list(np.ndindex(array.shape[:-3]))
    step = max(1, len(places) // LOOKED_AT)
    try:
        return max(white(array[place], bits=bits, data_range=data_range)[0] for place in places[::step])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _npy(path: Path) -> tuple[NDArray[Any], str, bool, int | None] | None:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError):
        return None  # the reader says what is wrong
    samples = array.shape[-1] if array.ndim > 2 and array.shape[-1] <= 4 else 0
    if array.ndim < 2 or array.dtype.kind not in "uif" or not array.size or samples in (2, 4):
        return None
    axes = "Q" * (array.ndim - 3) + "YXS" if samples else "Q" * (array.ndim - 2) + "YX"
    return array, axes, samples == 3, None


def _tiff(path: Path) -> tuple[NDArray[Any], str, bool, int | None] | None:
    """Plain gray and RGB files without alpha whose pixels lie in one uncompressed run."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            page, axes = series.keyframe, str(series.axes)
            plain = int(page.photometric) in (1, 2) and not page.extrasamples and len(file.series) == 1
            whole = int(page.bitspersample) == 8 * page.dtype.itemsize and page.dtype.kind in "uif"
            if not (plain and whole and axes.count("Y") == axes.count("X") == 1):
                return None
            color = "S" in axes and int(page.photometric) == 2
            declared = re.search(r"\bSignificantBits=\"(\d+)\"", file.ome_metadata or "")
        array = tifffile.memmap(path, mode="r")
    except (ValueError, OSError, IndexError, KeyError, AttributeError, TypeError):
        return None  # compressed, scattered or damaged: the reader takes it or says what is wrong
    if array.ndim != len(axes):
        return None
    return array, axes, color, int(declared[1]) if declared else None


def natural(path: str | os.PathLike[str]) -> list[tuple[int, int | str]]:
    """A key that sorts names as people count.

    >>> sorted(["f10.tif", "f9.tif"], key=natural)
    ['f9.tif', 'f10.tif']
    """
    parts = re.split(r"(\d+)", os.fspath(path))
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]
