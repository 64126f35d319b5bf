"""The handle of a worker process: a program of its own, one thread, a message in, a message out."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from pellucid.tasks.child import Child
from pellucid.tasks.items import WorkerDiedError

MODULE = "pellucid.tasks.worker"
ONE = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
    ),
    "1",
)
"""what the libraries read at their start: a process of one thread shares no pool with the others"""
Reply = tuple["Process", Any]
"""who answers, and what: ("value" or "error", the value or the error, seconds), or None at its end"""


class Process:
    """A process that calls one function with what it is sent.

    It is started fresh, not forked: threads of torch do not survive a fork. It ends when who started it is
    gone.

    Args:
        function: of one argument; a module must hold it by its name.
        replies: where what it answers goes, and None at its end.
    """

    def __init__(self, function: Callable[[Any], Any], replies: queue.Queue[Reply]) -> None:
        if function.__module__ == "__main__" or "<" in function.__qualname__:
            raise ValueError(
                f"a function for other processes must stand in a module, got {function.__qualname__} of "
                f"{function.__module__}. Move it into a file that can be imported."
            )
        path = os.pathsep.join(path for path in sys.path if path)
        self._child = Child(MODULE, os.environ | ONE | {"PYTHONPATH": path})
        threading.Thread(target=self._listen, args=(replies,), daemon=True).start()
        self.send((function.__module__, function.__qualname__))

    def send(self, message: Any) -> None:
        """Hand over a message; that a process has died is heard where its replies are."""
        with contextlib.suppress(BrokenPipeError, OSError):
            pickle.dump(message, self._child.into)
            self._child.into.flush()

    def died(self) -> WorkerDiedError:
        """How the process ended, with its last words; it is gone then."""
        code, how, last = self._child.died()
        if code == -signal.SIGKILL:
            how += ", as when memory runs out"
        return WorkerDiedError(f"the process at work ended ({how}){': ' + last if last else ''}")

    def end(self) -> None:
        """Kill the process and what it started."""
        self._child.end()

    def _listen(self, replies: queue.Queue[Reply]) -> None:
        """Pass on what the process answers; None at its end."""
        while True:
            try:
                message = pickle.load(self._child.out)
            except Exception:  # noqa: BLE001 - a message torn by the death of the process is none
                break
            replies.put((self, message))
        replies.put((self, None))
