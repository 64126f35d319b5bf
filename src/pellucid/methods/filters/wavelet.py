"""Wavelet shrinkage, through scikit-image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pywt
import torch
from numpy.typing import NDArray
from skimage.restoration import denoise_wavelet

from pellucid import fields
from pellucid.methods.filters import decorrelate
from pellucid.methods.table import described
from pellucid.steps import Method, Step, Task, Tiling

Plane = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of wavelet shrinkage."""

    wavelet: str = fields.option("sym4", choices=pywt.wavelist(kind="discrete"))
    """name of an orthogonal wavelet of PyWavelets"""
    levels: int = fields.option(5, low=1)
    """scales that are shrunk at most; a small image has fewer"""
    shifts: int = fields.option(2, low=1, high=8)
    """averages over this many shifts down and across (Coifman, Donoho 1995); 1 is plain BayesShrink"""

    def __post_init__(self) -> None:
        fields.check(self)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Soft thresholds sigma^2 / sigma_x per band (BayesShrink), averaged over shifts.

    Source: Chang, Yu, Vetterli, "Adaptive wavelet thresholding", IEEE TIP 2000.
    """
    noisy = task.shots.mean(0)
    transform, back, sigma = decorrelate.of(task.noise, color=task.color)
    sigma = sigma / len(task.shots) ** 0.5
    planes = decorrelate.mix(transform, noisy).cpu().double().numpy()
    clean = [_shrink(p, s, config) for p, s in zip(planes, sigma.tolist(), strict=True)]
    estimate = decorrelate.mix(back, torch.from_numpy(np.stack(clean)).to(noisy))
    yield Step.once(estimate)


def _shrink(plane: Plane, sigma: float, config: Config) -> Plane:
    """One (H, W) plane, mirrored at its borders: shifts wrap nothing in and tiny images have scales."""
    height, width = plane.shape
    length = pywt.Wavelet(config.wavelet).dec_len
    margin = [max(config.shifts, -(-(2 * length - side) // 2)) for side in (height, width)]
    wide = np.pad(plane, [(m, m) for m in margin], mode="symmetric")
    levels = min(config.levels, pywt.dwtn_max_level(wide.shape, config.wavelet))
    total = np.zeros_like(plane)
    for i, j in product(range(config.shifts), repeat=2):
        rows, columns = (slice(k, wide.shape[a] - config.shifts + k + 1) for a, k in enumerate((i, j)))
        result = denoise_wavelet(
            wide[rows, columns],
            sigma=sigma,
            wavelet=config.wavelet,
            method="BayesShrink",
            mode="soft",
            wavelet_levels=min(levels, pywt.dwtn_max_level(wide[rows, columns].shape, config.wavelet)),
            rescale_sigma=False,
        )
        top, left = margin[0] - i, margin[1] - j
        total += result[top : top + height, left : left + width]
    return total / config.shifts**2


WAVELET = Method(
    **described("wavelet"),
    config=Config,
    steps=steps,
    presets={"paper": Config(shifts=1), "fast": Config()},
    departures={"shifts": "four shifted pictures soften the artefacts of one, at four times the time"},
    tiling=Tiling(kind="approximate", halo=32),  # the thresholds are those of the image at hand
)
