"""The manifest: what was begun, finished or failed, a line each, so that a killed run goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pellucid.tasks import lines
from pellucid.tasks.items import Row, WorkItem

BEGUN, DONE, FAILED = "begun", "done", "failed"


class Manifest(lines.Lines):
    """A file of lines, open for one run at a time; the last line of a key counts.

    A line has "key", "state" (begun, done or failed), "at" (seconds since 1970), "fingerprint" and, of what
    is done, "seconds" and "value"; of what failed, "error". Lines without a key are remarks of whoever
    wrote them. A line "begun" is there before anything of the item is written, a line "done" after all of
    it is, on the disk: what is done is whole, and what is only begun may be done over.

    Args:
        path: the file, e.g. ``out/pellucid.jsonl``; its folder must exist.

    Raises:
        RuntimeError: when another run holds it.
        ValueError: when it holds something else.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pellucid.jsonl"
    >>> item = WorkItem("a.png", "0f")
    >>> with Manifest(path) as manifest:
    ...     manifest.begin(item)
    ...     manifest.finish(item, {"outputs": ["a.png"]}, seconds=0.2)
    >>> with Manifest(path) as manifest:
    ...     manifest.done(item)["value"], manifest.done(WorkItem("a.png", "other settings"))
    ({'outputs': ['a.png']}, None)
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path
        try:
            self.rows = read(path)
        except BaseException:
            self.close()
            raise

    def done(self, item: WorkItem) -> Row | None:
        """The line of an item that was finished by the same settings, else None."""
        row = self.rows.get(item.key)
        same = row is not None and row["state"] == DONE and row.get("fingerprint") == item.fingerprint
        return row if same else None

    def broken_off(self, key: str) -> bool:
        """Whether this item was begun and neither finished nor failed: what is there of it is half."""
        return self.rows.get(key, {}).get("state") == BEGUN

    def left_over(self, key: str, path: Path) -> bool:
        """Whether what is at a path was left by this item, which was begun and never finished.

        What came there after the item had failed is the work of somebody else.
        """
        row = self.rows.get(key)
        if row is None or row["state"] == DONE or not path.exists():
            return False
        return bool(row["state"] == BEGUN or path.stat().st_mtime <= row["at"])

    def begin(self, item: WorkItem) -> None:
        """Say that work begins, before anything is written."""
        self._add({"key": item.key, "state": BEGUN, "fingerprint": item.fingerprint}, safe=False)

    def finish(self, item: WorkItem, value: Any, *, seconds: float) -> None:
        """Say that all is written; ``value``, which JSON can hold, is handed back by the next run."""
        self._add(
            {
                "key": item.key,
                "state": DONE,
                "fingerprint": item.fingerprint,
                "seconds": round(seconds, 3),
                "value": value,
            }
        )

    def fail(self, item: WorkItem, error: str) -> None:
        """Say why there is nothing; the next run tries again."""
        self._add({"key": item.key, "state": FAILED, "fingerprint": item.fingerprint, "error": error})

    def remark(self, row: Row) -> None:
        """Add a line that is about no item, e.g. what was asked for; it has no "key"."""
        self.append({name: value for name, value in row.items() if name != "key"})

    def _add(self, row: Row, *, safe: bool = True) -> None:
        row["at"] = round(time.time(), 3)
        self.append(row, safe=safe)
        self.rows[row["key"]] = row


def read(path: Path) -> dict[str, Row]:
    """The last line of every key; a torn last line is left out.

    Raises:
        ValueError: when a whole line is none of a manifest.
    """
    rows: dict[str, Row] = {}
    for number, row in lines.read(path):
        if "key" not in row:
            continue
        if row.get("state") not in (BEGUN, DONE, FAILED):
            raise ValueError(
                f"{path}, line {number} is none of a manifest: its state is {row.get('state')!r}. Write "
                "elsewhere, or move that file away."
            )
        rows[row["key"]] = row
    return rows
