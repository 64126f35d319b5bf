"""One picture of a data set: where its noisy versions and its truth are, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Source:
    """A picture in a file, or a block of a MATLAB file.

    Attributes:
        path: the file.
        variable: name within a MATLAB file, or "".
        index: place of the block within that variable.
    """

    path: Path
    variable: str = ""
    index: tuple[int, ...] = ()

    def read(self) -> tuple[Array, float]:
        """The stored values (C, H, W) in their own type, and the value that white has.

        Raises:
            ValueError: for a stack; the benchmark takes single pictures.
            OSError: when it cannot be read.
        """
        if self.variable:
            block = _variable(self.path, self.variable)[self.index]
            return np.ascontiguousarray(block.transpose(2, 0, 1)), 255.0
        from pellucid import files

        image = files.read(self.path)
        if image.pixels.shape[0] != 1:
            raise ValueError(
                f"{self.path.name} must hold one picture, got a stack of {image.pixels.shape[0]}. Split it."
            )
        values = image.pixels[0] * np.float32(image.scale)
        dtype = np.dtype(image.dtype)
        if dtype.kind in "ui":
            values = np.rint(values)
        return np.ascontiguousarray(values.astype(dtype)), image.scale


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One picture of a set.

    Attributes:
        name: what rows call it; unique within the set.
        noisy: shots of it; empty where noise must be added to `clean`.
        clean: the truth, or None.
    """

    name: str
    noisy: tuple[Source, ...] = ()
    clean: Source | None = None


@lru_cache(maxsize=2)
def _variable(path: Path, variable: str) -> Array:
    """A variable of a MATLAB file; the last two are kept, as a set is read block by block."""
    from scipy.io import loadmat

    try:
        found: Array = loadmat(path, variable_names=[variable])[variable]
    except NotImplementedError as error:
        raise ValueError(f"{path} is a MATLAB 7.3 file. Save it with -v7, or as PNG files.") from error
    except KeyError as error:
        raise ValueError(f"{path} holds no variable {variable}. Get the file again.") from error
    return found
