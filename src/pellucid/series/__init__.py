"""A film or a volume along its axis: scenes, brightness, movement, and what slices share of their noise."""

from pellucid.series.measuring import measure
from pellucid.series.report import Series, told, words

__all__ = ["Series", "measure", "told", "words"]
