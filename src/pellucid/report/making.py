"""How the result was made: curves, settings, versions, date."""

from __future__ import annotations

import platform
from datetime import datetime
from importlib.metadata import version

import numpy as np

from pellucid.image import Image
from pellucid.report import charts, parts
from pellucid.steps import Result


def curve_charts(result: Result) -> str:
    """One chart per curve of the run; "" when there is none worth drawing."""
    pictures = []
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
        pictures.append((name.replace("_", " "), chart, "logarithmic scale" if log else ""))
    return parts.figures(pictures)


def making(noisy: Image, result: Result) -> str:
    """How the result was made: settings, versions, date."""
    shape = " x ".join(map(str, noisy.shape))
    rows = [
        ["Input", f"{noisy.name} ({noisy.format}, {noisy.dtype}, {noisy.axes} {shape})"],
        ["Method", result.method],
        *([f"· {name}", str(value)] for name, value in result.config_json.items()),
        ["Iterations", f"{result.iterations}, stopped by: {result.stopped_by}"],
        ["Seed", str(result.seed)],
        ["Device", result.device],
        ["Time", f"{parts.seconds(result.seconds)} (analysis and method)"],
        ["Versions", ", ".join(f"{n} {version(n)}" for n in ("pellucid", "torch", "numpy"))],
        ["Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"],
        ["Date", datetime.now().astimezone().isoformat(timespec="seconds")],
        *(["Note", note] for note in noisy.notes),
    ]
    return parts.table([], rows)
