"""Where a run works: a hidden folder beside its output, with its manifest and the store that will be it."""

from __future__ import annotations

import dataclasses
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid import tasks
from pellucid.large.decision import Decision
from pellucid.large.layout import TASK, Layout
from pellucid.large.work import Level, Part, forget
from pellucid.stores import Form, Store, Zarr, create, opened, region, space
from pellucid.tasks import lines

MANIFEST, RESULT, MAKING, OLD = "manifest.jsonl", "result", "making", "replaced"


@dataclass
class Place:
    """The folder of a run.

    Attributes:
        folder: its path.
        key: the fingerprint of the run.
        manifest: open, and locked against other runs.
        layout: how the store is cut, where an earlier run has begun; else None.
        mark: tells the lines of this result from those of one that is gone.
    """

    folder: Path
    key: str
    manifest: tasks.Manifest
    layout: Layout | None = None
    mark: str = ""

    @property
    def result(self) -> Path:
        """The store at work."""
        return self.folder / RESULT

    def created(self, kind: str, source: Store, form: Form, name: str) -> tuple[str, ...]:
        """Lay the store out, of a form; it is there whole or not at all. Notes are returned."""
        making = self.folder / MAKING
        for path in (making, self.result):
            _remove(path)
        notes = create(making, kind, source, form, name)
        self.mark = secrets.token_hex(4)
        return notes

    def unit(self) -> tuple[int, ...]:
        """What is written at once: chunks of a Zarr store, else anything."""
        with closing(opened(self.folder / MAKING)) as store:
            return store.form.chunks if isinstance(store, Zarr) else (1,) * len(store.form.shape)

    def keep(self, layout: Layout) -> None:
        """Note how the store is cut; from here on the run can go on."""
        self.layout = layout
        told = dataclasses.asdict(layout)
        self.manifest.remark({"run": self.key, "mark": self.mark, **told})
        os.rename(self.folder / MAKING, self.result)

    def lists(
        self, source: Store, axes: str | None, decision: Decision, state: str
    ) -> Iterator[list[tasks.WorkItem]]:
        """What is to be done: all regions, then the levels of the pyramid, each from the one below it."""
        if self.layout is None:
            raise ValueError("a layout must be kept first.")
        yield [
            self._item(
                region.text(cell),
                Part(
                    source=source.path.resolve(),
                    axes=axes,
                    target=self.result.resolve(),
                    decision=decision,
                    margins=self.layout.margins,
                    grid=self.layout.grid,
                    region=region.text(cell),
                    state=state,
                    mark=self.mark,
                ),
            )
            for cell in region.cells(source.form.shape, self.layout.block)
        ]
        with closing(opened(self.result)) as store:
            levels = store.levels[1:] if isinstance(store, Zarr) else ()
            blocks = [(level.shape, _block(level)) for level in levels]
        for number, (shape, block) in enumerate(blocks, 1):
            cells = [region.text(cell) for cell in region.cells(shape, block)]
            yield [
                self._item(
                    f"level {number}: {cell}",
                    Level(target=self.result.resolve(), level=number, region=cell, mark=self.mark),
                )
                for cell in cells
            ]

    def _item(self, key: str, payload: Any) -> tasks.WorkItem:
        return tasks.WorkItem(key, f"{self.key} {self.mark}", payload)

    def put(self, target: Path) -> None:
        """Put the store in the place of the output, and remove the folder."""
        forget()
        old = self.folder / OLD
        _remove(old)
        if target.exists():
            os.rename(target, old)
        os.rename(self.result, target)
        self.discard()

    def discard(self) -> None:
        """Remove all that was done."""
        forget()
        shutil.rmtree(self.folder)


@contextmanager
def held(folder: Path, key: str, limit: int, *, overwrite: bool) -> Iterator[Place]:
    """The folder of a run, for the time of it; one that an earlier run has begun goes on.

    Args:
        folder: its path.
        key: the fingerprint of the run.
        limit: bytes of memory that it may take.
        overwrite: whether what another run has begun there may be lost.

    Raises:
        ValueError: when another run is at work there, or has begun there by other settings.
    """
    folder.mkdir(exist_ok=True)
    try:
        manifest = tasks.Manifest(folder / MANIFEST)
    except RuntimeError as error:
        raise ValueError(f"another run works in {folder}. Wait for it, or choose another -o.") from error
    with manifest:
        place = Place(folder, key, manifest)
        found = [row for _, row in lines.read(folder / MANIFEST) if "run" in row]
        if found and place.result.exists():
            last = found[-1]
            if last["run"] == key:
                block, margins, grid = (tuple(last[name]) for name in ("block", "margins", "grid"))
                place.layout = Layout(block, margins, grid, int(last["memory"]))
                place.mark = str(last["mark"])
                _check_memory(place.layout, limit, folder)
            elif not overwrite:
                raise ValueError(
                    f"{folder} holds a run that was not finished, by other settings or of an input that has "
                    "changed since. Finish it by the same command, or remove that folder to begin anew."
                )
        yield place


def _check_memory(layout: Layout, limit: int, folder: Path) -> None:
    if layout.memory > limit:
        raise ValueError(
            f"{folder} holds a run whose regions take {space.in_words(layout.memory)}, more than the memory "
            f"of {space.in_words(limit)}. Allow as much, or remove that folder to begin anew."
        )


def _block(level: Any) -> tuple[int, ...]:
    """Chunks of a level, as many as make a task."""
    block = list(getattr(level, "shards", None) or level.chunks)
    for axis in reversed(range(len(block))):
        times = max(1, TASK // max(1, region.count(tuple(slice(0, n) for n in block))))
        block[axis] = min(level.shape[axis], block[axis] * times) if times > 1 else block[axis]
        block[axis] = max(1, block[axis])
    return tuple(block)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
