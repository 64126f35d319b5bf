"""A file of JSON lines that one process at a time adds to; a torn last line counts for nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Row = dict[str, Any]


def read(path: Path) -> Iterator[tuple[int, Row]]:
    """The number, from 1, and the content of every whole line; nothing for a file that is not there.

    Raises:
        ValueError: when a line that is whole is no JSON object.
    """
    if not path.is_file():
        return
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}, line {number} is no row ({error}). Remove that line.") from error
        if not isinstance(row, dict):
            raise ValueError(f"{path}, line {number} is no row (no JSON object). Remove that line.")
        yield number, row


class Lines:
    """The file, open for more lines and locked against other processes.

    Args:
        path: the file, made where there is none; its folder must exist.

    Raises:
        RuntimeError: when another process holds it.
        OSError: when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        # Without a buffer a line is one write, so that nothing of it is left for later.
        self._file = path.open("ab", buffering=0)
        try:
            self._lock()
            self._mend(path)
        except BaseException:
            self._file.close()
            raise

    def append(self, row: Row, *, safe: bool = True) -> None:
        """Add a line.

        Args:
            row: what JSON can hold, numbers finite.
            safe: whether it is on the disk when this returns; otherwise a power cut may lose it, the death
                of the process cannot.

        Raises:
            OSError: when it cannot be written, e.g. as the disk is full.
        """
        line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass") + b"\n"
        try:
            while line:
                line = line[self._file.write(line) :]
            if safe:
                os.fsync(self._file.fileno())
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise type(error)(
                f"cannot write {self._file.name}: {why}. Make room, then give the same command again: it "
                "goes on."
            ) from error

    def close(self) -> None:
        """Let others write."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
