"""From working units to those of a network that was trained on standardised values, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pellucid.models.card import Card
from pellucid.noise.report import NoiseReport


def scale_of(card: Card, white: float) -> float:
    """What pixels of an image are multiplied by, so that a stored value means what it meant in training.

    A stack of 16-bit counts is worked on relative to 1023, 4095 or 65535, as its own maximum demands; the
    model knows counts relative to the `white` of its training. For 8-bit and ordinary float images, and for
    models that were trained on such, nothing is changed.

    >>> scale_of(Card(method="n2n", config={}, channels=1, white=4095.0), 1023.0) == 1023 / 4095
    True
    >>> scale_of(Card(method="n2n", config={}, channels=1), 1023.0)
    1.0
    """
    return white / card.white if card.white > 255 and white > 255 else 1.0


def factors(card: Card) -> tuple[Tensor, Tensor]:
    """(C, 1, 1) mean and standard deviation; 0 and 1 where values are not standardised."""
    mean = torch.tensor(card.mean or (0.0,) * card.channels).view(-1, 1, 1)
    std = torch.tensor(card.std or (1.0,) * card.channels).view(-1, 1, 1)
    return mean, std


def report_in(noise: NoiseReport, mean: float, std: float, scale: float = 1.0) -> NoiseReport:
    """The report of scale * image, standardised: z = (scale x - mean) / std.

    var(x) = a x + b becomes var(z) = (a s / std) z + (a s mean + b s^2) / std^2 with s = scale.

    >>> report_in(NoiseReport.white(0.1, 2), 0.5, 0.2).sigma
    (0.5, 0.5)
    """
    if (mean, std, scale) == (0.0, 1.0, 1.0):
        return noise
    factor = scale / std
    return replace(
        noise,
        sigma=tuple(v * factor for v in noise.sigma),
        gain=tuple(v * factor for v in noise.gain),
        offset=tuple(
            (a * scale * mean + b * scale**2) / std**2 for a, b in zip(noise.gain, noise.offset, strict=True)
        ),
        spectrum=np.asarray(noise.spectrum * factor**2),
        kernel=np.asarray(noise.kernel * factor**2),
        covariance=np.asarray(noise.covariance * factor**2),
        sigma_per_scale=tuple(tuple(v * factor for v in row) for row in noise.sigma_per_scale),
        mad=tuple(v * factor for v in noise.mad),
        chen=noise.chen * factor,
        periodic=tuple(replace(p, amplitude=p.amplitude * factor) for p in noise.periodic),
    )
