"""A program started by this one: bytes in, bytes out, its last words kept, ended with all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import IO


class Child:
    """A module of Python that runs as a program of its own.

    It has a session of its own, so that Ctrl-C reaches only who started it.

    Args:
        module: its name.
        environment: all of its variables.
    """

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=dict(environment),
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        assert self._process.stdout is not None  # noqa: S101
        self.into, self.out = self._process.stdin, self._process.stdout

    def died(self) -> tuple[int | None, str, str]:
        """How the process ended; it is gone then.

        Returns:
            its exit code, negative for a signal, None where it did not end; that in words; its last words.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.returncode
        self._errors.seek(0)
        text = self._errors.read()[-4000:].decode("utf-8", "replace")
        last = next((line.strip() for line in reversed(text.split("\n")) if line.strip()), "")
        self.end()
        how = "it did not answer" if code is None else f"exit code {code}" if code >= 0 else f"signal {-code}"
        return code, how, last[-200:]

    def end(self) -> None:
        """Kill the process and what it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for pipe in (self.into, self.out, self._errors):
            with contextlib.suppress(OSError):
                pipe.close()
