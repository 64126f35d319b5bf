"""The handle of a worker process: started when needed, ended when it takes too long, started again."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from typing import IO, Any

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
        self._process: subprocess.Popen[str] | None = None
        self._replies: queue.Queue[str | None] = queue.Queue()
        self._errors: IO[bytes] | None = None

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
        except BrokenPipeError:
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
        if self._process is None:
            self._begin()

    def end(self) -> None:
        """Kill the process and what it started."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    def _begin(self) -> None:
        # A session of its own: Ctrl-C reaches the run only, which then ends the worker.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed by `end`
        self._replies = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=self._environment,
            start_new_session=True,
        )
        threading.Thread(target=_listen, args=(self._process, self._replies), daemon=True).start()
        try:
            self._send(self._start)
            line = self._replies.get(timeout=START)
        except (queue.Empty, BrokenPipeError):
            line = None
        if line is None:
            raise RuntimeError(f"a worker could not start: {self._died()}")

    def _send(self, row: Message) -> None:
        if self._process is None or self._process.stdin is None:
            raise BrokenPipeError
        self._process.stdin.write(json.dumps(row) + "\n")
        self._process.stdin.flush()

    def _died(self) -> str:
        """How the process ended, with its last words; it is started anew for the next job."""
        code, words = None, ""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout=5)
        if self._errors is not None:
            self._errors.seek(0)
            lines = self._errors.read()[-4000:].decode("utf-8", "replace").split("\n")
            words = next((line.strip() for line in reversed(lines) if line.strip()), "")
        self.end()
        how = "it did not answer" if code is None else f"exit code {code}" if code >= 0 else f"signal {-code}"
        return f"{how}{': ' + words[-200:] if words else ''}"


def _listen(process: subprocess.Popen[str], replies: queue.Queue[str | None]) -> None:
    """Pass the lines of a process on; None at its end."""
    if process.stdout is not None:
        with contextlib.suppress(ValueError, OSError):
            for line in process.stdout:
                replies.put(line)
    replies.put(None)
