"""Processes of one thread each that share a list of items; one that dies costs its item and is replaced."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pellucid import checks
from pellucid.tasks.items import Outcome, WorkItem
from pellucid.tasks.process import Process, Reply


class Pool:
    """Workers for one function.

    Args:
        function: of one argument, which a module holds by its name; what it loads at its first call, a
            network for example, stays loaded for the later ones of its process.
        jobs: how many processes.

    Raises:
        ValueError: when there are fewer than one.
    """

    def __init__(self, function: Callable[[Any], Any], jobs: int) -> None:
        self._function, self._jobs = function, int(checks.in_range("jobs", jobs, 1))

    def run(
        self,
        items: Iterable[WorkItem],
        *,
        begin: Callable[[WorkItem], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[Outcome]:
        """What came of every item, in the order in which they end; taken from ``items`` as workers are free.

        Args:
            items: the list, or what makes it.
            begin: called with an item before a worker gets it.
            stop: asked before an item is given out; when it says yes, those at work end and no other begins.

        Raises:
            RuntimeError: when a process cannot even start.
        """
        replies: queue.Queue[Reply] = queue.Queue()
        waiting = iter(items)
        at_work: dict[Process, WorkItem | None] = {}  # None for one that still starts
        alive: list[Process] = []

        def hand_out(process: Process) -> None:
            item = None if stop is not None and stop() else next(waiting, None)
            if item is None:
                at_work.pop(process, None)
                return
            if begin is not None:
                begin(item)
            at_work[process] = item
            process.send(item.payload)

        def start() -> None:
            process = Process(self._function, replies)
            alive.append(process)
            at_work[process] = None

        try:
            for _ in range(self._jobs):
                start()
            while at_work:
                process, message = replies.get()
                if process not in at_work:
                    continue  # it was not needed any more and has ended
                item = at_work[process]
                if message is None:
                    del at_work[process]
                    alive.remove(process)
                    error = process.died()
                    if item is None:
                        raise RuntimeError(f"a worker could not start: {error}")
                    if stop is None or not stop():
                        start()
                    yield Outcome(item, error=error)
                    continue
                kind, value, seconds = message
                hand_out(process)  # before the caller sees the last one: the worker goes on meanwhile
                if item is not None:
                    failed = kind == "error"
                    yield Outcome(item, None if failed else value, value if failed else None, seconds)
        finally:
            for process in alive:
                process.end()
