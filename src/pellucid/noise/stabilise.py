"""Generalised Anscombe transform: noise that grows with the signal becomes noise of one level, and back."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pellucid.noise.report import NoiseReport

TOE = 3 / 8  # the transform's argument where no photon is left; below, values go on along the tangent
START = 2 * math.sqrt(TOE)
STEEP = 1 / math.sqrt(TOE)


class Anscombe:
    """Stabilises var(x) = a x + b per channel, and undoes it without bias.

    With u = x / a, s^2 = b / a^2: f(u) = 2 sqrt(u + 3/8 + s^2). The algebraic inverse of f underestimates,
    since the mean of a root is not the root of the mean; the exact unbiased inverse (closed form of Makitalo
    and Foi, "Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian noise", IEEE
        TIP 2013, eq. 10) is I(D) = D^2/4 + sqrt(3/2)/(4 D) - 11/(8 D^2) + 5 sqrt(3/2)/(8 D^3) - 1/8 - s^2.
    Values too dark for the root (read noise around black) go on along its tangent, so that none is lost.
    Channels whose noise does not depend on the signal are divided by its standard deviation.

    Attributes:
        noise: the report in the stabilised domain, where every channel has a standard deviation of 1.
        contrast: (low, span) of the picture before.
    """

    def __init__(self, report: NoiseReport) -> None:
        self._gain = report.gain
        self._offset = report.offset
        self._sigma = report.sigma
        self.contrast = report.low, report.span
        scale = 1.0 / np.maximum(np.asarray(report.sigma, dtype=np.float64), 1e-12)
        both = np.outer(scale, scale)
        self.noise = replace(
            report,
            sigma=(1.0,) * len(report.sigma),
            gain=(0.0,) * len(report.sigma),
            offset=(1.0,) * len(report.sigma),
            spectrum=report.spectrum * np.square(scale)[:, None, None],
            kernel=report.kernel * both[:, :, None, None],
            covariance=report.covariance * both,
            scale=1.0,
        )

    def forward(self, image: Tensor) -> Tensor:
        """(C, H, W) in working units to the stabilised domain.

        >>> report = NoiseReport.white(0.1, 1)
        >>> stabiliser = Anscombe(replace(report, gain=(0.01,), offset=(0.0,)))
        >>> x = torch.full((1, 2, 2), 0.5)
        >>> bool(torch.allclose(stabiliser.inverse(stabiliser.forward(x)), x, atol=0.005))
        True
        """
        planes = []
        for plane, a, b, sigma in zip(image, self._gain, self._offset, self._sigma, strict=True):
            if a > 0:
                t = plane / a + TOE + b / a**2
                planes.append(torch.where(t > TOE, 2 * t.clamp_min(TOE).sqrt(), START + (t - TOE) * STEEP))
            else:
                planes.append(plane / max(sigma, 1e-12))
        return torch.stack(planes)

    def inverse(self, image: Tensor) -> Tensor:
        """(C, H, W) from the stabilised domain back to working units, without bias."""
        planes = []
        for plane, a, b, sigma in zip(image, self._gain, self._offset, self._sigma, strict=True):
            if a > 0:
                d = plane.clamp_min(START)
                root = math.sqrt(3 / 2)
                mean = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8
                below = (plane - START).clamp_max(0) / STEEP
                planes.append((mean + below - b / a**2) * a)
            else:
                planes.append(plane * max(sigma, 1e-12))
        return torch.stack(planes)
