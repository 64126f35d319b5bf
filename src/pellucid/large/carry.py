"""From a store to the denoised store: decide, do every region, make the pyramid, put it in place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pellucid import __version__, methods, tasks
from pellucid.large import memory, place, refusing, sample, spots, work
from pellucid.large.decision import Decision, decide, method_for
from pellucid.large.layout import laid_out
from pellucid.request import Denoise, Inspect, Output
from pellucid.request.records import to_json
from pellucid.run.settings import settle
from pellucid.series import stacks
from pellucid.stores import Form, Store, Zarr, kind_to_write, opened

Told = Callable[[int, int], None]
"""called with how many regions are done, of how many"""
YOUNG = 60.0
"""seconds since the last writing within which a store that lacks chunks is watched"""
WAIT = 2.0
"""seconds for which it is"""
ATTEMPTS = 3
"""how often a region is begun whose process ends"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a store.

    Attributes:
        decision: what was done.
        regions: how many there were.
        before: how many of them an earlier run had done.
        seconds: of this run.
        interrupted: whether the user ended it; the same command goes on.
        notes: what he should know.
    """

    decision: Decision
    regions: int
    before: int
    seconds: float
    interrupted: bool = False
    notes: tuple[str, ...] = ()


def denoise(
    source: Path,
    target: Path,
    request: Denoise,
    output: Output,
    *,
    told: Told | None = None,
    stop: Callable[[], bool] | None = None,
) -> Outcome:
    """Denoise a TIFF or NPY file or a Zarr store region by region.

    What is done is kept in a hidden folder beside the output until all of it is there, with a manifest of the
    regions: killed and started again, the run goes on. Then the output appears, whole.

    Args:
        source: the input.
        target: the output.
        request: what was asked for.
        output: how much memory, how many processes or which cluster, and whether an output that exists may
            be replaced.
        told: called when a region is done.
        stop: asked before each region; when it says yes the run ends, and may go on later.

    Raises:
        ValueError: for what cannot be done, or an input that is damaged or was written to meanwhile.
        OSError: when there is no input, no room, or an output exists.
    """
    began = time.perf_counter()
    _check_paths(source, target, output)
    refusing.options(request, output)
    limit = memory.parsed(output.memory or memory.USUAL)
    with closing(opened(source, axes=request.axes)) as store:
        state = store.state()
        kind = kind_to_write(target, store)
        sparse = _check_there(store, request)
        found = sample.drawn(store, _letter(store.form, request))
        sensor = spots.staying(store) if request.hot_pixels != "off" else ()
        decision = decide(found, store.form, request, source.name, hot=sensor)
        key = tasks.fingerprint(
            [str(source.resolve()), state, __version__, to_json(request), kind, decision.words]
        )
        part = target.with_name(f".{target.name}.part")
        with place.held(part, key, limit, overwrite=output.overwrite) as at_work:
            method = method_for(settle(decision.request), decision.choice)
            if at_work.layout is None:
                notes = at_work.created(kind, store, written(store.form, request), target.name)
                at_work.keep(laid_out(store.form, at_work.unit(), method, decision.axis, limit))
            else:
                notes = ()
            lists = at_work.lists(store, request.axes, decision, state)
            regions, before, ended = _carried_out(lists, at_work, output, told, stop)
            if not ended:
                _check_same(store, state, source, at_work)
                at_work.put(target)
    return Outcome(
        decision=decision,
        regions=regions,
        before=before,
        seconds=time.perf_counter() - began,
        interrupted=ended,
        notes=(*store.notes, *sparse, *notes, *decision.notes),
    )


def inspected(source: Path, asked: Inspect) -> Decision:
    """What would be done about a store, and the noise of its sample.

    Raises:
        ValueError: when it is damaged; OSError when it is not there.
    """
    request = Denoise(data_range=asked.data_range, nodata=asked.nodata, axes=asked.axes, axis=asked.axis)
    with closing(opened(source, axes=asked.axes)) as store:
        found = sample.drawn(store, _letter(store.form, request))
        return decide(found, store.form, request, source.name, look=False)


def _carried_out(
    lists: Iterator[list[tasks.WorkItem]],
    at_work: place.Place,
    output: Output,
    told: Told | None,
    stop: Callable[[], bool] | None,
) -> tuple[int, int, bool]:
    """Do list after list: how many regions there are, how many were done before, whether it was ended."""
    total = before = 0
    for items in lists:
        todo, done = items, 0
        total += len(items)
        for _ in range(ATTEMPTS):
            died = []
            found = tasks.carry_out(
                todo,
                work.do,
                manifest=at_work.manifest,
                jobs=output.jobs,
                cluster=output.cluster,
                stop=stop,
            )
            with closing(found):
                for outcome in found:
                    if isinstance(outcome.error, tasks.WorkerDiedError):
                        died.append(outcome.item)
                        last = outcome.error
                    elif outcome.error is not None:
                        raise outcome.error
                    else:
                        done += 1
                        before += outcome.before
                        if told is not None:
                            told(done, len(items))
            todo = died
            if not todo:
                break
        else:
            raise RuntimeError(f"{ATTEMPTS} processes ended at the same region, one after the other: {last}")
        if done < len(items):
            return total, before, True
    return total, before, False


def written(form: Form, request: Denoise) -> Form:
    """The form of the output: that of the input, of float32 where integers are to be neither rounded nor cut.

    What is stored as floats stays as it is.
    """
    if request.dtype == "same" or form.dtype.kind == "f":
        return form
    return replace(form, dtype=np.dtype(np.float32), bits=None)


def _check_same(store: Store, state: str, source: Path, at_work: place.Place) -> None:
    """Refuse a result of an input that was written to meanwhile; nothing of it can be used."""
    if store.state() == state:
        return
    at_work.discard()
    raise ValueError(
        f"{source} was written to while it was read: nothing was put in place. Run again when it is whole."
    )


def _check_paths(source: Path, target: Path, output: Output) -> None:
    """Refuse an output that is the input, lies in it, or exists."""
    if not source.exists():
        raise FileNotFoundError(f"{source} does not exist. Check the path.")
    one, other = source.resolve(), target.resolve()
    if one == other or one in other.parents or other in one.parents:
        raise ValueError(f"the output must be another store than the input, got {target}. Choose another -o.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder of {target} does not exist. Create it first.")
    if target.exists() and not output.overwrite:
        raise FileExistsError(f"{target} exists. Pass --overwrite to replace it.")


def _check_there(store: Store, request: Denoise) -> tuple[str, ...]:
    """What is to be said of chunks that a Zarr store lacks.

    A chunk that is not there holds the fill value throughout (Zarr 2 and 3); writers leave such chunks out.
    Only where a store is evidently being written is what lacks not yet there.

    Raises:
        ValueError: when the store is being written, or has no fill value.
    """
    if not isinstance(store, Zarr):
        return ()
    gone, count = store.missing()
    if not gone:
        return ()
    lacks = f"{gone:,} of {count:,} chunks are not there"
    if isinstance(request.nodata, int | float) and request.nodata == store.fill:
        return ()
    if store.fill is None:
        raise ValueError(
            f"{store.path}: {lacks}, and the store has no fill_value for them: what they hold is not known. "
            "Copy it again."
        )
    why = store.unfinished()
    if not why and store.young() < YOUNG:
        before = store.state()
        time.sleep(WAIT)
        why = "it grows" if store.state() != before else ""
    if why:
        raise ValueError(
            f"{store.path}: {lacks}, and the store is being written ({why}). Run again when it is whole."
        )
    return (f"{lacks}: they hold {store.fill} throughout, as Zarr has it",)


def _letter(form: Form, request: Denoise) -> str:
    """The axis along which slices could help each other, for the sample."""
    several = stacks.several_of(form.shape, form.axes)
    wanted = "" if request.axis in ("auto", "none") else request.axis.upper()
    if request.axis == "none" or (request.method != "auto" and not methods.load(request.method).axis):
        return ""
    if wanted and wanted in several:
        return wanted
    return next((letter for letter in "TZ" if letter in several), "")
