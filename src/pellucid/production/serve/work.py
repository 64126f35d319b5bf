"""The work behind the service: one queue, one way of denoising, counts of what happened."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pellucid import checks, devices, files
from pellucid.extras import MissingExtra
from pellucid.image import Image
from pellucid.request import Denoise, Serve
from pellucid.run import denoise, settle

BAD = (ValueError, TypeError, EOFError, SyntaxError, MissingExtra, OSError, ArithmeticError)
"""what is wrong with a picture, not with us"""
FORMATS = ("png", "tiff", "jpeg", "npy")
MEDIA = {"png": "image/png", "tiff": "image/tiff", "jpeg": "image/jpeg", "npy": "application/octet-stream"}
SUFFIX = {"png": ".png", "tiff": ".tif", "jpeg": ".jpg", "npy": ".npy"}


CHANNELS = 4
"""values of a pixel that are decoded at most, before anything is known of a picture"""


class BusyError(RuntimeError):
    """The queue is full, or the service ends."""


class PictureError(ValueError):
    """What came is no picture that can be denoised; the text is for who sent it."""


@dataclass
class Counts:
    """What happened since the start."""

    answers: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    pictures: int = 0
    waiting: int = 0
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A clean picture.

    Attributes:
        data: of the file.
        media: its type.
        told: what else is said, as headers.
    """

    data: bytes
    media: str
    told: dict[str, str]


class Work:
    """Denoises pictures in a bounded queue.

    Args:
        request: how.

    Raises:
        ValueError: for a method or model that cannot be used.
    """

    def __init__(self, request: Serve) -> None:
        self.request, self.counts = request, Counts()
        self.options: dict[str, Any] = {"method": request.method}
        if request.model is not None:
            self.options |= {"model": request.model, "runtime": request.runtime}
        settle(Denoise(**self.options))  # what is wrong is said now, and not to who sends a picture
        several = request.workers > 1
        self._pool = devices.workers(request.workers) if several else ThreadPoolExecutor(1, "pellucid-serve")
        self._lock = threading.Lock()
        self.open = True

    def submit(self, data: bytes, suffix: str, options: dict[str, Any]) -> Future[Answer]:
        """Put a picture into the queue.

        Args:
            data: of the file.
            suffix: the ending that its name had, which only says what it may be.
            options: of `denoise` for this picture, and "format".

        Raises:
            BusyError: when the queue is full or closed.
        """
        with self._lock:
            if not self.open:
                raise BusyError("the service ends")
            if self.counts.waiting >= self.request.queue + self.request.workers:
                raise BusyError("the queue is full")
            self.counts.waiting += 1
        future = self._pool.submit(self._one, data, suffix, options)
        future.add_done_callback(self._left)
        return future

    def close(self) -> None:
        """Take nothing more, and wait for what is begun."""
        with self._lock:
            self.open = False
        self._pool.shutdown(wait=True, cancel_futures=True)

    def count(self, status: int) -> None:
        """Note an answer."""
        with self._lock:
            self.counts.answers[status] += 1

    def _left(self, future: Future[Answer]) -> None:
        with self._lock:
            self.counts.waiting -= 1

    def _one(self, data: bytes, suffix: str, options: dict[str, Any]) -> Answer:
        """A picture from bytes to bytes; its files are in a folder of their own, of names of ours."""
        started = time.perf_counter()
        asked = dict(options)
        format = asked.pop("format")
        with tempfile.TemporaryDirectory(prefix="pellucid-serve-") as folder:
            place, out = Path(folder, f"picture{suffix}"), Path(folder, f"clean{SUFFIX[format]}")
            place.write_bytes(data)
            try:
                image = _bounded(place, self.request.most_pixels, asked.get("data_range"))
                result = denoise(image, **self.options | asked, return_result=True)
                files.write(image.with_pixels(result.estimate), out)
            except BAD as error:
                words = " ".join(str(error).split()) or type(error).__name__
                raise PictureError(words.replace(folder + os.sep, "")[:400]) from error
            clean = out.read_bytes()
        spent = time.perf_counter() - started
        with self._lock:
            self.counts.pictures += 1
            self.counts.seconds += spent
        told = {"X-Pellucid-Method": result.method, "X-Pellucid-Seconds": f"{spent:.3f}"}
        if result.trust is not None:
            told["X-Pellucid-Trust"] = str(result.trust.level)
        return Answer(data=clean, media=MEDIA[format], told=told)


def _bounded(place: Path, most: int, data_range: float | None) -> Image:
    """Read a picture that is not larger than what may be.

    Raises:
        ValueError: when it is.
    """
    image = files.read(place, data_range=data_range, max_pixels=CHANNELS * most)
    count, _, height, width = image.pixels.shape
    if count * height * width > most:
        raise checks.UsageError(f"a picture may have {most:,} pixels, this has {count * height * width:,}.")
    return image
