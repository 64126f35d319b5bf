"""Scratches, dust, fibres and tears: thin marks that are lighter or darker than what lies around them.

Candidates are what a morphological opening takes away; thirteen figures of each, such as its contrast, how
far it lies beyond everything around it and how evenly, go through a small network that was fitted on drawn
damage (recipes/marks). A wire, a hair or a letter is as thin, so that one mark alone proves nothing: marks
count where the picture has many of one tone that score high.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load
from scipy import ndimage

from pellucid.damage.candidates import Candidates, candidates
from pellucid.image import Pixels

ENOUGH = (30.0, 12.0, 3.0)
"""evidence that a picture must hold at a sensitivity of 0, 0.5 and 1, before any mark counts"""
ACCEPTED = (2.0, 0.5, -1.0)
"""score from which on a mark counts then"""
CLEAR = (0.3, 0.22, 0.06)
"""contrast that it must have, of that of the picture"""
SURE = 1.0
"""score from which on a mark is evidence that there is damage"""
DOUBTFUL = 3.0
"""candidates within `SURE` of 0 for each that is sure, beyond which all are of the picture, like stars"""
LARGEST = 0.02
"""share of the picture beyond which a connected part is no mark"""
TONE = (-0.15, 0.4)
"""difference of the strongest tone of a mark from that of the others, in contrasts of the picture, within
which they are alike: of large marks it is stronger, as small ones are blurred"""
RIM = 1
"""pixels around a mark that are filled as well, as its edge is blurred"""


@dataclass(frozen=True)
class Marks:
    """What was found.

    Attributes:
        mask: (H, W) True where there is damage.
        light: how many light marks.
        dark: how many dark ones.
    """

    mask: NDArray[np.bool_]
    light: int = 0
    dark: int = 0

    @property
    def words(self) -> str:
        """Both numbers in words."""
        kinds = [
            f"{n} {kind} mark{'s' * (n > 1)}" for n, kind in ((self.light, "light"), (self.dark, "dark")) if n
        ]
        return " and ".join(kinds) if kinds else "no marks"


def find(pixels: Pixels, *, kinds: Sequence[str] = ("light", "dark"), sensitivity: float = 0.5) -> Marks:
    """The marks on a photograph.

    Args:
        pixels: (C, H, W), any units.
        kinds: "light" and "dark", those to look for. Of one kind alone it is known that there are some: then
            the picture need not prove it.
        sensitivity: 0 to 1.

    >>> find(np.zeros((1, 40, 40), np.float32)).words
    'no marks'
    """
    mask = np.zeros(pixels.shape[1:], bool)
    counts = {"light": 0, "dark": 0}
    for kind in kinds:
        found = candidates(pixels, light=kind == "light")
        chosen = _chosen(found, sensitivity, proven=len(kinds) == 1)
        counts[kind] = len(chosen)
        mask |= np.isin(found.labels, chosen) if len(chosen) else False
    if mask.any():
        mask = ndimage.binary_dilation(mask, np.ones((3, 3), bool), iterations=RIM)
    return Marks(mask, **counts)


def scores(figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds of candidates (N, 13) to be damage, in a picture that may have some or not."""
    model = _model()
    x = np.clip((figures - model["mean"]) / model["scale"], -4, 4)
    total = np.zeros(len(x))
    count = len(model["a"])
    for a, b, c, d, e, f in zip(*(model[name] for name in "abcdef"), strict=True):
        total += (np.tanh(np.tanh(x @ a.T + b) @ c.T + d) @ e.T + f)[:, 0] / count
    return total


def _chosen(found: Candidates, sensitivity: float, *, proven: bool) -> NDArray[np.int64]:
    """The labels of those that count."""
    none = np.zeros(0, np.int64)
    if not len(found.places):
        return none
    score, tone = scores(found.figures), found.figures[:, -1]
    least, enough, clear = (
        float(np.interp(sensitivity, (0, 0.5, 1), steps)) for steps in (ACCEPTED, ENOUGH, CLEAR)
    )
    possible = (found.figures[:, 0] >= clear) & (np.exp(found.figures[:, 4]) <= LARGEST * found.labels.size)
    proof = np.where(possible, np.maximum(score - SURE, 0), 0.0)
    if proof.sum() == 0:
        return none
    order = np.argsort(tone)
    reached = np.cumsum(proof[order])
    middle = tone[order][np.searchsorted(reached, reached[-1] / 2)]
    alike = (tone - middle > TONE[0]) & (tone - middle < TONE[1])
    doubtful = (np.abs(score) < SURE).sum() > DOUBTFUL * (proof > 0).sum()
    if not proven and (doubtful or proof[alike].sum() < enough):
        return none
    chosen: NDArray[np.int64] = found.places[(score > least) & alike & possible]
    return chosen


@cache
def _model() -> dict[str, NDArray[np.float64]]:
    """Weights of three networks of 24 and 12 hidden units, and the mean and scale of the figures."""
    held = load((resources.files("pellucid.damage") / "marks.safetensors").read_bytes())
    return {name: value.astype(np.float64) for name, value in held.items()}
