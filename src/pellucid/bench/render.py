"""Results in the forms that others take: Markdown, CSV and LaTeX, and files for the server of DND."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from pellucid import checks, files
from pellucid.bench import log
from pellucid.bench.table import Row, Score, Table
from pellucid.files.replace import replaced

METRICS = ("psnr", "ssim", "both")
DIGITS = {"psnr": 2, "ssim": 4}
TITLES = {"psnr": "PSNR (dB)", "ssim": "SSIM"}


def text(found: Sequence[Table], *, format: str = "markdown", metric: str = "both", label: str = "") -> str:
    """The tables as text.

    Args:
        found: from `table.tables`.
        format: "markdown", "csv" or "latex".
        metric: "psnr", "ssim" or "both".
        label: which small form this is; it stands above everything.

    Raises:
        ValueError: for an unknown format or metric.
    """
    write = FORMATS[checks.one_of("format", format, list(FORMATS))]
    checks.one_of("metric", metric, METRICS)
    return write(found, ["psnr", "ssim"] if metric == "both" else [metric], label)


def score(value: Score | None, digits: int, *, sign: str = " ± ") -> str:
    """A mean and its deviation.

    >>> score(Score(mean=31.456, deviation=0.0123), 2)
    '31.46 ± 0.01'
    >>> score(None, 2)
    '–'
    """
    if value is None:
        return "–"
    if math.isinf(value.mean):
        return "∞"
    text = f"{value.mean:.{digits}f}"
    return text if value.deviation is None else f"{text}{sign}{value.deviation:.{digits}f}"


def figure(value: float | None) -> str:
    """Three figures, or a dash.

    >>> figure(0.01234), figure(1234.5), figure(None)
    ('0.0123', '1234', '–')
    """
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def note(row: Row) -> str:
    """Marks of a row in words."""
    kind = row.kind if row.kind in ("oracle", "published") else ""
    first = ": ".join(part for part in (kind, row.reference) if part)
    return "; ".join(part for part in (first, *row.marks) if part)


def absent(found: Table) -> list[str]:
    """What has no row, or not in all images, and why; one line each."""
    lines = []
    for m in found.missing:
        what = "skipped" if m.skipped else "failed"
        lines.append(f"{m.method}: {what} in {m.cells} cell{'s' if m.cells != 1 else ''}: {m.reason}")
    return lines


def best(rows: Sequence[Row], metric: str) -> float | None:
    """The best score of the measured rows, which may be set in bold; oracles and papers do not compete."""
    values = [s.mean for r in rows if r.kind == "measured" and (s := getattr(r, metric)) is not None]
    return max(values, default=None)


def _cells(row: Row, metrics: Sequence[str], sign: str = " ± ") -> list[str]:
    return [
        *(score(getattr(row, m), DIGITS[m], sign=sign) for m in metrics),
        figure(row.seconds),
        figure(row.peak_mb),
        "–" if row.images is None else str(row.images),
    ]


def _markdown(found: Sequence[Table], metrics: Sequence[str], label: str) -> str:
    blocks = [f"**{label}**"] if label else []
    for table in found:
        head = ["method", *(TITLES[m] for m in metrics), "seconds", "peak MB", "n", ""]
        lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(metrics) + 3) + "---|"]
        for row in table.rows:
            cells = _cells(row, metrics)
            for place, m in enumerate(metrics):
                top, own = best(table.rows, m), getattr(row, m)
                if row.kind == "measured" and own is not None and own.mean == top:
                    cells[place] = f"**{cells[place]}**"
            marks = note(row)
            for word in ("oracle", "published"):
                if row.kind == word:
                    marks = f"*{word}*{marks[len(word) :]}"
            lines.append(f"| {' | '.join(_escaped(c) for c in (f'`{row.name}`', *cells, marks))} |")
        below = [*table.notes, *(f"Not in the table: {line}." for line in absent(table))]
        blocks += [f"### {table.title}", "\n".join(lines), *([" \\\n".join(below)] if below else [])]
    return "\n\n".join(blocks) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _csv(found: Sequence[Table], metrics: Sequence[str], label: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    both = [name for m in metrics for name in (m, f"{m}_deviation")]
    writer.writerow(
        [
            *("set", "crop", "method", "preset", "kind", *both, "seconds", "cpu_seconds", "peak_mb"),
            *("images", "seeds", "iterations", "stopped", "reference", "note"),
        ]
    )
    for table in found:
        where = [table.set, table.crop or ""]
        for row in table.rows:
            values: list[object] = []
            for m in metrics:
                own = getattr(row, m)
                values += ["", ""] if own is None else [own.mean, _or_empty(own.deviation)]
            rest = (row.seconds, row.cpu_seconds, row.peak_mb, row.images, row.seeds, row.iterations)
            values += [_or_empty(v) for v in rest]
            notes = "; ".join([*([label] if label else []), *row.marks])
            writer.writerow(
                [*where, row.method, row.preset, row.kind, *values, row.stopped, row.reference, notes]
            )
        for gone in table.missing:
            blank = [""] * (len(both) + 3)
            what = "skipped" if gone.skipped else "failed"
            writer.writerow([*where, gone.method, "", what, *blank, gone.cells, "", "", "", "", gone.reason])
    return out.getvalue()


def _or_empty(value: float | None) -> object:
    return "" if value is None else value


_TEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"\\": r"\textbackslash{}", "–": "--", "∞": r"$\infty$", "±": r"$\pm$", "×": r"$\times$"}
)  # fmt: skip


def _latex(found: Sequence[Table], metrics: Sequence[str], label: str) -> str:
    blocks = ["% needs \\usepackage{booktabs}"]
    for table in found:
        lines = [
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{_tex(table.title)}{'. ' + _tex(label) if label else ''}}}",
            f"\\begin{{tabular}}{{l{'r' * (len(metrics) + 3)}l}}",
            "\\toprule",
            " & ".join(["method", *(TITLES[m] for m in metrics), "seconds", "MB", "$n$", ""]) + " \\\\",
            "\\midrule",
        ]
        for row in table.rows:
            cells = [_tex(c) for c in _cells(row, metrics)]
            for place, m in enumerate(metrics):
                top, own = best(table.rows, m), getattr(row, m)
                if row.kind == "measured" and own is not None and own.mean == top:
                    cells[place] = f"\\textbf{{{cells[place]}}}"
            marks = _tex(note(row))
            marks = f"\\emph{{{marks}}}" if marks else ""
            lines.append(" & ".join([_tex(row.name), *cells, marks]) + " \\\\")
        lines += ["\\bottomrule", "\\end{tabular}"]
        below = [*table.notes, *(f"Not in the table: {line}." for line in absent(table))]
        lines += ["\\par\\smallskip\\footnotesize " + " ".join(_tex(line) for line in below)] if below else []
        blocks.append("\n".join([*lines, "\\end{table}"]))
    return "\n\n".join(blocks) + "\n"


def _tex(text: str) -> str:
    return text.translate(_TEX)


FORMATS: dict[str, Callable[[Sequence[Table], Sequence[str], str], str]] = {
    "markdown": _markdown,
    "csv": _csv,
    "latex": _latex,
}


IMAGES, BOXES = 50, 20
"""of DND, whose server has the truth, and nobody else"""


def dnd(results: Path, method: str, out: Path, *, preset: str | None = None, seed: int = 0) -> int:
    """Bundle the 1000 crops of DND: `0001.mat` to `0050.mat`, each with `Idenoised`, a cell of 20 crops.

    Args:
        results: folder that `bench run` wrote, with the set DND.
        method: entry as in its rows.
        out: folder; made where it does not exist.
        preset: where the entry was run with several.
        seed: of the run.

    Returns:
        how many files were written.

    Raises:
        ValueError: when crops are missing, or the method is not there.

    Source: the submission kit of Plotz and Roth, CVPR 2017: variables Idenoised, israw, eval_version.
    """
    rows = [r for r in log.read(results).values() if r["set"] == "DND" and r["crop"] is None]
    checks.one_of("method", method, list(dict.fromkeys(r["method"] for r in rows)) or ["none: run DND first"])
    mine = [r for r in rows if r["method"] == method and r["seed"] == seed and preset in (None, r["preset"])]
    presets = list(dict.fromkeys(r["preset"] for r in mine))
    if len(presets) > 1:
        raise ValueError(f"preset must be given, {method} was run with {', '.join(presets)}.")
    done = {row["image"]: results / row["file"] for row in mine if row.get("file") and not row["error"]}
    wanted = [[f"{i:04}_{b:02}" for b in range(1, BOXES + 1)] for i in range(1, IMAGES + 1)]
    missing = [name for names in wanted for name in names if name not in done]
    if missing:
        raise ValueError(
            f"{len(missing)} of {IMAGES * BOXES} crops of {method} are missing, the first is {missing[0]}. "
            "Run them first."
        )
    from scipy.io import savemat

    out.mkdir(parents=True, exist_ok=True)
    for number, names in enumerate(wanted, 1):
        crops = np.empty(BOXES, dtype=object)
        for place, name in enumerate(names):
            image = files.read(done[name])
            crops[place] = np.moveaxis(image.pixels[0], 0, -1).astype(np.float32)
        with replaced(out / f"{number:04}.mat") as file:
            savemat(cast(Any, file), {"Idenoised": crops, "israw": False, "eval_version": "1.0"})
    return IMAGES
