"""Batches step after step, made ahead in threads, and on their way to the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future

import torch
from torch import Tensor

from pellucid import devices
from pellucid.data import Data, Sample
from pellucid.engine import packed
from pellucid.learning import Batch


class Stream:
    """The batches of steps `start`, `start + 1` … for one process, without end.

    What they hold does not depend on the threads.

    Args:
        data: where they come from.
        start: the first step.
        rank: of this process; each takes samples of its own.
        threads: that make batches while the network learns.
    """

    def __init__(self, data: Data, *, start: int, rank: int = 0, threads: int = 1) -> None:
        self.data, self.start, self.rank, self.threads = data, start, rank, threads

    def __iter__(self) -> Generator[Batch, None, None]:
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


def on(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device, channels last."""

    def there(value: Tensor | None) -> Tensor | None:
        return None if value is None else packed(value.to(device, non_blocking=True))

    return Batch(
        noisy=packed(batch.noisy.to(device, non_blocking=True)),
        other=there(batch.other),
        clean=there(batch.clean),
        sigma=None if batch.sigma is None else batch.sigma.to(device),
        window=None if batch.window is None else batch.window.to(device, non_blocking=True),
    )


def samples_of(samples: list[Sample], size: int) -> list[list[Sample]]:
    """Samples in lots of a batch."""
    return [samples[i : i + size] for i in range(0, len(samples), size)]
