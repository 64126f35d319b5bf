"""Fetch a file of weights once, and keep it only when its hash is the expected one."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

CHUNK = 1 << 16
"""bytes read at a time"""
MOST = 2**30
"""bytes of a file; torchvision's VGG-16 has 0.55 billion"""
SILENCE = 30.0
"""seconds without a word from the other side"""
LONGEST = 3600.0
"""seconds of a whole transfer"""


def cache() -> Path:
    """The folder for what was fetched: PELLUCID_CACHE, else the user's cache folder on this system.

    >>> cache().is_absolute()
    True
    """
    told = os.environ.get("PELLUCID_CACHE")
    if told:
        return Path(told).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "pellucid"


def fetch(
    url: str, *, sha256: str, folder: Path | None = None, most: int = MOST, timeout: float = SILENCE
) -> Path:
    """The local path of the file at `url`, fetched when it is not there yet.

    A file in the folder is trusted only when its hash fits; another one is fetched anew. What is fetched is
    written beside its place and moved there when its hash fits, so that a broken transfer leaves nothing.

    Args:
        url: http, https or file.
        sha256: of the whole file, in hexadecimal.
        folder: where to keep it; None for `cache()`.
        most: bytes that it may have.
        timeout: seconds that the other side may be silent.

    Raises:
        OSError: when it cannot be fetched, or not in an hour, with what to do instead.
        ValueError: when what came is not what was expected, or is too large.
    """
    folder = cache() if folder is None else folder
    target = folder / url.rpartition("/")[2]
    if target.is_file() and _hash(target) == sha256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{target.name}.")
    partial = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, urlopen(url, timeout=timeout) as answer:
            for chunk in _chunks(answer, url, most):
                digest.update(chunk)
                out.write(chunk)
        if digest.hexdigest() != sha256:
            raise ValueError(
                f"{url} must have the SHA-256 {sha256}, got {digest.hexdigest()}. Nothing was kept; fetch it "
                "by other means and give its path."
            )
        partial.replace(target)
    except (URLError, TimeoutError, HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise OSError(
            f"{url} could not be fetched: {reason}. Fetch it on another machine and give its path."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def _chunks(answer: Any, url: str, most: int) -> Iterator[bytes]:
    """What comes, piece by piece, as long as it is neither too much nor too slow."""
    began, got = time.monotonic(), int(answer.headers.get("Content-Length") or 0)
    size = f"{url} must have at most {most:,} bytes, got {{}}. Nothing was kept; check the address."
    if got > most:
        raise ValueError(size.format(f"{got:,}"))
    got = 0
    while chunk := answer.read1(CHUNK):
        got += len(chunk)
        if got > most:
            raise ValueError(size.format("more"))
        if time.monotonic() - began > LONGEST:
            raise URLError(f"it took longer than {LONGEST:g} seconds")
        yield chunk


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
