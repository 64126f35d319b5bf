"""NPY files as stores: mapped into memory, so that only the pages at hand are there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.files import npy as codec
from pellucid.files.decoding import decoding
from pellucid.stores.region import Region
from pellucid.stores.space import reserved
from pellucid.stores.store import Form, Store


class Npy:
    """An NPY file; see `Store`.

    Args:
        path: of the file.
        axes: what its axes are, where the user says; else stack, rows, columns and at most four samples.
        write: whether it may be written to.

    Raises:
        ValueError: when it is damaged or shorter than it says.
    """

    kind = "npy"

    def __init__(self, path: Path, *, axes: str | None = None, write: bool = False) -> None:
        with path.open("rb") as file, decoding("NPY"):
            shape, fortran, dtype, start = codec.header(file)
        if dtype.hasobject:
            raise TypeError(f"{path}: pixels must be integers or floats, got Python objects.")
        if len(shape) < 2 or 0 in shape:
            raise ValueError(f"{path}: the array must have rows and columns, got shape {shape}. Reshape it.")
        needed = start + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if path.stat().st_size < needed:
            raise ValueError(
                f"{path}: the file ends after {path.stat().st_size:,} of {needed:,} bytes: it is incomplete. "
                "Copy or save it again."
            )
        self.path, self.notes = path, ()
        self._array = np.memmap(
            path, dtype, "r+" if write else "r", start, shape, order="F" if fortran else "C"
        )
        self.fortran = fortran
        self.form = _form(shape, dtype, axes, fortran=fortran)

    def read(self, region: Region) -> NDArray[Any]:
        """See `Store`."""
        return np.array(self._array[region], dtype=self.form.dtype.newbyteorder("="), order="C")

    def write(self, region: Region, values: NDArray[Any]) -> None:
        """See `Store`."""
        self._array[region] = values
        self._array.flush()

    def state(self) -> str:
        """See `Store`."""
        found = os.stat(self.path)
        return f"{found.st_size} {found.st_mtime_ns}"

    def close(self) -> None:
        """See `Store`."""
        mapped = getattr(self._array, "_mmap", None)
        if mapped is not None:
            mapped.close()


def _form(shape: tuple[int, ...], dtype: np.dtype[Any], axes: str | None, *, fortran: bool) -> Form:
    """An NPY file names no axes: as `files.npy` reads it, a last axis of 1 to 4 is one of samples."""
    samples = shape[-1] if len(shape) > 2 and shape[-1] <= 4 else 0
    usual = "Q" * (len(shape) - 3) + "YXS" if samples else "Q" * (len(shape) - 2) + "YX"
    letters = usual if axes is None else axes.upper()
    chunks = [1] * len(shape)
    for i in (0, 1) if fortran else (-1, -2):
        chunks[i] = shape[i]
    return Form(
        shape=shape,
        dtype=dtype,
        axes=letters,
        chunks=tuple(chunks),
        plain=True,
        color="S" in letters and samples >= 3,
        alpha=samples - 1 if "S" in letters and samples in (2, 4) else None,
    )


def create(path: Path, form: Form, like: Store | None, name: str) -> tuple[str, ...]:
    """Lay out an NPY file of zeros, of which every byte has its place on the disk; there are no notes."""
    dtype = form.dtype
    order = isinstance(like, Npy) and like.fortran
    head = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": order, "shape": form.shape}
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, head)
        start = file.tell()
        reserved(file, start + form.bytes)
    return ()
