"""Batches step after step, made ahead in threads; what they hold does not depend on the threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from pellucid import devices
from pellucid.data import Data
from pellucid.learning import Batch


class Stream:
    """The batches of steps `start`, `start + 1` … for one process, without end.

    Args:
        data: where they come from.
        start: the first step.
        rank: of this process; each takes samples of its own.
        threads: that make batches while the network learns.
    """

    def __init__(self, data: Data, *, start: int, rank: int = 0, threads: int = 1) -> None:
        self.data, self.start, self.rank, self.threads = data, start, rank, threads

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches in order."""
        first = self.rank * self.data.options.batch
        pool = devices.workers(self.threads)
        waiting: deque[Future[Batch]] = deque()
        step = self.start
        try:
            while True:
                while len(waiting) < self.threads + 1:
                    waiting.append(pool.submit(self.data.batch, step, first))
                    step += 1
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
