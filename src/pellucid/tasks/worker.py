"""A worker process: loads one function, then answers every message with what the function makes of it.

It leaves the standard output to whatever libraries print, and ends when the program that started it is gone.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from functools import reduce
from importlib import import_module
from typing import BinaryIO


def main() -> None:
    """Serve until the input ends."""
    messages, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_guard, args=(os.getppid(),), daemon=True).start()
    module, name = pickle.load(messages)
    function = reduce(getattr, name.split("."), import_module(module))
    _answer(answers, ("ready", None, 0.0))
    while True:
        try:
            payload = pickle.load(messages)
        except EOFError:
            return
        began = time.perf_counter()
        try:
            kind, value = "value", function(payload)  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - whatever one item does, the others go on
            error.add_note(traceback.format_exc())  # which would not come over by itself
            kind, value = "error", error
        _answer(answers, (kind, value, time.perf_counter() - began))


def _answer(answers: BinaryIO, message: tuple[str, object, float]) -> None:
    kind, value, seconds = message
    try:
        told = pickle.dumps(message)
        if kind == "error":
            pickle.loads(told)  # one with arguments of its own may not come back
    except Exception as error:  # noqa: BLE001 - whatever cannot be sent is told in words
        words = f"{type(value).__name__}: {value}"
        if kind == "value":
            words = f"a result of type {type(value).__name__} cannot be sent between processes: {error}"
        told = pickle.dumps(("error", RuntimeError(words), seconds))
    try:
        answers.write(told)
        answers.flush()
    except OSError:  # nobody listens any more
        os._exit(1)


def _guard(parent: int) -> None:
    """End this process and its children when the program that started it has gone."""
    while os.getppid() == parent:
        time.sleep(0.3)
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
