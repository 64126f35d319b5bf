"""Work in a thread that can be looked at and stopped; no Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Stopped(Exception):  # noqa: N818 - a wish, no fault
    """The person does not want it any more."""


class Job:
    """One piece of work.

    Args:
        work: what is done; it is given a function to call at every step, and returns what came of it.

    Attributes:
        state: "working", "done", "failed" or "stopped".
        value: what came of it.
        words: the error in words.
        share: how much is done, 0 to 1, or None where nobody knows.
    """

    def __init__(self, work: Callable[[Callable[[Any], None]], Any]) -> None:
        self.state, self.value, self.words, self.share = "working", None, "", None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it at its next step."""
        self._stop.set()

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    def _tell(self, progress: Any) -> None:
        if self._stop.is_set():
            raise Stopped
        part = progress.iteration / progress.total if progress.total else 0.0
        self.share = min(1.0, (progress.slice - 1 + min(part, 1.0)) / progress.slices)

    def _run(self, work: Callable[[Callable[[Any], None]], Any]) -> None:
        try:
            self.value = work(self._tell)
        except Stopped:
            self.state = "stopped"
        except Exception as error:  # noqa: BLE001 - told to the person
            self.words, self.state = " ".join(str(error).split()) or type(error).__name__, "failed"
        else:
            self.state = "stopped" if self._stop.is_set() else "done"
