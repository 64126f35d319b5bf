"""Decoded files, the last used ones, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from numpy.typing import NDArray

MOST = 2**30
"""bytes that are kept"""


class Cache:
    """Arrays by name; the longest unused go first.

    Args:
        most: bytes that are kept.

    >>> import numpy as np
    >>> cache = Cache(8)
    >>> for name in ("a", "b"):
    ...     cache.put(name, np.zeros(8, np.uint8))
    >>> list(cache.held)
    ['b']
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.held: OrderedDict[str, NDArray[Any]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, name: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The array, made anew when it was let go."""
        with self._lock:
            if name in self.held:
                self.held.move_to_end(name)
                return self.held[name]
        array = make()
        self.put(name, array)
        return array

    def put(self, name: str, array: NDArray[Any]) -> None:
        """Keep an array, and let others go."""
        with self._lock:
            if name in self.held:
                return
            self.held[name] = array
            self._bytes += array.nbytes
            while self._bytes > self.most and len(self.held) > 1:
                _, gone = self.held.popitem(last=False)
                self._bytes -= gone.nbytes
