"""`cells.jsonl`: a finished cell a line, appended and flushed; a killed run leaves at most one torn line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid.tasks import lines
from pellucid.tasks.lines import Lines

CellRow = dict[str, Any]
"""a finished cell as its line says it"""
NAME = "cells.jsonl"


def read(folder: Path) -> dict[str, CellRow]:
    """The rows of a results folder by their keys; the last of a key wins, a torn last line is left out.

    Raises:
        ValueError: when another line is no row.
    """
    path = folder / NAME
    return {_key(path, number, row): row for number, row in lines.read(path)}


def opened(folder: Path) -> Lines:
    """The file, open for more rows until its block ends; only one run at a time may write to it.

    Raises:
        RuntimeError: when another run writes there.
    """
    return Lines(folder / NAME)


def _key(path: Path, number: int, row: Mapping[str, Any]) -> str:
    if "key" not in row:
        raise ValueError(f"{path}, line {number} is no row (it has no key). Remove that line.")
    return str(row["key"])
