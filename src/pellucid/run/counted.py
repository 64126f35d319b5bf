"""Counts of few photons: whole numbers cannot hold what is left of them; the last look is at bins."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from pellucid.auto import Choice
from pellucid.noise.report import NoiseReport
from pellucid.run.state import State

COARSE = 4.0
"""whole numbers to a photon below which rounding is worth a word"""
LOST = 0.3
"""whole numbers to a pixel on average below which most of the result would be rounded to nothing"""
SEEN = 4.0
"""photons to a bin from which on its noise looks like any other"""
LEAST = 20
"""bins that the sides keep; of fewer than 28 the last look can tell nothing"""
ADVICE = 'dtype="float32" (--dtype float32, to a .tif or .npy file) writes the fractions'


def whole(state: State, choice: Choice) -> Choice:
    """The choice with the advice to write floats; nothing is removed where whole numbers would hold nothing.

    Counts of 0.1 photons per pixel are worth 0.1 everywhere when denoised, and rounded to 0.
    """
    counts = choice.noise.counts
    if counts is None or not _integers(state) or choice.method == "none":
        return choice
    one = counts.step * state.first.scale
    if one >= COARSE:
        return choice
    if one * counts.mean < LOST and state.settings.method is None:
        reason = (
            f"counts of few photons ({counts.mean:.2g} per pixel), of which whole numbers would hold next to "
            f"nothing when denoised: nothing is removed; {ADVICE}"
        )
        return Choice(method="none", config=None, noise=choice.noise, reason=reason, notes=(reason,))
    note = (
        f"these are counts of few photons ({counts.mean:.2g} per pixel) in whole numbers: what lies between "
        f"them is rounded away; {ADVICE}"
    )
    return replace(choice, notes=(*choice.notes, note))


def rounded(state: State, estimate: Tensor) -> Tensor:
    """The estimate (N, C, H, W), shifted so that the whole numbers of its file have the mean of the counts.

    Of 0.5 photons in most places rounding alone would make a mean that is a tenth off.
    """
    if state.request.kind != "noise":
        return estimate
    poor = [index for index in range(len(estimate)) if _poor(state, index)]
    if not poor:
        return estimate
    result = estimate.clone()
    given = state.shots[0] if state.prepared.sound is None else state.prepared.sound
    if given.shape != estimate.shape:
        given = torch.from_numpy(state.first.pixels.copy())
    known = torch.ones_like(estimate) if state.holes is None else (~state.holes[:, None]).expand_as(estimate)
    for index in poor:
        for channel in range(estimate.shape[1]):
            seen = known[index, channel] > 0
            values = (estimate[index, channel] * state.first.scale)[seen].double()
            wanted = float((given[index, channel] * state.first.scale)[seen].double().mean())
            result[index, channel] += _shift(values, wanted) / state.first.scale
    return result


def _poor(state: State, index: int) -> bool:
    """Whether whole numbers hold too little of the counts of a slice that was worked on."""
    counts = state.noise_of(index).counts
    if counts is None or state.choice_of(index).method == "none" or not _integers(state):
        return False
    return counts.step * state.first.scale < COARSE


def _shift(values: Tensor, wanted: float) -> float:
    """What to add to values before they are rounded, at most a half, so that they have a mean."""
    low, high = -0.5, 0.5
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if float((values + middle).round().mean()) < wanted else (low, middle)
    return (low + high) / 2


def _integers(state: State) -> bool:
    return np.dtype(state.first.dtype).kind in "iu" and state.request.dtype == "same"


def in_bins(noisy: Tensor, estimate: Tensor, report: NoiseReport) -> tuple[Tensor, Tensor, NoiseReport]:
    """A picture and its estimate (C, H, W) in bins of some photons, and the report of these, or all as it is.

    Where most pixels hold none, every photon stands alone and looks like an impulse.

    >>> import torch
    >>> from pellucid.noise.report import Counts
    >>> told = replace(NoiseReport.white(0.5, 1), counts=Counts(step=1.0, base=0.0, mean=0.25))
    >>> dark = torch.zeros(1, 256, 256)
    >>> [v.shape[-1] for v in in_bins(dark, dark, told)[:2]], in_bins(dark, dark, told)[2].level
    ([64, 64], 0.125)
    """
    counts = report.counts
    if counts is None or counts.mean >= SEEN:
        return noisy, estimate, report
    side = min(math.ceil(math.sqrt(SEEN / max(counts.mean, 1e-6))), max(1, min(noisy.shape[-2:]) // LEAST))
    if side == 1:
        return noisy, estimate, report
    return avg_pool2d(noisy, side), avg_pool2d(estimate, side), report.times(1 / side)
