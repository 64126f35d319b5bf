"""Puts the page together: what to see first, what to know before trusting it, and how it was made."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version

import numpy as np

from pellucid import checks, pages
from pellucid.image import Image
from pellucid.noise import analysis
from pellucid.pages import Fact, Figure, TextTable, charts
from pellucid.report import along, figures, removed, views
from pellucid.report.removed import Removed
from pellucid.steps import Result


def render(*, noisy: Image, estimate: Image, result: Result, title: str, notes: Sequence[str] = ()) -> str:
    """The page as text; arguments and errors as in `pellucid.report.html`."""
    checks.same_shape("estimate", estimate.pixels.shape, "noisy", noisy.pixels.shape)
    for name, image in (("noisy", noisy), ("estimate", estimate)):
        bad = int(np.size(image.pixels) - np.count_nonzero(np.isfinite(image.pixels)))
        if bad:
            raise ValueError(f"{name} must be finite, got {bad} NaN or infinite pixels. Replace them first.")
    gone = removed.measure(noisy, estimate, result.noise)
    shown = [asdict(view) for view in views.make(noisy, estimate)]
    choices = {
        key: list(dict.fromkeys(view[key] for view in shown)) for key in ("slice", "channel", "region")
    }
    return pages.render(
        "report.html",
        package="pellucid.report",
        title=title,
        facts=facts(result, gone),
        reason=result.reason,
        cautions=cautions(result, gone),
        view=shown[0],
        # The figures hold the pictures of the first view already.
        views=[shown[0] | {"before": "", "after": "", "removed": ""}, *shown[1:]],
        choices={key: labels for key, labels in choices.items() if len(labels) > 1},
        removed=figures.removal(noisy, gone, result.noise),
        words=[line for line in analysis.words(result.noise).splitlines() if line.strip()],
        noise_tables=figures.noise_tables(noisy, result.noise),
        spectra=figures.spectra(noisy, result.noise),
        along=along.sections(result.series),
        curves=curves(result),
        closer=views.where_most(noisy, estimate),
        making=making(noisy, result, notes),
    )


def facts(result: Result, removed: Removed) -> list[Fact]:
    """The figures to see first."""
    noise, unit = result.noise, result.noise.scale
    std = float(np.sqrt(np.mean(np.square(removed.std))))
    return [
        Fact(
            name="Method",
            value=result.method,
            note="the input was returned" if result.method == "none" else "",
        ),
        Fact(
            name="Noise found (σ)",
            value=pages.number(noise.level * unit),
            note=f"of {unit:g}, units of the file",
        ),
        Fact(
            name="Removed (std)",
            value=pages.number(std * unit),
            note=f"{removed.ratio:.0%} of σ" if removed.ratio else "",
        ),
        *(
            [Fact(name="Trust", value=result.trust.level, note="as what was removed tells")]
            if result.trust is not None and result.method != "none"
            else []
        ),
        Fact(name="Time", value=pages.seconds(result.seconds), note=f"on {result.device}"),
    ]


def cautions(result: Result, removed: Removed) -> list[str]:
    """Everything the reader must know before trusting the picture, without repeats.

    Where the last look has judged, these are the lines of the console and of the JSON.
    """
    own = []
    alone = result.trust is None  # the last look says the same, and more surely
    if removed.structured and alone:
        own.append(
            f"Structure is visible in the removed part: its correlation with the fine detail of the "
            f"result is {removed.edges:.2f} (noise alone stays below 0.1). Fine detail may have been lost; "
            "compare the edges."
        )
    if result.trust is not None and result.trust.level != "high":
        own += [f"Trust {result.trust.level}: {words}." for words in result.trust.reasons]
    if removed.excessive and alone and result.noise.impulse == 0:  # impulses are no part of sigma
        own.append(
            f"More was removed than the noise that was found: {removed.ratio:.2f} times its standard "
            "deviation. Either the noise was underestimated or picture content went with it."
        )
    if removed.partial and alone and result.method != "none":
        own.append(
            f"Only {removed.ratio:.0%} of the noise that was found (by its standard deviation) was removed; "
            "some of it is still in the result."
        )
    return list(dict.fromkeys([*result.warnings, *result.noise.warnings, *own]))


def curves(result: Result) -> list[Figure]:
    """One chart per curve of the run that is worth drawing."""
    found = []
    for name, values in result.curves.items():
        finite = np.asarray([v for v in values if np.isfinite(v)], np.float64)
        if len(finite) < 2:
            continue
        # A loss falls over decades; on a linear axis all of it but the start would be a flat line.
        log = bool(finite.min() > 0 and finite.max() / finite.min() > 20)
        chart = charts.lines(
            {name: (range(1, len(values) + 1), values)},
            alt=f"{name} against iteration, from {values[0]:.3g} to {values[-1]:.3g}",
            across="iteration",
            log=log,
        )
        found.append(
            Figure(title=name.replace("_", " "), chart=chart, text="logarithmic scale" if log else "")
        )
    return found


def making(noisy: Image, result: Result, notes: Sequence[str] = ()) -> TextTable:
    """Settings, versions, date."""
    shape = " x ".join(map(str, noisy.shape))
    return TextTable(
        rows=[
            ["Input", f"{noisy.name} ({noisy.format}, {noisy.dtype}, {noisy.axes} {shape})"],
            ["Method", result.method],
            *([f"· {name}", str(value)] for name, value in result.config_json.items()),
            ["Iterations", f"{result.iterations}, stopped by: {result.stopped_by}"],
            ["Seed", str(result.seed)],
            ["Device", result.device],
            ["Time", f"{pages.seconds(result.seconds)} (analysis and method)"],
            ["Versions", ", ".join(f"{n} {version(n)}" for n in ("pellucid", "torch", "numpy"))],
            ["Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"],
            ["Date", datetime.now().astimezone().isoformat(timespec="seconds")],
            *(["Note", note] for note in dict.fromkeys([*noisy.notes, *notes])),
        ]
    )
