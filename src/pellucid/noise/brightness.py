"""How the variance of the noise grows with the brightness: a line through classes of calm blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pellucid.noise import flat, reading
from pellucid.noise.apart import energies
from pellucid.noise.flat import Blocks
from pellucid.noise.report import NoiseReport

FINE = tuple(8 * i + j for i in range(3, 8) for j in range(3, 8))
MAJORITY = 0.6
"""share of the channels in which the variance must follow the brightness"""
DARKEST = 0.05  # variance of the darkest class over the mean one, at least
CLOSE = (0.25, 0.6)  # how far the classes of brightness may lie from their line, the middling and the worst
FAINT = 0.2
"""of the mean variance: from where on classes are compared with their line in proportion"""


@dataclass(frozen=True)
class Law:
    """Variance against brightness: the calm blocks, and the line var = gain x + offset."""

    calm: Tensor  # indices of the calmest blocks of every class
    gain: Tensor  # (C,)
    offset: Tensor  # (C,)
    mean: Tensor  # (C,) brightness of the picture


def law_of(blocks: Blocks, calmest: list[Tensor], *, apart: bool = False) -> Law:
    """The law of blocks, of which the calmest of every class of brightness are given.

    Args:
        blocks: all of them.
        calmest: for every class.
        apart: whether each of three channels has its noise for itself: then the variance must rise in their
            differences as well, from which most texture is gone (see `noise.apart`).
    """
    classes = flat.by_brightness(blocks)
    found = [reading.calm_energy(blocks.coefficients[c], list(FINE)) for c in classes]
    spectra, brightness = (torch.stack(part) for part in zip(*found, strict=True))
    mean = blocks.mean[torch.cat(classes)].double().mean(0)
    gain, offset = _line(brightness, spectra)
    rising = gain > 0
    if apart and rising.any():  # what the channels share may rise as well, as texture does in the light
        rising &= (
            _line(brightness, torch.stack([energies(blocks.coefficients[c], FINE) for c in classes]))[0] > 0
        )
    if float(rising.double().mean()) < MAJORITY:  # photons count in all channels, texture in one or two
        gain, offset = torch.zeros_like(gain), spectra.min(0).values
    return Law(torch.cat(calmest), gain, offset, mean)


def _line(brightness: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Line through variance against brightness per channel, or a gain of 0 where it does not explain the
    classes.

    Texture only ever adds, so the line is fitted again after points far above it have been lowered to it.
    The slope counts where the line explains most of the spread and changes the variance twofold over the
    picture.
    """
    gains, offsets = [], []
    for x, v in zip(brightness.T, variance.T, strict=True):
        low = float(v.min())
        if len(x) < 4 or float(x.max() - x.min()) < 0.05:
            gains.append(0.0)
            offsets.append(low)
            continue
        y = v.clone()
        for _ in range(5):
            slope, start = np.polyfit(x.numpy(), y.numpy(), 1)
            y = torch.minimum(v, (slope * x + start) * 1.15)
        start = max(start, DARKEST * float(v.mean()) - slope * float(x.min()))
        fitted = slope * x + start
        rest = float((y - fitted).square().sum())
        spread = float((y - y.mean()).square().sum())
        steep = float(fitted.max()) > 1.4 * max(float(fitted.min()), 1e-12)
        off = (v - fitted).abs() / fitted.clamp_min(FAINT * float(v.mean()))
        close = float(off.median()) < CLOSE[0] and float(off.max()) < CLOSE[1]
        if slope > 0 and steep and close and rest < 0.25 * spread:
            gains.append(float(slope))
            offsets.append(float(start))
        else:
            gains.append(0.0)
            offsets.append(low)
    return torch.tensor(gains).double(), torch.tensor(offsets).double()


def with_law(report: NoiseReport, law: Law) -> NoiseReport:
    """The report with the law of each channel, scaled to give the report's level at the mean brightness."""
    sigma = torch.tensor(report.sigma).double()
    factor = sigma.square() / (law.gain * law.mean + law.offset).clamp_min(1e-30)
    gain = torch.where(law.gain > 0, law.gain * factor, 0.0)
    offset = torch.where(law.gain > 0, law.offset * factor, sigma.square())
    return replace(report, gain=tuple(gain.tolist()), offset=tuple(offset.tolist()))
