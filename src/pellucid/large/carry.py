"""From a store to the denoised store: decide, do every region, make the pyramid, put it in place."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pellucid import __version__, methods, tasks
from pellucid.large import memory, refusing, sample, work
from pellucid.large.decision import Decision, decide, method_for
from pellucid.large.layout import Layout, laid_out
from pellucid.request import Denoise, Output
from pellucid.request.records import to_json
from pellucid.run import stacks
from pellucid.run.settings import settle
from pellucid.stores import Form, Store, Zarr, create, kind_to_write, opened, region
from pellucid.stores.region import Region, cells
from pellucid.stores.space import in_words

Told = Callable[[int, int], None]
"""called with how many regions are done, of how many"""
MANIFEST, RESULT = "manifest.jsonl", "result"


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
        output: how much memory, and whether an output that exists may be replaced.
        told: called when a region is done.
        stop: asked before each region; when it says yes the run ends.

    Raises:
        ValueError: for what cannot be done, or an input that is damaged or was written to meanwhile.
        OSError: when there is no input, no room, or an output exists.
    """
    began = time.perf_counter()
    _check_paths(source, target, output)
    refusing.options(request, output)
    with closing(opened(source, axes=request.axes)) as store:
        state = store.state()
        _check_there(store, request)
        found = sample.drawn(store, _letter(store.form, request))
        decision = decide(found, store.form, request, source.name)
        kind = kind_to_write(target, store)
        own = replace(store.form, dtype=store.form.dtype)
        part = target.with_name(f".{target.name}.part")
        run = _Run(store, state, decision, kind, target, part, request, output)
        outcome = run.carried_out(told or (lambda done, count: None), stop)
        del own
    return replace(outcome, seconds=time.perf_counter() - began)


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


def _check_there(store: Store, request: Denoise) -> None:
    """Refuse a Zarr store that lacks chunks, unless the user says that what lacks is no measurement."""
    if not isinstance(store, Zarr):
        return
    gone, count = store.missing()
    if gone and not (isinstance(request.nodata, int | float) and request.nodata == store.fill):
        raise ValueError(
            f"{store.path}: {gone:,} of {count:,} chunks are not there. Copy the store again; if they were left "
            f"out because they hold {store.fill} throughout, say so: --nodata {store.fill}."
        )


def _letter(form: Form, request: Denoise) -> str:
    """The axis along which slices could help each other, for the sample."""
    several = stacks.several_of(form.shape, form.axes)
    wanted = "" if request.axis in ("auto", "none") else request.axis.upper()
    if request.axis == "none" or (request.method != "auto" and not methods.load(request.method).axis):
        return ""
    return wanted if wanted in several else next((letter for letter in "TZ" if letter in several), "")
