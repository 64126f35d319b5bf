"""Room on the disk, asked for before the work, so that a full disk ends nothing half-way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import BinaryIO

SPARE = 64 * 2**20
"""bytes that are left to others"""


def need(folder: Path, bytes: int, what: str) -> None:
    """Refuse what the disk has no room for.

    Raises:
        OSError: saying how much is needed, and how much is free.
    """
    free = shutil.disk_usage(folder).free
    if bytes + SPARE > free:
        raise OSError(
            f"{what} needs {in_words(bytes)} on the disk of {folder}, which has {in_words(free)} left. "
            "Free some space, or write elsewhere."
        )


def reserved(file: BinaryIO, length: int) -> None:
    """Give a file its length, with a place on the disk for all of it.

    A file that is mapped into memory and has no place for what is written there ends the process with a
    signal; this way the system says at once that the disk is full.

    Raises:
        OSError: when the disk is full.
    """
    file.flush()
    try:
        os.posix_fallocate(file.fileno(), 0, length)
    except AttributeError:  # no such call here: its length is all that it gets
        file.truncate(length)
    file.flush()


def in_words(bytes: float) -> str:
    """A number of bytes for people.

    >>> in_words(2_500_000_000), in_words(300)
    ('2.5 GB', '300 bytes')
    """
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes >= size:
            return f"{bytes / size:.3g} {unit}"
    return f"{bytes:.0f} bytes"
