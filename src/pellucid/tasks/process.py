"""The handle of a worker process: a program of its own, one thread, a message in, a message out."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import IO, Any

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

    It is started fresh, not forked: threads of torch do not survive a fork. It has a session of its own, so
    that Ctrl-C reaches only who started it, and it ends when that one is gone.

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
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | ONE | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(replies,), daemon=True).start()
        self.send((function.__module__, function.__qualname__))

    def send(self, message: Any) -> None:
        """Hand over a message; that a process has died is heard where its replies are."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError, OSError):
                pickle.dump(message, self._process.stdin)
                self._process.stdin.flush()

    def died(self) -> WorkerDiedError:
        """How the process ended, with its last words; it is gone then."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.returncode
        self._errors.seek(0)
        text = self._errors.read()[-4000:].decode("utf-8", "replace")
        last = next((line.strip() for line in reversed(text.split("\n")) if line.strip()), "")
        self.end()
        how = "it did not answer" if code is None else f"exit code {code}" if code >= 0 else f"signal {-code}"
        if code == -signal.SIGKILL:
            how += ", as when memory runs out"
        return WorkerDiedError(f"the process at work ended ({how}){': ' + last[-200:] if last else ''}")

    def end(self) -> None:
        """Kill the process and what it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _listen(self, replies: queue.Queue[Reply]) -> None:
        """Pass on what the process answers; None at its end."""
        pipe = self._process.stdout
        while pipe is not None:
            try:
                message = pickle.load(pipe)
            except Exception:  # noqa: BLE001 - a message torn by the death of the process is none
                break
            replies.put((self, message))
        replies.put((self, None))
