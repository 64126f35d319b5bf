"""OME-Zarr 0.4 (Zarr 2) and 0.5 (Zarr 3), and plain Zarr arrays, as stores; the pyramid above them."""

from __future__ import annotations

import itertools
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import extras
from pellucid.files.decoding import decoding
from pellucid.stores import ome, retyped
from pellucid.stores.region import Region, cells
from pellucid.stores.store import Form, Store

SEVERAL = ("plate", "bioformats2raw.layout", "well")
"""attributes of a folder of several pictures"""
SIDE = 512
"""side of the chunks of a new store, and the longest side of the last level of its pyramid"""
HEADS = frozenset((".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"))
"""files of a store that hold no values"""
PARTIAL = frozenset((".partial", ".tmp", ".part"))
"""endings of files that are put in their place when they are whole"""


class Zarr:
    """The picture of an OME-Zarr store, at full size; see `Store`.

    Args:
        path: of the store, a folder.
        axes: what its axes are, where the user says.
        write: whether it may be written to.

    Raises:
        MissingExtra: when zarr is not installed.
        ValueError: when it is no such store, holds several pictures, or its levels do not fit each other.
    """

    kind = "zarr"

    def __init__(self, path: Path, *, axes: str | None = None, write: bool = False) -> None:
        extras.need("zarr", f"{path.name}: OME-Zarr")
        import zarr

        self.path = path
        mode = "r+" if write else "r"
        with decoding("Zarr"):
            self._node = zarr.open(str(path), mode=mode)
            self.attributes: Mapping[str, Any] = dict(self._node.attrs)
        described = self.attributes.get("ome", self.attributes)
        if isinstance(self._node, zarr.Group):
            scales = described.get("multiscales") if isinstance(described, Mapping) else None
            if not scales:
                raise ValueError(self._several(described))
            if len(scales) > 1:
                raise ValueError(f"the store must hold one picture, got {len(scales)} multiscales. Split it.")
            self.described: Mapping[str, Any] = scales[0]
            self.names = tuple(str(one["path"]) for one in self.described["datasets"])
            with decoding("Zarr"):
                arrays = [self._node[name] for name in self.names]
        else:
            self.described, self.names, arrays = {}, ("",), [self._node]
        self.levels = tuple(a.with_config({"write_empty_chunks": True}) for a in arrays)
        self.notes = ()
        self.form = self._form(described, axes)
        self._check_levels()

    def _several(self, described: Any) -> str:
        """Why a group without a picture of its own is none."""
        names = sorted(name for name, _ in self._node.members())[:4] if described is not None else []
        kinds = [key for key in SEVERAL if isinstance(described, Mapping) and key in described]
        if kinds or names:
            return (
                f"the store must be one picture, got a group of {', '.join(names) or 'several'}. Name one of "
                f"them, e.g. {self.path / names[0] if names else self.path / '0'}."
            )
        return "the store must hold a picture (multiscales, or one array), got an empty group."

    def _form(self, described: Mapping[str, Any], axes: str | None) -> Form:
        array = self.levels[0]
        shape, letters = tuple(int(n) for n in array.shape), axes_of(self.described, array.ndim)
        letters = letters if axes is None else axes.upper()
        if len(letters) != len(shape):
            raise ValueError(
                f"the store names {len(letters)} axes ({letters}) of {len(shape)} ({shape}): it is damaged."
            )
        spacing, units = scales_of(self.described, letters)
        omero = described.get("omero", {}) if isinstance(described, Mapping) else {}
        channels = omero.get("channels", []) if isinstance(omero, Mapping) else []
        names = tuple(str(c.get("label", "")) for c in channels if isinstance(c, Mapping))
        return Form(
            shape=shape,
            dtype=np.dtype(array.dtype),
            axes=letters,
            chunks=_chunks(array),
            spacing=spacing,
            units=units,
            channels=names if any(names) else (),
        )

    def _check_levels(self) -> None:
        first = self.levels[0]
        for name, level in zip(self.names[1:], self.levels[1:], strict=True):
            fits = level.ndim == first.ndim and level.dtype == first.dtype
            if not fits or any(own > full for own, full in zip(level.shape, first.shape, strict=True)):
                raise ValueError(
                    f"the levels of the pyramid must be smaller copies of {first.shape} {first.dtype}, got "
                    f"{level.shape} {level.dtype} at level {name}. Make the pyramid again."
                )

    def unfinished(self) -> str:
        """A file in it that is half written, in words; "" where none is."""
        for path in _files(self.path):
            if path.suffix in PARTIAL:
                return f"{path.name} is half written"
        return ""

    def young(self) -> float:
        """Seconds since the last of its files was written."""
        return time.time() - max((p.stat().st_mtime for p in _files(self.path)), default=0.0)

    def missing(self) -> tuple[int, int]:
        """How many chunks of the full size are not there, of how many."""
        root = self.path / self.names[0]
        encode = self.levels[0].metadata.encode_chunk_key
        grid = [math.ceil(n / c) for n, c in zip(self.form.shape, self.form.chunks, strict=True)]
        gone = sum(not (root / encode(tuple(place))).exists() for place in np.ndindex(*grid))
        return gone, math.prod(grid)

    @property
    def fill(self) -> Any:
        """The value of chunks that are not there, as Zarr has it; None where nothing is said."""
        return self.levels[0].fill_value

    def read(self, region: Region, level: int = 0) -> NDArray[Any]:
        """See `Store`; also of another level of the pyramid."""
        with decoding("Zarr"):
            values = np.asarray(self.levels[level][region])
        return np.ascontiguousarray(values, values.dtype.newbyteorder("="))

    def write(self, region: Region, values: NDArray[Any], level: int = 0) -> None:
        """See `Store`; also of another level of the pyramid."""
        self.levels[level][region] = values
        root, encode = self.path / self.names[level], self.levels[level].metadata.encode_chunk_key
        chunks = _chunks(self.levels[level])
        spans = [range(s.start // c, -(-s.stop // c)) for s, c in zip(region, chunks, strict=True)]
        for place in itertools.product(*spans):
            with (root / encode(place)).open("rb") as file:
                os.fsync(file.fileno())

    def state(self) -> str:
        """See `Store`: the number of its files, their bytes, and when the last of them was written."""
        number = total = last = 0
        for path in _files(self.path):
            found = path.stat()
            number, total, last = number + 1, total + found.st_size, max(last, found.st_mtime_ns)
        return f"{number} {total} {last}"

    def close(self) -> None:
        """See `Store`."""


def axes_of(described: Mapping[str, Any], count: int) -> str:
    """One letter per axis; those that have another name than the usual ones are Q.

    >>> axes_of({"axes": [{"name": "c"}, {"name": "y"}, {"name": "x"}]}, 3), axes_of({}, 3)
    ('CYX', 'QYX')
    """
    found = described.get("axes")
    if not found:
        usual = "TCZYX"[-count:] if described and count <= 5 else "Q" * (count - 2) + "YX"
        return usual
    names = [str(one.get("name", "") if isinstance(one, Mapping) else one).upper() for one in found]
    return "".join(name if name in tuple("TCZYX") else "Q" for name in names)


def scales_of(described: Mapping[str, Any], letters: str) -> tuple[dict[str, float], dict[str, str]]:
    """The distance of neighbours along the axes at full size, and its unit, where it is told."""
    axes = described.get("axes", [])
    units = {
        letter: str(one["unit"])
        for letter, one in zip(letters, axes, strict=False)
        if isinstance(one, Mapping) and one.get("unit")
    }
    factors = np.ones(len(letters))
    found = False
    own = (described.get("datasets") or [{}])[0].get("coordinateTransformations", [])
    for one in (*own, *described.get("coordinateTransformations", [])):
        if one.get("type") == "scale" and len(one.get("scale", [])) == len(letters):
            factors, found = factors * np.asarray(one["scale"], float), True
    return ({k: float(v) for k, v in zip(letters, factors, strict=True)} if found else {}), units


def _chunks(array: Any) -> tuple[int, ...]:
    """What is written at once: chunks, or the shards that hold them."""
    return tuple(int(n) for n in (getattr(array, "shards", None) or array.chunks))


def _files(folder: Path) -> Iterator[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names)


def create(path: Path, form: Form, like: Store | None, name: str) -> tuple[str, ...]:
    """Lay out a store: of a Zarr store all but the values of its picture, of any other a new OME-Zarr 0.5.

    Args:
        path: where to.
        form: of the array.
        like: what it is made of; all that a Zarr store holds beside its picture is copied as it is.
        name: that it will have in the end.
    """
    if isinstance(like, Zarr):
        _copy(like, path)
        if form.dtype != like.form.dtype:
            retyped.retype(path, like.names, form.dtype)
    else:
        _fresh(path, form, name)
    return ()


def _copy(source: Zarr, path: Path) -> None:
    """Everything but the values of the levels of the pyramid: attributes, labels, tables, foreign files."""
    levels = [(source.path / name).resolve() for name in source.names]
    for root, folders, names in os.walk(source.path):
        here = Path(root)
        inside = any(level == here.resolve() or level in here.resolve().parents for level in levels)
        target = path / here.relative_to(source.path)
        if inside and here.resolve() not in levels:
            folders.clear()  # chunks in folders
            continue
        target.mkdir(parents=True, exist_ok=True)
        for one in names:
            if not inside or one in HEADS:
                shutil.copy2(here / one, target / one)


def halved(shape: Sequence[int], axes: str) -> tuple[int, ...]:
    """The next level of a pyramid: half as wide and high.

    >>> halved((3, 5, 8), "ZYX")
    (3, 3, 4)
    """
    return tuple(math.ceil(n / 2) if letter in "YX" else n for n, letter in zip(shape, axes, strict=True))


def _fresh(path: Path, form: Form, name: str) -> None:
    import zarr

    order = form.axes
    shapes = [form.shape]
    while max(n for n, letter in zip(shapes[-1], order, strict=True) if letter in "YX") > SIDE:
        shapes.append(halved(shapes[-1], order))
    group = zarr.create_group(str(path), zarr_format=3)
    datasets = []
    for level, shape in enumerate(shapes):
        chunks = tuple(
            min(n, SIDE) if letter in "YX" else n if letter == "S" else 1
            for n, letter in zip(shape, order, strict=True)
        )
        group.create_array(
            str(level),
            shape=shape,
            chunks=chunks,
            dtype=form.dtype.newbyteorder("="),
            dimension_names=[letter.lower() for letter in order],
        )
        rounded = [2**level if letter in "YX" else 1 for letter in order]
        scale = [form.spacing.get(letter, 1.0) * f for letter, f in zip(order, rounded, strict=True)]
        datasets.append(
            {"path": str(level), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        )
    described: dict[str, Any] = {
        "version": "0.5",
        "multiscales": [{"name": name, "axes": ome.axes(form), "datasets": datasets}],
    }
    if form.channels:
        described["omero"] = {"channels": [{"label": label} for label in form.channels]}
    group.attrs["ome"] = described


def blocks(level: Any) -> Iterator[Region]:
    """The chunks of a level, each of which is written at once."""
    return cells(level.shape, _chunks(level))
