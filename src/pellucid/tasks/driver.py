"""From a list of items to what came of each: what is done is not done again, and the rest is noted."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from pellucid.tasks.cluster import Cluster
from pellucid.tasks.items import Outcome, Row, UnfinishedError, WorkItem
from pellucid.tasks.manifest import Manifest
from pellucid.tasks.pool import Pool


def carry_out(
    items: Iterable[WorkItem],
    function: Callable[[Any], Any],
    *,
    manifest: Manifest | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    whole: Callable[[Row], bool] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Generator[Outcome, None, None]:
    """Call a function with the payload of every item that is not done.

    Args:
        items: the list; keys must differ.
        function: of one payload; its value must be what JSON can hold where there is a manifest. What it
            raises is the error of its item, and the others go on.
        manifest: where what is done is noted, and looked up; without one all is done.
        jobs: how many processes of one thread each do it; None: this one, by itself.
        cluster: the address of a Dask scheduler, whose workers do it instead.
        whole: asked of the line of an item that is done, whether its outputs are still there.
        stop: asked before each item; when it says yes, what is at work ends and nothing else begins.

    Returns:
        Outcomes: first those of items that were done before, then the others as they end.

    Raises:
        ValueError: when two items have one key.
    """
    listed = list(items)
    if len({item.key for item in listed}) != len(listed):
        raise ValueError("items of a list must have keys of their own, got one key twice. Rename one.")
    todo = []
    for item in listed:
        row = None if manifest is None else manifest.done(item)
        if row is None or not (whole is None or whole(row)):
            todo.append(item)
        else:
            yield Outcome(item, row.get("value"), seconds=row.get("seconds", 0.0), before=True)
    if not todo:
        return
    begin = None if manifest is None else manifest.begin
    if cluster is not None:
        found = Cluster(function, cluster).run(todo, begin=begin, stop=stop)
    elif jobs is None:
        found = _here(todo, function, begin, stop)
    else:
        found = Pool(function, min(jobs, len(todo))).run(todo, begin=begin, stop=stop)
    for outcome in found:
        if manifest is not None:
            _note(manifest, outcome)
        yield outcome


def _here(
    items: Iterable[WorkItem],
    function: Callable[[Any], Any],
    begin: Callable[[WorkItem], None] | None,
    stop: Callable[[], bool] | None,
) -> Iterator[Outcome]:
    """One after the other, in this process."""
    for item in items:
        if stop is not None and stop():
            return
        if begin is not None:
            begin(item)
        began = time.perf_counter()
        try:
            value, error = function(item.payload), None
        except Exception as raised:  # noqa: BLE001 - whatever one item does, the others go on
            value, error = None, raised
        yield Outcome(item, value, error, time.perf_counter() - began)


def _note(manifest: Manifest, outcome: Outcome) -> None:
    if outcome.error is None:
        manifest.finish(outcome.item, outcome.value, seconds=outcome.seconds)
    elif not isinstance(outcome.error, UnfinishedError):  # that one stays begun
        words = " ".join(str(outcome.error).split())
        manifest.fail(outcome.item, f"{type(outcome.error).__name__}: {words}")
