"""What a list of tasks is made of, and what comes of each."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
"""a line of a manifest"""


class WorkerDiedError(RuntimeError):
    """The process that worked on an item ended before it had a result: killed, out of memory, crashed."""


class UnfinishedError(RuntimeError):
    """A function raises it for what it wrote but a later run must do again, e.g. as the person broke it off.

    Attributes:
        value: what there is so far.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.value = value


@dataclass(frozen=True)
class WorkItem:
    """One task of a list.

    Attributes:
        key: its name, unique in its manifest, e.g. the path of its output below the output folder.
        fingerprint: a hash of all that decides its result, as `fingerprint` makes it.
        payload: what the function is called with; for a pool it must be picklable and small (a path, not
            pixels).
    """

    key: str
    fingerprint: str
    payload: Any = None


@dataclass(frozen=True)
class Outcome:
    """What came of an item.

    Attributes:
        item: the item.
        value: what the function returned, or what the manifest keeps of it.
        error: what it raised, or `WorkerDiedError`; None where there is a value.
        seconds: that it took, now or when it was done.
        before: whether an earlier run had finished it.
    """

    item: WorkItem
    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    before: bool = False


def fingerprint(*parts: Any) -> str:
    """16 hexadecimal digits that stand for plain values: equal for equal values, in any order of their names.

    Raises:
        TypeError: for what JSON cannot hold.

    >>> fingerprint({"method": "nlm", "sigma": 25}) == fingerprint({"sigma": 25, "method": "nlm"})
    True
    """
    told = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def identity(path: str | os.PathLike[str]) -> Row:
    """What tells that a file is still the one it was, at the cost of a look at its folder.

    Returns:
        {"path", "size" (bytes), "mtime_ns"}; size None for a file that is not there.
    """
    row: Row = {"path": str(Path(path).absolute()), "size": None, "mtime_ns": None}
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return row
    return row | {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
