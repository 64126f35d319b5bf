"""The tables of a page: one per set, and one over all sets; columns sort by a click or the keyboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from pellucid.bench import texts
from pellucid.bench.table import Row, Score, Table

BADGES = {"oracle": "oracle", "published": "published", "input": "input"}
TIPS = {
    "oracle": "Used the truth, to be told the level or to choose the best step: nobody can have it.",
    "published": "A number of a paper, not measured here.",
    "input": "The noisy images themselves.",
}
HEADS = (
    ("Method", ""),
    ("PSNR (dB)", "mean over the images; ± standard deviation of that mean over seeds"),
    ("SSIM", "mean over the images; ± standard deviation of that mean over seeds"),
    ("Seconds", "per image, by the clock, start-up left out"),
    ("CPU s", "processor seconds per image"),
    ("Memory (MB)", "highest peak of the process over all images"),
    ("Iterations", "mean, of iterative methods"),
    ("n", "images in the mean"),
)


def results(table: Table) -> str:
    """The table of one set, with what is missing below."""
    rows = "".join(_row(row, table) for row in table.rows)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    gone = "".join(f"<li>{escape(line)}</li>" for line in texts.absent(table))
    if gone:
        notes += f'<details class="absent"><summary>Not in the table ({len(table.missing)})</summary>'
        notes += f"<ul>{gone}</ul></details>"
    body = f"<thead><tr>{_heads(HEADS)}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="scroll"><table class="sortable results">{body}</table></div>{notes}'


def overview(tables: Sequence[Table]) -> str:
    """PSNR of every method on every set; "" for a single set."""
    tables = [t for t in tables if any(r.psnr is not None for r in t.rows)]
    if len(tables) < 2:
        return ""
    names: dict[str, Row] = {}
    for table in tables:
        for row in table.rows:
            if row.kind != "published":
                names.setdefault(row.name, row)
    lines = []
    for name, first in names.items():
        cells = []
        for table in tables:
            own = next((r for r in table.rows if r.name == name and r.kind != "published"), None)
            cells.append(_scored(own.psnr if own else None, 2, _top(own, table, "psnr")))
        lines.append(f'<tr><th scope="row">{_named(first)}</th>{"".join(cells)}</tr>')
    heads = [("Method", ""), *((t.title, f"PSNR in dB over {_images(t)}") for t in tables)]
    body = f"<thead><tr>{_heads(heads)}</tr></thead><tbody>{''.join(lines)}</tbody>"
    caption = "<caption>PSNR in dB; the best that needs no truth in bold.</caption>"
    return f'<div class="scroll"><table class="sortable">{caption}{body}</table></div>'


def _images(table: Table) -> str:
    counts = {r.images for r in table.rows if r.images is not None}
    return f"{counts.pop()} images" if len(counts) == 1 else "different numbers of images"


def _heads(heads: Sequence[tuple[str, str]]) -> str:
    """Headings that are buttons where a script runs; page.js turns them into such."""
    return "".join(
        f'<th scope="col"{f" title={chr(34)}{escape(tip, quote=True)}{chr(34)}" if tip else ""}>'
        f"{escape(name)}</th>"
        for name, tip in heads
    )


def _row(row: Row, table: Table) -> str:
    stops = f"stopped by: {row.stopped}" if row.stopped else ""
    iterations = "–" if row.iterations is None else f"{row.iterations:.0f}"
    cells = [
        _scored(row.psnr, 2, _top(row, table, "psnr")),
        _scored(row.ssim, 4, _top(row, table, "ssim")),
        _figure(row.seconds),
        _figure(row.cpu_seconds),
        _figure(row.peak_mb),
        _cell(row.iterations, iterations, tip=stops),
        _cell(row.images, "–" if row.images is None else str(row.images)),
    ]
    return f'<tr class="{row.kind}"><th scope="row">{_named(row)}</th>{"".join(cells)}</tr>'


def _named(row: Row) -> str:
    marks = ""
    if row.kind in BADGES:
        tip = escape(TIPS[row.kind], quote=True)
        marks += f' <span class="badge {row.kind}" title="{tip}">{BADGES[row.kind]}</span>'
    marks += "".join(f' <span class="badge code">{escape(mark)}</span>' for mark in row.marks)
    source = f"<small>{escape(row.reference)}</small>" if row.reference else ""
    return f"{escape(row.name)}{marks}{source}"


def _top(row: Row | None, table: Table, metric: str) -> bool:
    score: Score | None = getattr(row, metric) if row is not None else None
    measured = row is not None and row.kind == "measured"
    return measured and score is not None and score.mean == texts.best(table.rows, metric)


def _scored(score: Score | None, digits: int, top: bool) -> str:
    if score is None:
        return _cell(None, "–")
    main = texts.score(Score(mean=score.mean), digits)
    spread = (
        f' <small class="pm">± {score.deviation:.{digits}f}</small>' if score.deviation is not None else ""
    )
    inside = f"<b>{main}</b>{spread}" if top else f"{main}{spread}"
    return _cell(score.mean, inside)


def _figure(value: float | None) -> str:
    return _cell(value, texts.figure(value))


def _cell(value: float | None, inside: str, tip: str = "") -> str:
    """A cell with the value that it sorts by; infinite sorts as the largest, unknown goes last."""
    key = "" if value is None else ("1e308" if math.isinf(value) else repr(float(value)))
    more = f' title="{escape(tip, quote=True)}"' if tip else ""
    return f'<td data-value="{key}"{more}>{inside}</td>'
