"""Counts of few photons: whole numbers cannot hold what is left of them; the last look is at bins."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
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
    integers = np.dtype(state.first.dtype).kind in "iu" and state.request.dtype == "same"
    if counts is None or not integers or choice.method == "none":
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
