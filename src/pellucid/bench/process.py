"""The handle of a worker process: started when needed, ended when it takes too long, started again."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from collections.abc import Mapping
from typing import Any

from pellucid.tasks.child import Child

Message = dict[str, Any]
MODULE = "pellucid.bench.worker"
START = 300.0
"""seconds in which a worker must be ready; loading libraries from a cold disk can take a minute"""


class Worker:
    """A process that runs the cells of one entry.

    Args:
        method: the entry, which it loads before the first cell.
        threads: of this process.
        device: which it makes ready before the first cell.
        environment: variables for it, beside those of this process.
    """

    def __init__(
        self,
        method: str,
        threads: int,
        *,
        device: str = "auto",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._start = {"method": method, "threads": threads, "device": device}
        self._environment = os.environ | {"OMP_NUM_THREADS": str(threads)} | dict(environment or {})
        self._child: Child | None = None
        self._replies: queue.Queue[bytes | None] = queue.Queue()

    def run(self, job: Message, timeout: float | None) -> Message:
        """The reply to a job; a row with "error" when the process dies or takes more than ``timeout`` s.

        Raises:
            RuntimeError: when the process cannot even start.
        """
        self.start()
        try:
            self._send(job)
            line = self._replies.get(timeout=timeout)
        except queue.Empty:
            self.end()
            return {"error": f"time-out: it took more than {timeout:g} s"}
        except OSError:
            line = None
        if line is None:
            return {"error": f"crash: {self._died()}"}
        reply: Message = json.loads(line)
        return reply

    def start(self) -> None:
        """Start the process unless it runs, and wait until it is ready.

        Raises:
            RuntimeError: when it cannot start.
        """
        if self._child is None:
            self._begin()

    def end(self) -> None:
        """Kill the process and what it started."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _begin(self) -> None:
        self._replies = queue.Queue()
        self._child = Child(MODULE, self._environment)
        threading.Thread(target=_listen, args=(self._child, self._replies), daemon=True).start()
        try:
            self._send(self._start)
            line = self._replies.get(timeout=START)
        except (queue.Empty, OSError):
            line = None
        if line is None:
            raise RuntimeError(f"a worker could not start: {self._died()}")

    def _send(self, row: Message) -> None:
        if self._child is None:
            raise BrokenPipeError
        self._child.into.write(json.dumps(row).encode() + b"\n")
        self._child.into.flush()

    def _died(self) -> str:
        """How the process ended, with its last words; it is started anew for the next job."""
        child, self._child = self._child, None
        if child is None:
            return "it did not answer"
        _, how, words = child.died()
        return f"{how}{': ' + words if words else ''}"


def _listen(child: Child, replies: queue.Queue[bytes | None]) -> None:
    """Pass the lines of a process on; None at its end."""
    with contextlib.suppress(ValueError, OSError):
        for line in child.out:
            replies.put(line)
    replies.put(None)
