"""The noise level of every level of a pyramid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pellucid import checks, seeds
from pellucid.methods.single_image.ms_dip.equations import resize
from pellucid.noise import level
from pellucid.noise.report import Floats, NoiseReport

LEVELS = ("auto", "chen", "report")


def sigmas(pictures: Sequence[Tensor], noise: NoiseReport, kind: str = "auto") -> list[float]:
    """sigma_{y_n} of the levels of a pyramid, 1.0 = white.

    Chen's estimate reads far too little where neighbouring pixels share noise (8 for a true 25), and the
    finer levels of a pyramid are such pictures when the image is. The level of the NoiseReport is right
    there at the finest level; it is carried down by what the resizing leaves of noise with that correlation.

    Args:
        pictures: (C, h, w) each, finest first.
        noise: the report of the finest.
        kind: chen, report, or auto: chen, but report where the noise is correlated or its level was stated.

    Returns:
        One standard deviation per level.

    >>> flat = torch.zeros(1, 32, 32)
    >>> sigmas([flat, flat[:, ::2, ::2]], NoiseReport.white(0.1, 1), "report")[0]
    0.1
    """
    checks.one_of("level", kind, LEVELS)
    measured = noise.chen > 0  # a report of a stated level has none
    if kind == "chen" or (kind == "auto" and measured and not noise.correlated):
        return [level.chen(picture) for picture in pictures]
    shapes = [(picture.shape[-2], picture.shape[-1]) for picture in pictures]
    return [noise.level * share for share in _left(shapes, noise.kernel)]


def _left(sizes: Sequence[tuple[int, int]], kernel: Floats) -> list[float]:
    """What resizing from the first size to each leaves of the standard deviation of noise like this.

    Args:
        sizes: (height, width) of the levels.
        kernel: (C, C, 2 L + 1, 2 L + 1) covariance of the noise at each lag; its channels are averaged.
    """
    own = np.einsum("ccij->ij", kernel) / len(kernel)
    if own[own.shape[0] // 2, own.shape[1] // 2] <= 0:
        own = np.ones((1, 1))  # no noise at all: any will do
    reach = own.shape[0] // 2
    lags = np.arange(-reach, reach + 1)
    circle = np.zeros(sizes[0])  # the covariance on a torus of the size of the image
    np.add.at(circle, (lags[:, None] % sizes[0][0], lags % sizes[0][1]), own)
    # A fixed draw of noise with that spectrum is resized as the image is; it is right within about 1 %.
    white = torch.randn((4, *sizes[0]), generator=seeds.generator(0, "level"))
    spectrum = torch.from_numpy(np.fft.fft2(circle).real.clip(0)).float()
    noise = torch.fft.ifft2(torch.fft.fft2(white) * spectrum.sqrt()).real
    whole = float(noise.square().mean().sqrt())
    return [float(resize(noise, size).square().mean().sqrt()) / whole for size in sizes]
