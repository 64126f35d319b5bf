"""The plot of quality against time as a file of its own, for a README."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.bench import front, front_png
from pellucid.bench.table import Table
from pellucid.files.replace import replaced


def write(
    tables: Sequence[Table],
    path: str | Path,
    *,
    of: str | None = None,
    manifests: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the front of one set.

    Args:
        tables: those there are.
        path: ends in .svg (follows light and dark) or .png.
        of: set spec or title of the table; None is the first with more than one point.
        manifests: they say how many threads and which device the times are for.

    Raises:
        ValueError: for another suffix, a set that is not there, or one without times and scores.
    """
    file = Path(path)
    if file.suffix.lower() not in (".svg", ".png"):
        raise ValueError(f"the front is written as .svg or .png, got {file.name}. Choose one of them.")
    if of is None:
        chosen = [t for t in tables if len(front.points(t)) > 1]
    else:
        chosen = [t for t in tables if of in (t.set, t.title)]
    if not chosen:
        known = ", ".join(t.title for t in tables) or "none"
        raise ValueError(
            f"no set for the front, got {of!r}; there are {known}, with scores and times or not."
        )
    table = chosen[0]
    drawing = front.draw(front.points(table), title=_title(table), across=_across(manifests))
    data = (
        front.svg(drawing, alone=True).encode() if file.suffix.lower() == ".svg" else front_png.png(drawing)
    )
    with replaced(file) as out:
        out.write(data)


def _title(table: Table) -> str:
    counts = {row.images for row in table.rows if row.kind == "measured"}
    images = f", {next(iter(counts))} images" if len(counts) == 1 else ""
    return table.title + images


def _across(manifests: Sequence[Mapping[str, Any]]) -> str:
    """The time axis in words, e.g. "seconds per image on cpu, 1 thread, logarithmic"."""
    devices = {str(m["device"]) for m in manifests if m.get("device") not in (None, "", "auto")}
    threads = {int(m["threads"]) for m in manifests if m.get("threads")}
    words = "seconds per image"
    words += f" on {devices.pop()}" if len(devices) == 1 else ""
    if len(threads) == 1:
        n = threads.pop()
        words += f", {n} thread" + ("s" if n != 1 else "")
    return words + ", logarithmic"
