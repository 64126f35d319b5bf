"""Series: what was measured along the axis of a film or a volume, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.series.scenes import Run

NAMES = {"T": "frame", "Z": "slice"}
SHARES = 0.15
"""correlation of the noise of two neighbours from which on they share it"""
ALIKE = 0.5
"""correlation of two neighbours, without their noise, below which they show too little of the same"""
LEAST = 0.03
"""change of the brightness that is told"""
MANY = 6
"""slices that are named one by one"""


@dataclass(frozen=True, kw_only=True)
class Series:
    """Slices along an axis, one entry per slice where it is a tuple; working units.

    Attributes:
        axis: its letter.
        run: the slices, by index.
        level: standard deviation of the noise.
        gain: slope of the law of its variance, 0 where it does not depend on the brightness.
        length_px: correlation length of the noise within a slice, 0 where it is white.
        mean: of the values.
        light: brightness over that of the first of its scene, as the same places show it.
        left: of the longest scene, brightness at its end over that at its beginning.
        flicker: of the longest scene, by what share of itself the brightness of a slice jumps.
        scenes: runs of slices that show one scene.
        blank: slices that show nothing.
        shared: correlation of the noise of a slice with that of the next; None where it cannot be told.
        interlaced: whether even and odd rows are of different times.
        shift: pixels by which the whole picture moves from slice to slice, the median of the longest scene.
        alike: correlation of a slice with the next one, both without noise and laid on each other, the median
            of the longest scene; None where noise is nearly all that is seen.
        scale: stored units per working unit.
    """

    axis: str
    run: Run
    level: tuple[float, ...]
    gain: tuple[float, ...]
    length_px: tuple[float, ...]
    mean: tuple[float, ...]
    light: tuple[float, ...]
    left: float
    flicker: float
    scenes: tuple[Run, ...]
    blank: Run
    shared: float | None
    interlaced: bool
    shift: float
    alike: float | None
    scale: float = 1.0

    @property
    def name(self) -> str:
        """What one of them is called."""
        return NAMES.get(self.axis, "slice")

    @property
    def shares_noise(self) -> bool:
        """Whether neighbours share so much of their noise that a filter must not take it for their own."""
        return self.shared is not None and self.shared > SHARES

    @property
    def apart(self) -> bool:
        """Whether so much moves that neighbours show too little of the same."""
        return self.alike is not None and self.alike < ALIKE

    def to_json(self) -> Mapping[str, Any]:
        """Plain values; levels and means in the units of the file."""
        return {
            "axis": self.axis.lower(),
            "slices": [i + 1 for i in self.run],
            "sigma_file_units": [v * self.scale for v in self.level],
            "grows_with_brightness": [gain > 0 for gain in self.gain],
            "length_px": list(self.length_px),
            "mean_file_units": [v * self.scale for v in self.mean],
            "light": list(self.light),
            "light_left": self.left,
            "flicker": self.flicker,
            "scenes": [[i + 1 for i in scene] for scene in self.scenes],
            "blank": [i + 1 for i in self.blank],
            "noise_shared_with_next": self.shared,
            "interlaced": self.interlaced,
            "shift_px": self.shift,
            "alike": self.alike,
        }


def words(series: Series) -> str:
    """What was found along an axis, one sentence a line, levels in the units of the file.

    >>> run, none, even = (0, 1, 2), (0.0,) * 3, (1.0,) * 3
    >>> still = Series(
    ...     axis="T", run=run, level=(0.1, 0.1, 0.2), gain=none, length_px=none, mean=even, light=even,
    ...     left=0.8, flicker=0.0, scenes=(run,), blank=(), shared=0.0, interlaced=False, shift=0.0,
    ...     alike=0.98, scale=100,
    ... )
    >>> print(words(still))
    Along T, 3 frames: noise of standard deviation 10 to 20.
    Frames do not share their noise.
    The brightness goes to 80 % of the first; it is kept.
    Neighbouring frames show the same to 98 %.
    """
    unit, many = series.scale, f"{series.name}s"
    low, high = min(series.level) * unit, max(series.level) * unit
    level = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
    lines = [f"Along {series.axis}, {len(series.run)} {many}: noise of standard deviation {level}."]
    grows, soft = sum(g > 0 for g in series.gain), sum(n > 0 for n in series.length_px)
    some = [(grows, "it grows with the brightness"), (soft, "neighbouring pixels share it")]
    for count, what in some:
        if 0 < count < len(series.run):
            lines.append(f"In {count} of the {many} {what}, in the others not.")
    if series.shares_noise and series.shared is not None:
        lines.append(
            f"A {series.name} shares noise with the next one (correlation {series.shared:.2f}), as the lag "
            "of a scanner or a resampling leaves it."
        )
    elif series.shared is not None:
        lines.append(f"{many.capitalize()} do not share their noise.")
    if abs(series.left - 1) > LEAST:
        lines.append(f"The brightness goes to {series.left:.0%} of the first; it is kept.".replace("%", " %"))
    if series.flicker > LEAST / 2:
        lines.append(f"The brightness flickers by {series.flicker:.1%}; it is kept.".replace("%", " %"))
    begins = [scene[0] for scene in series.scenes[1:] if scene[0] not in series.blank]
    begins = [i for i in begins if series.run[series.run.index(i) - 1] not in series.blank]
    if begins:
        lines.append(f"Another scene begins at {series.name} {_named(begins, series.run)}.")
    if series.blank:
        lines.append(f"Nothing is seen in {series.name} {_named(series.blank, series.run)}.")
    if series.interlaced:
        lines.append("Even and odd rows are of different times (interlaced).")
    if series.shift > 0:
        lines.append(
            f"The whole picture moves by {series.shift:.1f} pixels from {series.name} to {series.name}."
        )
    if series.alike is not None:
        much = "" if not series.apart else ": too little to help each other"
        lines.append(f"Neighbouring {many} show the same to {series.alike:.0%}{much}.".replace("%", " %"))
    return "\n".join(lines)


def told(found: Sequence[Series]) -> tuple[str, ...]:
    """The words of a stack: of each axis those of the middle one of its runs, where it has several."""
    lines = []
    for axis in dict.fromkeys(one.axis for one in found):
        runs = [one for one in found if one.axis == axis]
        more = f" The same {len(runs) - 1} times more along {axis}: --json has all." if len(runs) > 1 else ""
        lines.append(words(runs[len(runs) // 2]) + more)
    return tuple(lines)


def _named(slices: Sequence[int], run: Run) -> str:
    """Their numbers in the run, from 1; the first of them where they are many."""
    named = ", ".join(str(run.index(i) + 1) for i in slices[:MANY])
    return named if len(slices) <= MANY else f"{named} and {len(slices) - MANY} more"
