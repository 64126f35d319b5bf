"""Loops over pixels as machine code: how numba is asked for it, and the types of the arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Machine code on first use, kept on disk; it lets go of the interpreter, so that threads share the work.

    Sums may be reordered, infinities and NaN keep their meaning. What is kept is found stale by any file of
    the filters that has changed: numba looks only at the file that a function stands in, not at those of the
    functions that it calls and takes in.
    """
    options: Any = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
    made: Any
    try:
        made = numba.njit(cache=True, **options)(function)
        kept = made._cache._cache_file
        kept._source_stamp = (kept._source_stamp, _stamp())
    except RuntimeError:  # nowhere to write: every process compiles for itself
        made = numba.njit(**options)(function)
    except AttributeError:  # a numba that keeps its stamps elsewhere: its own has to do
        pass
    return cast(Function, made)


@cache
def _stamp() -> tuple[int, int]:
    """Newest change and bytes of all files from which machine code is made."""
    files = [path.stat() for path in Path(__file__).parent.rglob("*.py")]
    return max(file.st_mtime_ns for file in files), sum(file.st_size for file in files)
