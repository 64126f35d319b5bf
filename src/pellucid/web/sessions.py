"""Who is at the page, and which pictures are theirs: folders that go when they leave, and limits on both."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pellucid import files

IDLE = 3600.0
"""seconds after which a session that asked for nothing is ended"""


class Refused(Exception):  # noqa: N818 - told to the person at the page, no fault of the program
    """A request that is not served: its status and the reason in words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a session may take.

    Attributes:
        megabytes: of one file.
        megapixels: of one picture, all slices and channels together counted once.
        pictures: of one session.
        sessions: at a time.
    """

    megabytes: float = 256.0
    megapixels: float = 100.0
    pictures: int = 64
    sessions: int = 16


@dataclass
class Upload:
    """A picture that came.

    Attributes:
        name: what it was called, without folders.
        path: where it lies.
        size: bytes.
        image: as read, or None before that.
        made: what was made of it (see `work.Made`), or None.
    """

    name: str
    path: Path
    size: int = 0
    image: Any = None
    made: Any = None


@dataclass
class Session:
    """One person at the page.

    Attributes:
        key: what the page must name.
        folder: of its files.
        seen: when it last asked for something.
        uploads: its pictures.
        jobs: what is being done.
        lock: held while these change.
    """

    key: str
    folder: Path
    seen: float
    uploads: dict[str, Upload] = field(default_factory=dict)
    jobs: dict[str, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def upload(self, name: str) -> Upload:
        """One of its pictures.

        Raises:
            Refused: for those of others, and those that are gone.
        """
        found = self.uploads.get(name)
        if found is None:
            raise Refused(404, "There is no such picture in this session. Drop the file again.")
        return found

    def job(self, name: str) -> Any:
        """One of its jobs."""
        found = self.jobs.get(name)
        if found is None:
            raise Refused(404, "There is no such job in this session.")
        return found


class Sessions:
    """All of them; safe to use from threads.

    Args:
        limits: what each may take.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._folder = Path(tempfile.mkdtemp(prefix="pellucid-web-"))
        self._all: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self) -> Session:
        """A new session; those that have been idle are ended first.

        Raises:
            Refused: when there are too many.
        """
        with self._lock:
            now = time.monotonic()
            for key in [k for k, s in self._all.items() if now - s.seen > IDLE]:
                self._drop(key)
            if len(self._all) >= self.limits.sessions:
                raise Refused(503, f"{len(self._all)} people are here already. Try again later.")
            key = secrets.token_urlsafe(24)
            folder = self._folder / secrets.token_hex(8)
            folder.mkdir()
            self._all[key] = Session(key, folder, now)
            return self._all[key]

    def of(self, key: str) -> Session:
        """The session of a key.

        Raises:
            Refused: when there is none.
        """
        with self._lock:
            found = self._all.get(key)
            if found is None:
                raise Refused(401, "This session has ended. Load the page again.")
            found.seen = time.monotonic()
            return found

    def end(self, key: str) -> None:
        """Remove a session and its files."""
        with self._lock:
            self._drop(key)

    def close(self) -> None:
        """Remove all that is left."""
        with self._lock:
            for key in list(self._all):
                self._drop(key)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _drop(self, key: str) -> None:
        gone = self._all.pop(key, None)
        if gone is None:
            return
        for job in gone.jobs.values():
            job.cancel()
        shutil.rmtree(gone.folder, ignore_errors=True)

    def place(self, session: Session, name: str) -> Upload:
        """Room for a picture: a file whose name is ours, with only the ending of the one that it came with.

        Raises:
            Refused: when the session has too many.
        """
        if len(session.uploads) >= self.limits.pictures:
            raise Refused(413, f"A session holds {self.limits.pictures} pictures. Remove some first.")
        plain = plain_name(name)
        ending = Path(plain).suffix.lower()
        ending = ending if ending in files.SUFFIXES else ""
        return Upload(name=plain, path=session.folder / f"{secrets.token_hex(8)}{ending}")


def plain_name(name: str) -> str:
    r"""The last part of a path of any system, without signs that a file system or a header could misread.

    >>> plain_name("../../etc/passwd"), plain_name(r"C:\scans\Füße 1.tif"), plain_name("..")
    ('passwd', 'Füße 1.tif', 'picture')
    """
    last = PureWindowsPath(PurePosixPath(name).name).name
    kept = "".join(sign for sign in last if sign.isalnum() or sign in " ._-()+").strip(" .")
    return kept[-120:] or "picture"


def all_of(session: Session) -> Iterator[Upload]:
    """The pictures of a session, as they are now."""
    with session.lock:
        yield from list(session.uploads.values())
