"""Curves as CSV and as one HTML page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

from pellucid import pages
from pellucid.bench.curves import BANDS, Curve, CurvePoint, Mark
from pellucid.bench.page import PACKAGE
from pellucid.bench.pictures import anchor
from pellucid.files.replace import replaced
from pellucid.pages import Figure, TextTable, charts

DEEP = 8.0
LEFT_OUT = f"More than {DEEP:g} dB below the best is left out."
AXES = (("iteration", "Iterations"), ("seconds", "Seconds"))
SUMMARY = (
    "Method",
    "Stopped by",
    "at iteration",
    "returned",
    "PSNR then",
    "Best (oracle)",
    "The stop costs",
)


def write(
    found: Sequence[Curve], out: str | Path, *, title: str, about: Sequence[tuple[str, str]] = ()
) -> Path:
    """Write METHOD.csv for every curve and index.html.

    Args:
        found: at least one.
        out: folder; made where it does not exist.
        title: of the page.
        about: what to say of the run: name and value.

    Returns:
        The page.

    Raises:
        NotADirectoryError: when ``out`` is a file.
        OSError: when something cannot be written.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"curves go to a folder, got the file {folder}. Choose another name.")
    folder.mkdir(parents=True, exist_ok=True)
    for curve in found:
        with replaced(folder / f"{anchor(curve.entry)}.csv") as file:
            file.write(table(curve).encode("utf-8"))
    text = pages.render(
        "curves.html",
        package=PACKAGE,
        title=title,
        axes=AXES,
        summary=TextTable(head=SUMMARY, rows=[_summary(curve) for curve in found]),
        together={axis: [_together(found, axis, word)] for axis, word in AXES} if len(found) > 1 else None,
        curves=[(curve.entry, {axis: _figures(curve, axis, word) for axis, word in AXES}) for curve in found],
        about=TextTable(rows=about),
    )
    with replaced(folder / "index.html") as file:
        file.write(text.encode("utf-8"))
    return folder / "index.html"


def table(curve: Curve) -> str:
    """Every point as a line of CSV; empty where there is nothing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [f"{target}_band_{b}" for target in ("noisy", "clean") for b in range(1, BANDS + 1)]
    head = ["iteration", "seconds", "phase", "loss", "statistic", "psnr", "psnr_output", *names]
    writer.writerow(head)
    for p in curve.points:
        values = [p.loss, p.statistic, p.psnr, p.psnr_output, *p.noisy_bands, *p.clean_bands]
        writer.writerow(
            [p.iteration, f"{p.seconds:.4f}", p.phase, *("" if math.isnan(v) else f"{v:.6g}" for v in values)]
        )
    return out.getvalue()


def _summary(curve: Curve) -> list[str]:
    end, best = curve.returned, curve.best
    fired = curve.rule if curve.fired else f"{curve.rule} (did not fire)"
    rule = fired if curve.own else "its own plan"
    return [
        curve.entry,
        rule,
        str(curve.fired.iteration if curve.fired else curve.points[-1].iteration),
        "–" if end is None else str(end.iteration),
        "–" if end is None else f"{end.psnr:.2f} dB",
        f"{best.psnr:.2f} dB at {best.iteration}",
        "–" if end is None else f"{best.psnr - end.psnr:.2f} dB",
    ]


def _across(point: CurvePoint | Mark, axis: str) -> float:
    return float(point.iteration if axis == "iteration" else point.seconds)


def _close(values: Sequence[float], best: float) -> list[float]:
    """PSNR within DEEP of the best, nan below: the first steps would else press the rest together."""
    return [v if v > best - DEEP else math.nan for v in values]


def _together(found: Sequence[Curve], axis: str, word: str) -> Figure:
    top = max(c.best.psnr for c in found)
    lines = {
        c.entry: ([_across(p, axis) for p in c.points], _close([p.psnr for p in c.points], top))
        for c in found
    }
    chart = charts.lines(
        lines, alt=f"PSNR of {len(found)} methods against {word.lower()}", across=word.lower()
    )
    return Figure(title="PSNR of the estimate (dB)", chart=chart, text=LEFT_OUT)


def _figures(curve: Curve, axis: str, word: str) -> list[Figure]:
    x = [_across(p, axis) for p in curve.points]
    marks = [(_across(p, axis), "", "phase") for p in curve.phases]
    best = curve.best
    named = [(_across(best, axis), f"best, {best.psnr:.2f} dB (oracle)", "oracle")]
    if curve.fired:
        named.append((_across(curve.fired, axis), f"stopped, gives {curve.fired.psnr:.2f} dB", "stop"))
    elif curve.returned:
        named.append((_across(curve.returned, axis), f"end, gives {curve.returned.psnr:.2f} dB", "stop"))
    # Without their labels in the smaller charts: the lines are the same.
    plain = [*marks, *((at, "", kind) for at, _, kind in named)]
    watched = "" if curve.own else ", only watched: it ends nothing"
    phases = " Dotted lines: a new phase begins." if marks else ""
    figures: list[Figure] = []

    def add(title: str, curves: dict[str, list[float]], text: str, *, log: bool = False) -> None:
        known = [v for values in curves.values() for v in values if not math.isnan(v)]
        if len(known) < 2:
            return
        log = log and min(known) > 0 and max(known) / min(known) > 5
        ends = f"from {known[0]:.3g} to {known[-1]:.3g}"
        chart = charts.lines(
            {name: (x, values) for name, values in curves.items()},
            alt=f"{title} of {curve.entry} against {word.lower()}, {ends}",
            across=word.lower(),
            log=log,
            low=0.0 if "band" in title else None,
            marks=[*marks, *named] if title.startswith("PSNR") else plain,
        )
        words = (text + (" Logarithmic scale." if log else "")).strip()
        figures.append(Figure(title=title, chart=chart, text=words))

    both = {"estimate": [p.psnr for p in curve.points], "raw output": [p.psnr_output for p in curve.points]}
    psnr = {name: _close(values, best.psnr) for name, values in both.items()}
    add("PSNR (dB)", psnr, f"The noisy picture has {curve.noisy_psnr:.2f} dB. {LEFT_OUT}{phases}")
    add("Loss", {"loss": [p.loss for p in curve.points]}, "", log=True)
    statistic = {"statistic": [p.statistic for p in curve.points]}
    add("Stop statistic", statistic, f"{curve.rule}{watched}.", log=True)
    for target in ("noisy", "clean"):
        values = [p.noisy_bands if target == "noisy" else p.clean_bands for p in curve.points]
        names = ["lowest frequencies", *(f"band {b}" for b in range(2, BANDS)), "highest frequencies"]
        add(
            f"Fit per frequency band to the {target} picture",
            {names[b]: [v[b] for v in values] for b in range(BANDS)},
            "Learning the noise shows as high bands that rise." if target == "noisy" else "",
        )
    return figures
