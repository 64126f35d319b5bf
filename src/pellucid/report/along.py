"""What goes on along the axes of a stack: noise and brightness from slice to slice, in words and charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pellucid import series
from pellucid.pages import Figure, charts
from pellucid.series import Series


@dataclass(frozen=True, kw_only=True)
class Along:
    """A section of the page."""

    title: str
    words: Sequence[str]
    figures: Sequence[Figure]


def sections(found: Sequence[Series]) -> list[Along]:
    """One for every axis: of several runs along it the one in the middle."""
    made = []
    for axis in dict.fromkeys(one.axis for one in found):
        runs = [one for one in found if one.axis == axis]
        one = runs[len(runs) // 2]
        title = f"Along {axis}" if len(runs) == 1 else f"Along {axis}, at one of {len(runs)} places"
        made.append(Along(title=title, words=series.words(one).splitlines(), figures=_figures(one)))
    return made


def _figures(one: Series) -> list[Figure]:
    numbers = [i + 1 for i in range(len(one.run))]
    drawn = (
        ("Noise", "standard deviation of the noise", [v * one.scale for v in one.level]),
        ("Mean", "mean of the values", [v * one.scale for v in one.mean]),
    )
    found = []
    for title, what, values in drawn:
        alt = f"{what} of each {one.name}, from {min(values):.3g} to {max(values):.3g}"
        chart = charts.lines({what: (numbers, values)}, alt=alt, across=one.name)
        found.append(Figure(title=title, chart=chart, text=f"{what}, units of the file"))
    return found
