"""The head of the page: what to see first, and what to know before trusting it."""

from __future__ import annotations

from html import escape

import numpy as np

from pellucid.report import parts
from pellucid.report.removed import Removed
from pellucid.steps import Result


def summary(result: Result, removed: Removed) -> str:
    """The figures to see first."""
    noise, unit = result.noise, result.noise.scale
    std = float(np.sqrt(np.mean(np.square(removed.std))))
    facts = [
        ("Method", result.method, "the input was returned" if result.method == "none" else ""),
        ("Noise found (σ)", parts.number(noise.level * unit), f"of {unit:g}, units of the file"),
        ("Removed (std)", parts.number(std * unit), f"{removed.ratio:.0%} of σ" if removed.ratio else ""),
        ("Time", parts.seconds(result.seconds), f"on {result.device}"),
    ]
    items = "".join(
        f"<div><dt>{escape(k)}</dt><dd>{escape(v)}<small>{escape(note)}</small></dd></div>"
        for k, v, note in facts
    )
    return f'<dl class="facts">{items}</dl><p class="reason">{escape(result.reason)}</p>'


def cautions(result: Result, removed: Removed) -> list[str]:
    """Everything the reader must know before trusting the picture, without repeats."""
    own = []
    if removed.structured:
        own.append(
            f"Structure is visible in the removed part: its correlation with the fine detail of the "
            f"result is {removed.edges:.2f} (noise alone stays below 0.1). Fine detail may have been lost; "
            "compare the edges."
        )
    # Impulses are no part of sigma, and the run itself speaks up beyond twice the noise.
    told = result.noise.impulse > 0 or any(w.startswith("what was removed") for w in result.warnings)
    if removed.excessive and not told:
        own.append(
            f"More was removed than the noise that was found: {removed.ratio:.2f} times its standard "
            "deviation. Either the noise was underestimated or picture content went with it."
        )
    if removed.partial and result.method != "none":
        own.append(
            f"Only {removed.ratio:.0%} of the noise that was found (by its standard deviation) was removed; "
            "some of it is still in the result."
        )
    return list(dict.fromkeys([*result.warnings, *result.noise.warnings, *own]))
