"""The guided filter: a noisy band as a linear function of another band of the scene, window by window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from pellucid import fields
from pellucid.methods.table import described
from pellucid.steps import Method, Step, Task, Tiling

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of the guided filter."""

    radius: int = fields.option(4, low=1, high=64)
    """of the windows, pixels: they are squares of 2 radius + 1"""
    smoothing: float = fields.option(1.0, low=0, low_open=True)
    """factor on what is added to the variance of the guide, the variance of the noise that a window leaves"""

    def __post_init__(self) -> None:
        fields.check(self)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Fit y = a I + b in every window and average what the windows around a pixel say.

    a = cov(I, y) / (var(I) + e), b = mean(y) - a mean(I), x̂ = mean(a) I + mean(b), for several bands I in the
    guide as a small system of equations.

    A guide of little noise has e = smoothing σ² / n for n pixels of a window: the noise of y is averaged, the
    structure is the guide's. Without a guide the picture guides itself, with e = smoothing σ².

    Source: He, Sun, Tang, "Guided Image Filtering", ECCV 2010.
    """
    noisy = task.shots.mean(0).double().cpu().numpy()
    sigma = np.array(task.noise.sigma) / len(task.shots) ** 0.5
    pixels = (2 * config.radius + 1) ** 2
    made = []
    for plane, level in zip(noisy, sigma, strict=True):
        bands = plane[None] if task.guide is None else task.guide.double().cpu().numpy()
        share = 1.0 if task.guide is None else 1 / pixels
        made.append(guided(plane, bands, config.radius, max(config.smoothing * share * level**2, 1e-12)))
    estimate = torch.from_numpy(np.stack(made)).to(task.shots)
    notes: tuple[str, ...] = ()
    if task.guide is None:
        notes = ("guided had no other band (--guide FILE) and took the picture itself",)
    yield Step.once(estimate, notes=notes)


def guided(plane: Floats, bands: Floats, radius: int, added: float) -> Floats:
    """A plane (H, W) as a linear function of bands (B, H, W) in windows.

    >>> ramp = np.linspace(0, 1, 24) * np.ones((16, 1))
    >>> bool(np.allclose(guided(3 * ramp - 1, ramp[None], 2, 1e-12), 3 * ramp - 1))
    True
    """

    def mean(values: Floats) -> Floats:
        found: Floats = uniform_filter(values, 2 * radius + 1, mode="mirror")
        return found

    middle, own = np.stack([mean(band) for band in bands]), mean(plane)
    together = np.stack([mean(band * plane) for band in bands]) - middle * own
    count = len(bands)
    within = np.empty((*plane.shape, count, count))
    for i in range(count):
        for j in range(count):
            within[..., i, j] = mean(bands[i] * bands[j]) - middle[i] * middle[j] + added * (i == j)
    slope = np.linalg.solve(within, np.moveaxis(together, 0, -1)[..., None])[..., 0]
    slope = np.moveaxis(slope, -1, 0)
    rest = own - (slope * middle).sum(0)
    found: Floats = (np.stack([mean(one) for one in slope]) * bands).sum(0) + mean(rest)
    return found


GUIDED = Method(
    **described("guided"),
    config=Config,
    steps=steps,
    presets={"paper": Config(), "fast": Config()},
    tiling=Tiling(kind="whole"),
    takes_guide=True,
)
