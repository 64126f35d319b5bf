"""One sensor, one law: the noise of the four phases of a mosaic, measured on all of them together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammainc
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from pellucid.noise.report import NoiseReport

Floats = NDArray[np.float64]

SIDE = 6  # of the tiles, pixels of a phase
SHAPE = 5.71  # of the gamma distribution that the mean square of a tile of white noise follows
CLASSES = 8  # of brightness
CALM = 0.05  # share of a class from which the shape of the law is read
FEWEST = 400  # tiles
INSIDE = 30  # calm tiles that settle a level
SCALES = np.exp(np.linspace(np.log(0.3), np.log(5.0), 80))  # factors on that law that are tried
PARTS = np.linspace(0.3, 1.0, 15)  # of the level, at which the tail of calm tiles is compared
ENTERED = 0.7  # power of the share of calm tiles: where few are calm, texture has entered these, too
HEAP = 1e-4  # share of pixels at an extreme from which on something was cut off there


def together(report: NoiseReport, phases: Tensor, holes: Tensor | None = None) -> NoiseReport:
    """The report of a mosaic with one law of variance for all its phases.

    A phase has every second pixel only, where fine detail of the scene looks like noise: alone, each is
    read too high, up to twice. But one sensor has one law, var = a x + b, and texture only adds to it. So a
    line is laid under the calmest tiles of all brightnesses of all phases, and raised until the calm tiles
    spread about it as white noise does.

    Args:
        report: of the phases; its spectrum is kept where neighbours share noise.
        phases: (N, 4, H, W) working units.
        holes: (N, 4, H, W) where nothing is known, or None.

    Source: ours; on five raw pictures of 300 to 11,000 photons at white the variance was 0.76 to 1.22 of the
    true one.

    >>> draws = torch.Generator().manual_seed(0)
    >>> ramp = torch.linspace(100, 900, 128).expand(1, 4, 128, 128)
    >>> found = together(NoiseReport.white(1.0, 4), torch.poisson(ramp, generator=draws))
    >>> all(0.7 < a < 1.3 for a in found.gain)
    True
    """
    law = None if report.correlated else fitted(*_tiles(phases, holes))
    if law is None:
        return report
    gain, offset = law
    sigma = [float(np.sqrt(max(gain * float(m) + offset, 0.0))) for m in phases.double().mean((0, 2, 3))]
    white = NoiseReport.white(tuple(sigma), len(sigma), scale=report.scale)
    same = {name: getattr(white, name) for name in ("sigma", "spectrum", "kernel", "covariance")}
    return replace(report, gain=(gain,) * len(sigma), offset=(offset,) * len(sigma), **same)


def fitted(brightness: Floats, energy: Floats) -> tuple[float, float] | None:
    """Gain a and offset b of the variance of the noise, from tiles that may hold texture.

    Args:
        brightness: (T,) mean of each tile.
        energy: (T,) mean square of its fine detail, of noise of variance 1 on average 1.
    """
    if len(energy) < FEWEST:
        return None
    classes = np.array_split(np.argsort(brightness), CLASSES)
    x = np.array([brightness[part].mean() for part in classes])
    gain, offset = _under(x, np.array([np.quantile(energy[part], CALM) for part in classes]))
    law = gain * brightness + offset
    relative = np.sort(energy[law > 0] / law[law > 0])
    best: tuple[float, float, float] | None = None
    noise = gammainc(SHAPE, SHAPE * PARTS) / gammainc(SHAPE, SHAPE)
    for scale in SCALES:
        inside = int(np.searchsorted(relative, scale))
        if inside >= INSIDE:
            found = np.searchsorted(relative, PARTS * scale) / inside
            off = float(np.abs(found - noise).max() * np.sqrt(inside))
            share = inside / len(relative) / float(gammainc(SHAPE, SHAPE))
            best = min(best or (np.inf, 0.0, 0.0), (off, float(scale), share))
    if best is None:
        return None
    _, scale, share = best
    factor = scale * min(share, 1.0) ** ENTERED
    return float(gain * factor), float(offset * factor)


def _under(x: Floats, variance: Floats) -> tuple[float, float]:
    """The highest line, in the middle, of those that run below all points and do not fall."""
    lines = [(0.0, float(variance.min()))]
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            if x[j] > x[i] and variance[j] > variance[i]:
                slope = float((variance[j] - variance[i]) / (x[j] - x[i]))
                lines.append((slope, float(variance[i] - slope * x[i])))
    below = [(a, b) for a, b in lines if np.all(a * x + b <= variance * 1.0001) and a * x.min() + b > 0]
    return max(below or lines[:1], key=lambda line: line[0] * float(x.mean()) + line[1])


def _tiles(phases: Tensor, holes: Tensor | None) -> tuple[Floats, Floats]:
    """Brightness and energy of the tiles of all phases; none with a hole, or where something was cut off."""
    planes = phases.flatten(0, 1)[:, None].double()
    known = torch.ones_like(planes) if holes is None else (~holes.flatten(0, 1)[:, None]).double()
    for end in (planes.amin(), planes.amax()):
        at_end = planes == end
        if float(at_end.double().mean()) > HEAP:
            known = known * ~at_end
    line = torch.tensor([1.0, -2.0, 1.0]).double()
    detail = conv2d(planes, torch.outer(line, line)[None, None] / 6)
    sound = -torch.nn.functional.max_pool2d(-known, 3, 1)
    means = [avg_pool2d(p, SIDE).flatten() for p in (planes[..., 1:-1, 1:-1], detail.square(), sound)]
    usable = (means[2] == 1) & (means[1] > 0)
    return means[0][usable].numpy(), means[1][usable].numpy()
