"""The last look: whether what was removed looks like the noise that was found, in words.

Every limit is one of docs/noise.md ("The last look"), set by benchmarks/last_look.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from pellucid.noise import residual
from pellucid.noise.report import NoiseReport
from pellucid.noise.residual import Residual
from pellucid.steps import Trust

Level = Literal["high", "medium", "low"]
ORDER: tuple[Level, ...] = ("high", "medium", "low")

SEEN = 0.005  # of the contrast; less cannot be seen, and costs less than 46 dB
MUCH = (1.4, 2.0)  # removed over the noise found: beyond 2 the error exceeds the noise
EIGEN = (1.25, 1.5)  # removed over what the eigenvalues tell, where they can tell it
OWN = 0.5  # least share that the eigenvalues see of white noise in calm parts; JPEG hides more
SHARED = 0.4  # correlation of neighbours from which on noise is not white
SHORT = 0.62  # removed over noise found: shrinkage keeps that much of a level that is far too high
NEARLY = (0.7, 0.4)  # the same for a spectrum that pixels share, where the correlation is above the second
LEAKED = (0.25, 0.36)  # correlation with fine detail beside it
# strength from place to place: noise of one level lies below the first, texture above the second
EVEN = (1.05, 1.25)
BOTH = 0.48  # correlation with fine detail from which on a strength that differs so says that it is texture
VAIN = 0.22  # removed over a white level that was told
FAR = (0.45, 0.36)  # the same and the correlation beside it, where the patches show white noise
DETAIL = 0.5  # the same by itself; noise left in the estimate gives up to 0.45
DIRECTION = (0.27, 0.34)  # coherence; 0.28 with more removed than found
WEAKER = 0.08  # added to the second limit at no strength at all
OBLIQUE = (0.28, 1.1)
STROKE = (12, 20)  # pixels
MOVED = (0.03, 0.05)  # of the contrast
MEANT = (0.03, 0.15)  # where the method changes the brightness on purpose
DRIFT = (0.12, 0.25)
BEYOND = 0.1
SPECKS = 0.001  # of the pixels


def judge(
    noisy: Tensor,
    estimate: Tensor,
    noise: NoiseReport,
    *,
    meant: bool = False,
    spectral: bool = False,
    strength: float = 1.0,
) -> Trust:
    """The verdict on one slice; of a large one, on two parts of it.

    Args:
        noisy: (C, H, W) in working units.
        estimate: the same shape.
        noise: what was measured or stated.
        meant: whether the method changes the brightness on purpose.
        spectral: whether the level comes from a spectrum that pixels share, which texture can make.
        strength: what share of a result is kept where it was laid half way back to the input. Picture in
            what was removed stays visible then, and does less harm.

    >>> import torch
    >>> draw = torch.Generator().manual_seed(0)
    >>> clean = torch.linspace(0, 1, 64).repeat(1, 64, 1)
    >>> noisy = clean + torch.randn(1, 64, 64, generator=draw) / 10
    >>> judge(noisy, clean, NoiseReport.white(0.1, 1)).level
    'high'
    >>> judge(noisy, clean, NoiseReport.white(0.02, 1, scale=255)).reasons
    ('what was removed (25.6) is 5 times the noise (5.1)',)
    """
    looked = residual.look(noisy.numpy(), estimate.numpy())
    return of_all(looked, noise, meant=meant, spectral=spectral, strength=strength)


def of_all(
    looked: residual.Looked,
    noise: NoiseReport,
    *,
    meant: bool = False,
    spectral: bool = False,
    strength: float = 1.0,
) -> Trust:
    """The verdict on the figures of the parts of a slice, the worst of them; arguments as of `judge`."""
    said = [of_figures(one, noise, meant=meant, spectral=spectral, strength=strength) for _, one in looked]
    return max(said, key=lambda one: ORDER.index(one.level), default=Trust())


def of_figures(
    found: Residual, noise: NoiseReport, *, meant: bool = False, spectral: bool = False, strength: float = 1.0
) -> Trust:
    """The verdict on figures of what was removed; arguments as of `judge`."""
    said = sorted(_found(found, noise, meant, spectral, strength), key=lambda one: -one[0])
    worst = max((grade for grade, _ in said), default=0)
    if found.share < SEEN and found.moved < MOVED[0]:
        worst = min(worst, 1)
    return Trust(level=ORDER[worst], reasons=tuple(words for _, words in said))


def certain(found: Residual) -> float:
    """How surely what was removed is noise and no texture, 0 to 1, as its strength is the same everywhere.

    0 does not mean that it is texture: a JPEG and the noise reduction of a camera spare calm parts.
    """
    low, high = EVEN
    return min(max((high - found.uneven) / (high - low), 0.0), 1.0) if found.uneven > 0 else 0.0


def worst(verdicts: Sequence[Trust]) -> Trust:
    """One verdict for all slices: the worst, with the reasons of the first that has it; the others are named.

    >>> low = Trust(level="low", reasons=("a line is gone",))
    >>> worst([Trust(), low])
    Trust(level='low', reasons=('slice 2: a line is gone',))
    >>> worst([low, Trust(), low, low, low, Trust(), low]).reasons
    ('slice 1: a line is gone', 'slices 3 to 5, 7 are no better')
    """
    grade = max((ORDER.index(one.level) for one in verdicts), default=0)
    found = [number for number, one in enumerate(verdicts, 1) if one.level == ORDER[grade] and one.reasons]
    reasons = verdicts[found[0] - 1].reasons if found else ()
    if len(verdicts) > 1:
        reasons = tuple(f"slice {found[0]}: {words}" for words in reasons)
    if len(found) > 1:
        others = found[1:]
        words = f"slices {_numbers(others)} are" if len(others) > 1 else f"slice {others[0]} is"
        reasons += (f"{words} no better",)
    return Trust(level=ORDER[grade], reasons=reasons)


def _numbers(numbers: Sequence[int]) -> str:
    """Numbers that rise, in words.

    >>> _numbers([2, 3, 5, 7, 8, 9])
    '2, 3, 5, 7 to 9'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    told = [f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(told)


def _found(
    r: Residual, noise: NoiseReport, meant: bool, spectral: bool, strength: float
) -> list[tuple[int, str]]:
    """Everything that speaks against a result, with its weight: 1 for medium, 2 for low."""
    unit = noise.scale
    # what repeats may be a pattern of the noise or lines of text: it may go, and need not
    more = sum(p.amplitude**2 / 2 for p in noise.periodic) + _impulses(r, noise)
    level = math.sqrt(noise.level**2 + more)
    ratio = r.removed / level if level > 0 else math.inf
    least = r.removed / noise.level if noise.level > 0 else math.inf
    said = [
        (
            _grade(ratio, MUCH),
            f"what was removed ({r.removed * unit:.3g}) is {_times(ratio)} the noise ({level * unit:.3g})",
        ),
        (
            _grade(r.drift, DRIFT),
            f"the brightness of parts was changed by up to {r.drift:.0%} of the contrast",
        ),
        (
            _grade(r.moved, MEANT if meant else MOVED),
            f"the mean brightness was changed by {r.moved:.0%} of the contrast",
        ),
        (
            _grade(r.stroke, STROKE),
            f"a connected stroke of {r.stroke} pixels, far above the noise, is gone",
        ),
        (
            int(r.detail > DETAIL),
            f"what was removed resembles the fine detail of the result (correlation {r.detail:.2f})",
        ),
        (
            int(r.beyond > BEYOND),
            f"the result leaves the range of the input by {r.beyond:.0%} of the contrast",
        ),
    ]
    patches = r.shared < SHARED and r.white > OWN * r.calm
    if patches:
        words = (
            f"what was removed ({r.removed * unit:.3g}) is {_times(r.removed / r.white)} the noise that the "
            f"patches of the picture show ({r.white * unit:.3g})"
        )
        said.append((_grade(r.removed / r.white, EIGEN), words))
    short = least < SHORT or (spectral and least < NEARLY[0] and r.detail > NEARLY[1])
    # between strokes filters leave noise: where paper told its level, that says nothing against it
    if short and r.detail > LEAKED[0] and not noise.paper:
        words = (
            f"of a noise read as {noise.level * unit:.3g} only {r.removed * unit:.3g} could be removed, and "
            f"that resembles the picture (correlation {r.detail:.2f}): texture was taken for noise"
        )
        grave = least < VAIN or (patches and least < FAR[0] and r.detail > FAR[1])
        if spectral:
            grave = r.detail > LEAKED[1] and strength == 1
        if certain(r) < 1 or not spectral:
            said.append((2 if grave else 1, words))
    if spectral and strength == 1 and r.detail > BOTH and certain(r) == 0:
        words = (
            f"what was removed resembles the picture (correlation {r.detail:.2f}) and is not as strong "
            "everywhere: texture was taken for noise"
        )
        said.append((2, words))
    grade = _grade(r.oriented, (DIRECTION[0], DIRECTION[1] + WEAKER * (1 - strength)))
    if r.oriented > OBLIQUE[0] and ratio > OBLIQUE[1]:
        grade = 2
    said.append((grade, f"edges or lines show in what was removed (coherence {r.direction:.2f})"))
    if r.specks > max(SPECKS, 2 * noise.impulse):
        said.append((1, f"{r.specks:.2%} of the pixels were single points far above the noise, and are gone"))
    return [(grade, words) for grade, words in said if grade > 0]


def _impulses(r: Residual, noise: NoiseReport) -> float:
    """Variance of salt and pepper that lies too densely for its pixels to be alone."""
    return noise.impulse * r.span**2 / 3 if noise.impulse > 0.1 else 0.0


def _grade(value: float, limits: tuple[float, float]) -> int:
    return int(value > limits[0]) + int(value > limits[1])


def _times(ratio: float) -> str:
    return f"{ratio:.2g} times" if math.isfinite(ratio) else "far above"
