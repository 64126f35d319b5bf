"""A file appears whole or not at all."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replaced(path: str | os.PathLike[str], *, overwrite: bool = True) -> Iterator[BinaryIO]:
    """A binary file to write to and read from, that takes the place of ``path`` when the block ends without
    an error.

    It lives under a temporary name in the same folder and is flushed to disk before it is renamed. Whatever
    goes wrong, the temporary file is removed and a file that was there stays. A link is followed; the mode of
    a file that was there is kept, a new one has the usual mode of the user.

    Raises:
        FileNotFoundError: when the folder does not exist.
        FileExistsError: when the file exists and ``overwrite`` is False.
        IsADirectoryError: when ``path`` is a folder.
        OSError: when it cannot be written (no permission, disk full), with the path.
    """
    target = free(path, overwrite=overwrite)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        try:
            # A plain open leaves the mode to the user's umask, which tempfile would not.
            with temporary.open("x+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            free(path, overwrite=overwrite)
            os.replace(temporary, target)
        except OSError as error:
            if isinstance(error, FileExistsError | IsADirectoryError) or error.errno is None:
                raise
            advice = {
                errno.ENOSPC: "Free some space or write elsewhere.",
                errno.EDQUOT: "Your quota is used up: free some space or write elsewhere.",
                errno.EACCES: "Choose a folder that you may write to.",
                errno.EPERM: "Choose a folder that you may write to.",
                errno.EROFS: "Choose a folder that you may write to.",
            }.get(error.errno, "Nothing was written.")
            failure = type(error)(f"cannot write {path}: {os.strerror(error.errno)}. {advice}")
            failure.errno = error.errno
            raise failure from error
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    _flush_folder(target.parent)


def sweep(path: str | os.PathLike[str]) -> None:
    """Remove what writers of this file left beside it when they were killed; none may be at work."""
    target = Path(os.path.realpath(path))
    name = f".{glob.escape(target.name[:100])}.{'[0-9a-f]' * 8}.part"
    for left in target.parent.glob(name):
        with suppress(OSError):
            left.unlink()


def free(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Where a file may appear, links followed; who works long asks this before the work.

    Raises:
        FileNotFoundError: when the folder does not exist.
        FileExistsError: when the file exists and ``overwrite`` is False.
        IsADirectoryError: when ``path`` is a folder.
        ValueError: when it is neither file nor folder.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"output must be a file, got the folder {path}. Add a file name.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder of {path} does not exist. Create it first.")
    if target.exists() and not target.is_file():
        raise ValueError(f"output must be a regular file, got {path}. Choose another name.")
    if not overwrite and target.exists():
        raise FileExistsError(
            f"{path} exists. Choose another name, or pass --overwrite (overwrite=True) to replace it."
        )
    return target


def _flush_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system lets us open a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
