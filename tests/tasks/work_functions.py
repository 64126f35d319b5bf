"""What the workers of these tests are asked to do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

calls = 0


class OddError(Exception):
    """An error that pickle cannot make again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def square(x):
    return x * x


def process_and_calls(_):
    global calls
    calls += 1
    return os.getpid(), calls


def threads(_):
    import torch

    return torch.get_num_threads(), os.environ["NUMBA_NUM_THREADS"]


def trouble(kind):
    if kind == "error":
        raise ValueError("a bad file")
    if kind == "odd":
        raise OddError(1, 2)
    if kind == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "exit":
        os._exit(3)
    if kind == "no result":
        return lambda: None
    if kind == "prints":
        print("hello from a library")
        os.write(1, b"and from C")
    return kind


def write(payload):
    """A file, slowly, in one step at its end."""
    path, seconds = payload
    time.sleep(seconds)
    path = Path(path)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(path.stem)
    part.replace(path)
    return [path.name]
