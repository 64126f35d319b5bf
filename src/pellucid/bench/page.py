"""A folder with one HTML page: tables, quality against time, pictures. It needs no network and no server."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pellucid import pages
from pellucid.bench import front, render
from pellucid.bench.pictures import Shown, anchor, gallery
from pellucid.bench.results import Results
from pellucid.bench.table import Row, Score, Table
from pellucid.files.replace import replaced
from pellucid.pages import Fact

PACKAGE = "pellucid.bench"


@dataclass(frozen=True, kw_only=True)
class TableValue:
    """A cell of a table: its text, what it sorts by (infinite as the largest, "" last), and how it looks."""

    text: str
    key: str
    bold: bool = False
    spread: str = ""
    tip: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One set: its table, its front where two methods have a time, its pictures where they were kept."""

    table: Table
    id: str
    rows: list[tuple[Row, list[TableValue]]]
    absent: list[str]
    plot: Markup | None
    shown: list[Shown]
    total: int


def write(
    results: Results, tables: Sequence[Table], out: str | Path, *, title: str = "Benchmark", pictures: int = 6
) -> Path:
    """Write index.html and the folder `pictures` below ``out``.

    Args:
        results: one run, or several merged.
        tables: of these results.
        out: folder; it is made where it does not exist. Files of an earlier page are replaced.
        title: heading of the page; escaped.
        pictures: how many images of each set are shown at most; 0 for none.

    Returns:
        The page.

    Raises:
        NotADirectoryError: when ``out`` is a file.
        OSError: when it cannot be written.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"the page is a folder, got the file {folder}. Choose another name.")
    folder.mkdir(parents=True, exist_ok=True)
    text = pages.render(
        "bench.html",
        package=PACKAGE,
        title=title,
        front_style=Markup(front.STYLE),
        label=results.label.removeprefix("small form:").strip(),
        notes=results.notes,
        facts=facts(results, tables),
        sections=[_section(results, table, folder, pictures) for table in tables],
        overview=overview(tables),
        making=[_told(manifest) for manifest in results.manifests],
    )
    page = folder / "index.html"
    with replaced(page) as file:
        file.write(text.encode("utf-8"))
    return page


def facts(results: Results, tables: Sequence[Table]) -> list[Fact]:
    """The figures to see first."""
    done = [c for c in results.cells if c.done]
    failed = sum(c.error is not None for c in results.cells)
    skipped = sum(c.skipped is not None for c in results.cells)
    beside = [
        text for number, text in ((failed, f"{failed} failed"), (skipped, f"{skipped} skipped")) if number
    ]
    images = len({(c.set, c.crop, c.image) for c in results.cells})
    methods = len({c.method for c in results.cells})
    return [
        Fact(name="Sets", value=str(len(tables)), note=f"{images} images"),
        Fact(name="Methods", value=str(methods), note=_joined(results.manifests, "preset", "preset ")),
        Fact(name="Results", value=str(len(done)), note=", ".join(beside) or "none failed"),
        Fact(
            name="Time, all together",
            value=pages.seconds(sum(c.seconds or 0 for c in done)),
            note=_where(results.manifests),
        ),
    ]


def overview(tables: Sequence[Table]) -> dict[str, Any] | None:
    """PSNR of every method on every set; None for a single set."""
    tables = [t for t in tables if any(r.psnr is not None for r in t.rows)]
    if len(tables) < 2:
        return None
    names: dict[str, Row] = {}
    for table in tables:
        for row in table.rows:
            if row.kind != "published":
                names.setdefault(row.name, row)
    rows = []
    for name, first in names.items():
        own = [next((r for r in t.rows if r.name == name and r.kind != "published"), None) for t in tables]
        cells = [_scored(r, t, "psnr", 2) for r, t in zip(own, tables, strict=True)]
        rows.append((first, cells))
    return {"heads": [(t.title, f"PSNR in dB over {_images(t)}") for t in tables], "rows": rows}


def _section(results: Results, table: Table, folder: Path, most: int) -> Section:
    cells = [c for c in results.cells if (c.set, c.crop) == (table.set, table.crop)]
    found = front.contenders(table)
    drawing = front.draw(found, title=table.title) if len(found) > 1 else None
    shown, total = gallery(table, cells, folder, most=most) if most > 0 else ([], 0)
    return Section(
        table=table,
        id=anchor(table.title),
        rows=[(row, _figures(row, table)) for row in table.rows],
        absent=render.absent(table),
        plot=None if drawing is None else front.svg(drawing),
        shown=shown,
        total=total,
    )


def _figures(row: Row, table: Table) -> list[TableValue]:
    return [
        _scored(row, table, "psnr", 2),
        _scored(row, table, "ssim", 4),
        *(
            TableValue(text=render.figure(v), key=_key(v))
            for v in (row.seconds, row.cpu_seconds, row.peak_mb)
        ),
        TableValue(
            text="–" if row.iterations is None else f"{row.iterations:.0f}",
            key=_key(row.iterations),
            tip=f"stopped by: {row.stopped}" if row.stopped else "",
        ),
        TableValue(text="–" if row.images is None else str(row.images), key=_key(row.images)),
    ]


def _scored(row: Row | None, table: Table, metric: str, digits: int) -> TableValue:
    score: Score | None = getattr(row, metric) if row is not None else None
    if row is None or score is None:
        return TableValue(text="–", key="")
    return TableValue(
        text=render.score(Score(mean=score.mean), digits),
        key=_key(score.mean),
        bold=row.kind == "measured" and score.mean == render.best(table.rows, metric),
        spread="" if score.deviation is None else f"{score.deviation:.{digits}f}",
    )


def _key(value: float | None) -> str:
    return "" if value is None else ("1e308" if math.isinf(value) else repr(float(value)))


def _images(table: Table) -> str:
    counts = {r.images for r in table.rows if r.images is not None}
    return f"{counts.pop()} images" if len(counts) == 1 else "different numbers of images"


def _told(manifest: Mapping[str, Any]) -> pages.TextTable | None:
    """Everything a manifest says; None for a folder without one."""
    words = {"source": "code (hash)", "created": "date"}
    rows = [
        [words.get(key, key).capitalize(), _value(value)]
        for key, value in manifest.items()
        if value not in (None, "", [])
    ]
    return pages.TextTable(rows=rows) if rows else None


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _joined(manifests: Sequence[Mapping[str, Any]], name: str, before: str) -> str:
    values = list(dict.fromkeys(str(m[name]) for m in manifests if m.get(name)))
    return before + ", ".join(values) if values else ""


def _where(manifests: Sequence[Mapping[str, Any]]) -> str:
    named = [m for m in manifests if m.get("device") != "auto"]  # auto says nothing of where it ran
    device = _joined(named, "device", "on ")
    threads = list(dict.fromkeys(int(m["threads"]) for m in manifests if m.get("threads")))
    words = [f"{n} thread" + ("s" if n != 1 else "") for n in threads]
    return ", ".join([*([device] if device else []), *words])
