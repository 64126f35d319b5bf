"""TIFF and BigTIFF files as stores: strips and tiles are read, and plain ones written, where they lie."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files import tiff as codec
from pellucid.files import tiff_write
from pellucid.files.decoding import decoding
from pellucid.files.ifd import check_chain
from pellucid.files.tiff_tags import (
    PALETTE,
    RGB,
    YCBCR,
    Pages,
    bits_of,
    nodata_of,
    pages_of,
    sub_tables,
)
from pellucid.stores import ome
from pellucid.stores.region import Region, common, size, within
from pellucid.stores.space import reserved
from pellucid.stores.store import Form, Store

PLAIN = 1
"""TIFF code of no compression"""


@dataclass(frozen=True)
class Piece:
    """A strip or tile.

    Attributes:
        place: where it lies in its page (rows, columns, samples), of which it may reach beyond the end.
        shape: (rows, columns, samples) as it is stored.
        number: among the strips or tiles of the page.
    """

    place: Region
    shape: tuple[int, int, int]
    number: int


class Tiff:
    """The one picture or stack of a TIFF file; see `Store`.

    Args:
        path: of the file.
        axes: what its axes are, where the user says.
        write: whether it may be written to: it must be uncompressed, as `create` lays it out.

    Raises:
        ValueError: when it is damaged or incomplete, or holds several pictures, or a palette.
    """

    kind = "tiff"

    def __init__(self, path: Path, *, axes: str | None = None, write: bool = False) -> None:
        import tifffile

        self.path = path
        notes: list[str] = []
        with path.open("rb") as opened:
            check_chain(opened)
        with decoding("TIFF"), tifffile.TiffFile(path) as file:
            series = list(file.series)
            if not series:
                raise ValueError("no pictures found")
            first = series[0]
            self._page = page = first.keyframe
            self.ome = file.ome_metadata if first.kind == "ome" else None
        self._check(series, notes)
        with decoding("TIFF"), tifffile.TiffFile(path) as file:
            first = file.series[0]
            self._page = page = first.keyframe
            tables = sub_tables(file, file.pages.first, [])
            self.pages: Pages = pages_of(file, first, tables)
            self._ends = self._addresses(first)
            self._tables = page.jpegtables
            self.form = self._form(file, first, axes)
        self.notes = tuple(notes)
        self._bytes = np.memmap(path, np.uint8, "r+" if write else "r")
        self._check_whole()
        self.pieces = list(_pieces(page))
        self._kept: dict[tuple[int, int], NDArray[Any]] = {}

    def _check(self, series: list[Any], notes: list[str]) -> None:
        """Refuse what is not read region by region."""
        page, kind = self._page, str(series[0].kind)
        codec.check_alone(series, self.ome, notes)
        codec.check_colours(page)
        if int(page.photometric) == PALETTE and kind not in ("imagej", "ome"):
            raise ValueError("a palette must be expanded first. Convert the picture to RGB.")
        if page.imagedepth != 1 or kind not in codec.PORTABLE or int(page.bitspersample) < 8:
            raise ValueError(
                f"a {kind} TIFF file of {page.bitspersample} bits is not read region by region. Save it as "
                "OME-TIFF or OME-Zarr."
            )

    def _addresses(self, series: Any) -> list[tuple[Any, Any]]:
        """For every plane the offsets and the lengths of its strips or tiles."""
        planes = math.prod(series.shape) // max(1, math.prod(self.pages.shape))
        found = [p for p in series.pages if p is not None]
        if len(found) == planes:
            return [(p.dataoffsets, p.databytecounts) for p in found]
        if self.pages.compression != PLAIN:
            raise ValueError(f"{planes - len(found)} of {planes} planes are missing")
        page = found[0]  # one page announces a stack whose planes follow each other
        length = math.prod(self.pages.shape) * page.dtype.itemsize
        start = int(page.dataoffsets[0])
        starts = np.asarray(page.dataoffsets, np.int64)
        sizes = np.asarray(page.databytecounts, np.int64)
        if len(starts) == 1:
            return [((start + i * length,), (length,)) for i in range(planes)]
        if int(sizes.sum()) != length:  # strips of the first plane, or of all of them at once
            count = len(starts) // planes
            return [(starts[i * count :][:count], sizes[i * count :][:count]) for i in range(planes)]
        return [(starts + i * length, sizes) for i in range(planes)]

    def _form(self, file: Any, series: Any, axes: str | None) -> Form:
        page = self._page
        shape = tuple(int(n) for n in series.shape)
        letters = str(series.axes)
        if letters.count("Y") != 1 or letters.count("X") != 1:
            letters = "Q" * (len(shape) - len(page.axes)) + str(page.axes)
        photometric = int(page.photometric)
        letters = letters if axes is None else axes.upper()
        alpha = codec.alpha_of(page, photometric) if "S" in letters else None
        samples = shape[letters.index("S")] - (alpha is not None) if "S" in letters else 1
        rows, columns = (self.pages.tile or (self.pages.rows or page.imagelength, page.imagewidth))[:2]
        chunks = [1] * len(shape)
        inner = list(self.pages.shape)
        own = [min(rows, page.imagelength), min(columns, page.imagewidth)]
        chunks[-len(inner) :] = inner
        first = len(shape) - len(inner) + (1 if self.pages.planar else 0)
        chunks[first : first + 2] = own
        declared = re.search(r"\bSignificantBits=\"(\d+)\"", self.ome or "")
        told = ome.told(self.ome or "", file)
        return Form(
            shape=shape,
            dtype=np.dtype(page.dtype).newbyteorder(self.pages.byteorder),
            axes=letters,
            chunks=tuple(chunks),
            color=samples == 3 and photometric in (RGB, YCBCR),
            alpha=alpha,
            bits=int(declared[1]) if declared else bits_of(page),
            nodata=nodata_of(file.pages.first),
            spacing=told.spacing,
            units=told.units,
            channels=told.channels,
            plain=self._plain,
        )

    def _check_whole(self) -> None:
        """Whether all strips and tiles lie in the file, as they do not where a copy was broken off."""
        ends = max(
            int((np.asarray(starts, np.int64) + np.asarray(sizes, np.int64)).max())
            for starts, sizes in self._ends
        )
        if ends > len(self._bytes):
            raise ValueError(
                f"the file ends after {len(self._bytes):,} bytes, and its pixels reach to {ends:,}: it is "
                "incomplete. Copy or save it again."
            )

    def read(self, region: Region) -> NDArray[Any]:
        """See `Store`."""
        result = np.empty(size(region), self.form.dtype.newbyteorder("="))
        for plane, place, inside in self._planes(region):
            self._read_page(plane, inside, result[place])
        return result

    def write(self, region: Region, values: NDArray[Any]) -> None:
        """See `Store`."""
        if self.pages.compression != PLAIN:
            raise ValueError("only an uncompressed TIFF file is written region by region.")
        for plane, place, inside in self._planes(region):
            part = self._as_page(values[place])
            for piece in self.pieces:
                shared = common(piece.place, self._as_box(inside))
                if shared is None:
                    continue
                stored = self._stored(plane, piece)
                stored[within(shared, piece.place)] = part[within(shared, self._as_box(inside))]
        self._bytes.flush()

    def _planes(self, region: Region) -> Iterator[tuple[int, tuple[int, ...], Region]]:
        """The planes of a region: their number, their index in what it holds, and the region of the page."""
        inner = len(self.pages.shape)
        outer, inside = region[:-inner], region[-inner:]
        lengths = self.form.shape[:-inner]
        for place in np.ndindex(*size(outer)):
            index = tuple(span.start + i for span, i in zip(outer, place, strict=True))
            plane = int(np.ravel_multi_index(index, lengths)) if lengths else 0
            yield plane, tuple(int(i) for i in place), inside

    def _as_box(self, inside: Region) -> Region:
        """A region of a page as (rows, columns, samples)."""
        if len(inside) == 2:
            return (*inside, slice(0, 1))
        return (inside[1], inside[2], inside[0]) if self.pages.planar else inside

    def _as_page(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of a page as (rows, columns, samples), a view."""
        if values.ndim == 2:
            return values[..., None]
        return np.moveaxis(values, 0, -1) if self.pages.planar else values

    def _read_page(self, plane: int, inside: Region, part: NDArray[Any]) -> None:
        box, out = self._as_box(inside), self._as_page(part)
        for piece in self.pieces:
            shared = common(piece.place, box)
            if shared is not None:
                held = (
                    self._stored(plane, piece) if self._direct(plane, piece) else self._decoded(plane, piece)
                )
                out[within(shared, box)] = held[within(shared, piece.place)]

    def _direct(self, plane: int, piece: Piece) -> bool:
        """Whether the values lie in the file as they are."""
        length = math.prod(piece.shape) * self.form.dtype.itemsize
        return self._plain and int(self._ends[plane][1][piece.number]) >= length

    @property
    def _plain(self) -> bool:
        """Whether values lie in the file as they are, as far as its strips are whole."""
        pages = self.pages
        return pages.compression == PLAIN and pages.predictor == 1 and int(self._page.fillorder) == 1

    def _stored(self, plane: int, piece: Piece) -> NDArray[Any]:
        """The values of a strip or tile, in the file itself."""
        start = int(self._ends[plane][0][piece.number])
        length = math.prod(piece.shape) * self.form.dtype.itemsize
        return self._bytes[start : start + length].view(self.form.dtype).reshape(piece.shape)

    def _decoded(self, plane: int, piece: Piece) -> NDArray[Any]:
        """The values of a strip or tile, decoded; the last one is kept, as tiles of one row are asked for."""
        if (plane, piece.number) in self._kept:
            return self._kept[plane, piece.number]
        starts, sizes = self._ends[plane]
        start, length = int(starts[piece.number]), int(sizes[piece.number])
        if length == 0:  # what was left out holds zeros, or what the page says
            return np.full(piece.shape, self._page.nodata, self.form.dtype)
        with decoding("TIFF"):
            data = self._bytes[start : start + length].tobytes()
            values, _, _ = self._page.decode(data, piece.number, jpegtables=self._tables)
        if values is None:
            raise ValueError(f"strip or tile {piece.number} of plane {plane} is empty")
        values = values[0]
        full = np.zeros(piece.shape, values.dtype)
        full[: values.shape[0], : values.shape[1], : values.shape[2]] = values
        self._kept = {(plane, piece.number): full}
        return full

    def state(self) -> str:
        """See `Store`."""
        found = os.stat(self.path)
        return f"{found.st_size} {found.st_mtime_ns}"

    def close(self) -> None:
        """See `Store`."""
        mapped = getattr(self._bytes, "_mmap", None)
        if mapped is not None:
            mapped.close()


def _pieces(page: Any) -> Iterator[Piece]:
    """The strips or tiles of a page, in the order in which the file names them."""
    height, width, samples = int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel)
    rows = int(page.tilelength) if page.is_tiled else int(page.rowsperstrip) or height
    rows = rows if page.is_tiled else min(rows, height)
    columns = int(page.tilewidth) if page.is_tiled else width
    apart = int(page.planarconfig) == codec.SEPARATE and samples > 1
    number = 0
    for sample in range(samples if apart else 1):
        own = slice(sample, sample + 1) if apart else slice(0, samples)
        for top in range(0, height, rows):
            for left in range(0, width, columns):
                stored = rows if page.is_tiled else min(rows, height - top)
                place = (slice(top, top + stored), slice(left, left + columns), own)
                yield Piece(place, (stored, columns, own.stop - own.start), number)
                number += 1


def create(path: Path, form: Form, like: Store | None, name: str) -> tuple[str, ...]:
    """Lay out an uncompressed TIFF file of zeros with the tags and tiles of the one that it is like.

    Args:
        path: where to.
        form: of the array.
        like: the store whose tags it takes, if that is a TIFF file.
        name: that the file will have in the end.

    Returns:
        notes about what could not be kept.
    """
    notes: tuple[str, ...] = ()
    with path.open("x+b") as file:
        if isinstance(like, Tiff):
            pages = like.pages if form.dtype == like.form.dtype else tiff_write.of_floats(like.pages)
            tiff_write.lay_out(file, form.shape, form.dtype, pages, name)
            if like.pages.compression != PLAIN:
                notes = ("a TIFF file that is written region by region is not compressed.",)
        else:
            tiff_write.lay_out_fresh(file, form.shape, form.dtype, ome.description(form), color=form.color)
        file.seek(0, os.SEEK_END)
        reserved(file, file.tell())
    return notes
