"""What a store is: an array on disk that is read and written region by region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.stores.region import Region


@dataclass(frozen=True, kw_only=True)
class Form:
    """What is known of an array before any of it is read.

    Attributes:
        shape: its lengths, alpha included.
        dtype: of its values.
        axes: one letter per axis, as in `Image.axes`.
        chunks: lengths of what is stored, and so read and written, at once.
        color: whether the samples are display colours.
        alpha: place of opacity on the axis S, or None.
        bits: significant bits where they are declared.
        nodata: the value that is declared to be no measurement, or None.
        spacing: the distance of neighbours along an axis, by its letter, in the unit of `units`.
        units: the unit of that distance by the letter of the axis, as OME-Zarr spells it ("micrometer").
        channels: the names of the channels, where they have any.
        plain: whether the values lie in a file as they are, so that nothing is decoded to read some.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: str
    chunks: tuple[int, ...]
    color: bool = False
    alpha: int | None = None
    bits: int | None = None
    nodata: float | None = None
    spacing: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    plain: bool = False

    @property
    def values(self) -> int:
        """How many values it holds."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def bytes(self) -> int:
        """What these take when nothing is compressed."""
        return self.values * self.dtype.itemsize


class Store(Protocol):
    """An array on disk.

    Attributes:
        path: the file or folder.
        kind: "tiff", "npy" or "zarr".
        form: what it holds.
        notes: remarks for the user.
    """

    @property
    def path(self) -> Path:
        """The file or folder."""
        ...

    @property
    def kind(self) -> str:
        """The row of `opening.KINDS`."""
        ...

    @property
    def form(self) -> Form:
        """What it holds."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks for the user."""
        ...

    def read(self, region: Region) -> NDArray[Any]:
        """The values of a region, in the native byte order.

        Raises:
            ValueError: when they are damaged.
        """
        ...

    def write(self, region: Region, values: NDArray[Any]) -> None:
        """Put values in the place of a region that is made of whole chunks, so that they are on the disk.

        Raises:
            OSError: when the disk fails or is full.
        """
        ...

    def state(self) -> str:
        """A text that changes whenever the store is written to."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


def refused(path: Path, error: Exception) -> Exception:
    """An error of what is inside a store, with its path in front."""
    kind = TypeError if isinstance(error, TypeError) else ValueError
    return error if str(error).startswith(str(path)) else kind(f"{path}: {error}")
