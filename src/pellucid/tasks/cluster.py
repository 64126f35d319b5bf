"""The workers of a Dask cluster as a pool: the same list, function and outcomes, on several machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pellucid import extras
from pellucid.tasks.items import Outcome, WorkerDiedError, WorkItem

AHEAD = 2
"""items given out for each thread, so that none waits for the next"""
PATIENCE = 30.0
"""seconds until a scheduler must have answered"""


class Cluster:
    """The workers behind a scheduler, for one function.

    They see the same files under the same paths, and have the same pellucid. A worker that dies costs what it
    was at: Dask gives that to another one, and gives up after the third.

    Args:
        function: of one argument, which a module holds by its name.
        address: of the scheduler, e.g. "tcp://10.0.0.1:8786".

    Raises:
        MissingExtra: when distributed is not installed.
    """

    def __init__(self, function: Callable[[Any], Any], address: str) -> None:
        extras.need("scale", "A cluster")
        self._function, self._address = function, address

    def run(
        self,
        items: Iterable[WorkItem],
        *,
        begin: Callable[[WorkItem], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[Outcome]:
        """What came of every item, as `Pool.run`.

        Raises:
            ConnectionError: when no scheduler answers, or it has no workers.
        """
        from distributed import Client, as_completed

        try:
            client = Client(self._address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise ConnectionError(
                f"no Dask scheduler answers at {self._address} ({words}). Start one with `dask scheduler`, "
                "and workers with `dask worker ADDRESS --nthreads 1`."
            ) from error
        with client:
            threads = sum(client.nthreads().values())
            if threads == 0:
                raise ConnectionError(
                    f"the Dask scheduler at {self._address} has no workers. Start some with `dask worker "
                    f"{self._address} --nthreads 1`."
                )
            waiting, at_work = iter(items), {}
            done = as_completed(loop=client.loop)

            def hand_out() -> bool:
                item = None if stop is not None and stop() else next(waiting, None)
                if item is None:
                    return False
                if begin is not None:
                    begin(item)
                future = client.submit(timed, self._function, item.payload, pure=False)
                at_work[future] = item
                done.add(future)
                return True

            for _ in range(AHEAD * threads):
                if not hand_out():
                    break
            try:
                while at_work:
                    future = next(done)
                    item = at_work.pop(future)
                    outcome = _outcome(item, future)
                    hand_out()
                    yield outcome
            finally:
                client.cancel(list(at_work))


def timed(function: Callable[[Any], Any], payload: Any) -> tuple[Any, float]:
    """What a function makes of a payload, and in how many seconds."""
    began = time.perf_counter()
    value = function(payload)
    return value, time.perf_counter() - began


def _outcome(item: WorkItem, future: Any) -> Outcome:
    from distributed import KilledWorker

    error = future.exception() if future.status != "finished" else None
    if error is None:
        value, seconds = future.result()
        return Outcome(item, value, seconds=seconds)
    if isinstance(error, KilledWorker):
        return Outcome(
            item, error=WorkerDiedError(f"the workers at this task ended, one after the other: {error}")
        )
    return Outcome(item, error=error)
