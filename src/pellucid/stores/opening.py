"""Stores by their name: open one to read or to write, or lay a new one out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pellucid.files import signatures
from pellucid.stores import npy, ome_zarr, space, tiff
from pellucid.stores.npy import Npy
from pellucid.stores.ome_zarr import Zarr
from pellucid.stores.store import Form, Store, refused
from pellucid.stores.tiff import Tiff

KINDS: dict[str, Any] = {"tiff": Tiff, "npy": Npy, "zarr": Zarr}
CREATE = {"tiff": tiff.create, "npy": npy.create, "zarr": ome_zarr.create}
ENDINGS = {".zarr": "zarr", ".npy": "npy", ".tif": "tiff", ".tiff": "tiff", ".btf": "tiff"}


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr store, by what lies in it."""
    return path.is_dir() and any((path / name).is_file() for name in (".zgroup", ".zarray", "zarr.json"))


def kind_of(path: Path) -> str:
    """The kind of store that a path is.

    Raises:
        FileNotFoundError: when there is nothing.
        ValueError: when it is none that is read region by region.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist. Check the path.")
    if path.is_dir():
        if is_zarr(path):
            return "zarr"
        raise ValueError(
            f"{path}: expected a Zarr store, got a folder without .zgroup, .zarray or zarr.json. Name the "
            "folder that holds one of them."
        )
    kind = signatures.of_file(path)
    if kind not in KINDS:
        raise ValueError(f"{path}: only TIFF, NPY and Zarr are read region by region. Leave --memory out.")
    return kind


def opened(path: Path, *, axes: str | None = None, write: bool = False) -> Store:
    """A store.

    Args:
        path: of a TIFF or NPY file, or of a Zarr store.
        axes: one letter per axis, where the user says what they are.
        write: whether it may be written to.

    Raises:
        FileNotFoundError: when there is none.
        ValueError: when it is damaged, incomplete or of another kind; every message names the path.
    """
    kind = kind_of(path)
    try:
        store: Store = KINDS[kind](path, axes=axes, write=write)
        _check(store.form)
    except (ValueError, TypeError) as error:
        raise refused(path, error) from error
    return store


def _check(form: Form) -> None:
    if form.dtype.kind not in "uif" or form.dtype.itemsize > 8:
        raise TypeError(f"pixels must be integers or floats of at most 64 bits, got dtype {form.dtype}.")
    if 0 in form.shape:
        raise ValueError(f"the store holds no pixels (shape {form.shape}).")
    if form.axes.count("Y") != 1 or form.axes.count("X") != 1 or len(form.axes) != len(form.shape):
        raise ValueError(
            f"the axes must be named, with one Y and one X, got {form.axes} for shape {form.shape}. Name "
            "them with axes (--axes ZYX)."
        )


def kind_to_write(path: Path, source: Store) -> str:
    """The kind of store that an output is to be, by its name; without an ending that of the input.

    Raises:
        ValueError: when it is none that is written region by region.
    """
    ending = path.suffix.lower()
    if ending and ending not in ENDINGS:
        raise ValueError(
            f"output must end in {', '.join(ENDINGS)} to be written region by region, got {path}. Choose one."
        )
    return ENDINGS.get(ending, source.kind)


def create(path: Path, kind: str, source: Store, form: Form, name: str) -> tuple[str, ...]:
    """Lay out the store of an output, without values.

    Args:
        path: where to; nothing is there.
        kind: of `KINDS`.
        source: what it is made of, whose metadata it takes where it is of the same kind.
        form: of the array.
        name: that the output will have in the end.

    Returns:
        notes about what could not be kept.

    Raises:
        OSError: when the disk has no room, or fails.
    """
    needed = form.bytes
    if kind == "zarr":
        found = source.path
        known = sum(p.stat().st_size for p in found.rglob("*") if p.is_file()) if found.is_dir() else 0
        needed = known or needed // 2
    space.need(path.parent, needed, name)
    return CREATE[kind](path, form, source, name)
