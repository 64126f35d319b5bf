"""`cells.jsonl`: a finished cell a line, appended and flushed; a killed run leaves at most one torn line."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CellRow = dict[str, Any]
"""a finished cell as its line says it"""
NAME = "cells.jsonl"


def read(folder: Path) -> dict[str, CellRow]:
    """The rows of a results folder by their keys; the last of a key wins, a torn last line is left out.

    Raises:
        ValueError: when another line is no row.
    """
    path = folder / NAME
    if not path.is_file():
        return {}
    rows: dict[str, CellRow] = {}
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
                rows[row["key"]] = row
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number} is no row ({error}). Remove that line.") from error
    return rows


class CellLog:
    """The file, open for more rows; only one run at a time may write to it.

    Args:
        folder: results folder.

    Raises:
        RuntimeError: when another run writes there.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / NAME).open("ab")
        try:
            self._lock()
            self._mend(folder / NAME)
        except BaseException:
            self._file.close()
            raise

    def append(self, row: CellRow) -> None:
        """Add a row; it is on the disk when this returns."""
        self._file.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let others write."""
        self._file.close()

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # not on Windows, where nothing guards against a second run
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RuntimeError(
                f"another run writes to {self._file.name}. Wait for it, or choose another -o."
            ) from error

    def _mend(self, path: Path) -> None:
        """Cut off a line that a killed run has torn."""
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            self._file.truncate(len(whole))


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[CellLog]:
    """A CellLog for the time of a block."""
    log = CellLog(folder)
    try:
        yield log
    finally:
        log.close()
