"""Ctrl-C that lets what is at work end: the first is noted, the second ends all at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether the person wants an end; called, it says so."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        """Whether the person has asked."""
        return self.asked


@contextmanager
def held(told: Callable[[], None] | None = None) -> Iterator[Interrupt]:
    """For the time of a block the first SIGINT sets a flag, a second one raises KeyboardInterrupt.

    Only the main thread of a program can do that; in another thread nothing is changed. The handler that
    was there is put back.

    Args:
        told: called at the first one, e.g. to say that files at work are finished.

    >>> with held() as interrupt:
    ...     signal.raise_signal(signal.SIGINT)
    ...     interrupt()
    True
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def asked(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True
        if told is not None:
            told()

    before = signal.signal(signal.SIGINT, asked)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
