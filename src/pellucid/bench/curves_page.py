"""Curves as CSV and as one HTML page."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from pellucid.bench import page
from pellucid.bench.bands import BANDS
from pellucid.bench.curves import Curve, Mark, Point
from pellucid.bench.page_pictures import slug
from pellucid.files.replace import replaced
from pellucid.report import charts, parts

DEEP = 8.0
LEFT_OUT = f"More than {DEEP:g} dB below the best is left out."
AXES = (("iteration", "Iterations"), ("seconds", "Seconds"))
READING = (
    "The clean picture is used for these plots only; no stop rule sees it, and the run goes on beyond the "
    "point where its rule stops it. Seconds are those of the method and its rule, looking on not counted. "
    "PSNR is taken before rounding. The bands are the frequency-band correspondence of Shi et al. (IJCV "
    "2022): the mean over a ring of frequencies of min(1, |F(output)| / |F(target)|), of the "
    "output of the step and not of the average; it compares moduli, not phases."
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
        with replaced(folder / f"{slug(curve.entry)}.csv") as file:
            file.write(table(curve).encode("utf-8"))
    with replaced(folder / "index.html") as file:
        file.write(page.document(title, _body(found, title, about)).encode("utf-8"))
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


def _body(found: Sequence[Curve], title: str, about: Sequence[tuple[str, str]]) -> str:
    rows = [_summary(curve) for curve in found]
    head = [
        "Method",
        "Stopped by",
        "at iteration",
        "returned",
        "PSNR then",
        "Best (oracle)",
        "The stop costs",
    ]
    blocks = [f"<header><h1>{escape(title)}</h1></header>", f"<section>{parts.table(head, rows)}</section>"]
    if len(found) > 1:
        every = "".join(_together(found, axis, word) for axis, word in AXES)
        blocks.append(f"<section><h2>All methods</h2>{_switched(every)}</section>")
    for curve in found:
        both = "".join(_charts(curve, axis, word) for axis, word in AXES)
        blocks.append(f"<section><h2>{escape(curve.entry)}</h2>{_switched(both)}</section>")
    blocks.append(f"<section><h2>How to read it</h2><p>{escape(READING)}</p>")
    blocks.append(parts.table([], [list(row) for row in about]) if about else "")
    return "\n".join([*blocks, "</section>"])


def _switched(inside: str) -> str:
    """Charts against iterations and against seconds, with buttons to choose where a script runs."""
    buttons = "".join(
        f'<button type="button" data-axis="{axis}" aria-pressed="{str(axis == AXES[0][0]).lower()}">{word}'
        "</button>"
        for axis, word in AXES
    )
    group = f'<div class="group" role="group" aria-label="Horizontal axis">{buttons}</div>'
    return f'<div class="curves" data-axis="{AXES[0][0]}"><div class="tools">{group}</div>{inside}</div>'


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


def _across(point: Point | Mark, axis: str) -> float:
    return float(point.iteration if axis == "iteration" else point.seconds)


def _close(values: Sequence[float], best: float) -> list[float]:
    """PSNR within DEEP of the best, nan below: the first steps would else press the rest together."""
    return [v if v > best - DEEP else math.nan for v in values]


def _together(found: Sequence[Curve], axis: str, word: str) -> str:
    top = max(c.best.psnr for c in found)
    lines = {
        c.entry: ([_across(p, axis) for p in c.points], _close([p.psnr for p in c.points], top))
        for c in found
    }
    chart = charts.lines(
        lines, alt=f"PSNR of {len(found)} methods against {word.lower()}", across=word.lower()
    )
    return (
        f'<div class="by by-{axis}">{parts.figures([("PSNR of the estimate (dB)", chart, LEFT_OUT)])}</div>'
    )


def _charts(curve: Curve, axis: str, word: str) -> str:
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
    figures = []

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
        figures.append((title, chart, (text + (" Logarithmic scale." if log else "")).strip()))

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
    return f'<div class="by by-{axis}">{parts.figures(figures)}</div>'
