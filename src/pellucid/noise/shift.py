"""How far a camera's development has shifted the mean of a noisy picture, found from the picture itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from pellucid import devices
from pellucid.noise.colour import to_display, to_light
from pellucid.noise.report import NoiseReport
from pellucid.noise.values import in_classes, rise

CLASSES = 24  # of brightness, at the most
FEWEST = 500  # pixels in a class
GAMMA = 2.2  # of the curve, roughly
LEANS = (0.2, 0.45)  # skewness over what light would make: below the first there was no light
CUT = 1 / 512  # so near to black or white, noise was cut off
ENOUGH = 1_000_000  # pixels of a larger picture that are looked at, about: every second, every third
DARK = 0.04  # brightness below which the curve is no longer like a power
ROWS = 256  # that are worked on at once, as 64 bits take much room
SEEN = 1 / 255  # root mean square of the shift from which it is seen


Curve = tuple[tuple[float, ...], tuple[float, ...]]
"""brightness of classes, and what the noisy picture lacks there"""


@dataclass(frozen=True, kw_only=True)
class Light:
    """What a camera's development did to a picture, found once for all its parts, so that they meet unseen.

    Attributes:
        surely: how surely the noise was there before the curve of the camera, 0 to 1.
        curves: of each channel, what it lacks in brightness; none where that is not seen.
    """

    surely: float = 0.0
    curves: tuple[Curve, ...] = ()


def shift(noisy: Tensor, estimate: Tensor) -> Tensor:
    """What a noisy sRGB picture y lacks in brightness where its estimate has a given value: (C, H, W).

    The noise is added to light l, and the concave curve g of sRGB comes after it: E g(l + n) < g(l). In light
    the mean is right. So in classes k of equal brightness of the estimate, per channel,

        b_k = g(l + mean (g^-1(y) - g^-1(m))) - g(l) - mean (y - m),   l = mean g^-1(m),

    which is g(mean g^-1(y)) - mean y for a class of one value m, and b is linear in between. It needs no
    model of the noise; values cut off at black or white are not made up for. Only the calmer half of each
    class counts, since an edge that the estimate has lost would pass for noise.

    Args:
        noisy: (C, H, W), working range.
        estimate: the same shape; tells classes and calm places, its error hardly matters.

    >>> calm = torch.full((1, 64, 64), 0.5)
    >>> noise = 0.2 * torch.tensor([1.0, -1.0]).repeat(2048).view(1, 64, 64)
    >>> round(float(shift(calm + noise, calm).mean()), 3)
    0.047
    """
    return _drawn(estimate, _curves(noisy, estimate))


def _curves(noisy: Tensor, estimate: Tensor) -> tuple[Curve, ...]:
    """Of each channel the brightness of classes of the estimate (C, H, W), and what is lacking there."""
    some, shown, steep = _thinned(noisy, estimate)
    count = max(1, min(CLASSES, steep.numel() // FEWEST))
    found = []
    for values, seen in zip(some.clamp(0, 1), shown, strict=True):
        bright, missing = [], []
        for part in in_classes(seen, count):
            bright.append(float(seen[part].mean()))
            calm = part[steep[part] <= steep[part].median()]
            missing.append(_missing(values[calm], seen[calm]))
        found.append((tuple(bright), tuple(missing)))
    return tuple(found)


def _drawn(estimate: Tensor, curves: Sequence[Curve]) -> Tensor:
    """What is lacking at every pixel of an estimate (C, H, W), by the curves of its channels."""
    result = torch.empty_like(estimate)
    for plane, made, (bright, missing) in zip(estimate, result, curves, strict=True):
        for line, new in zip(plane.split(ROWS), made.split(ROWS), strict=True):
            drawn: NDArray[np.float64] = np.interp(line.double().cpu().numpy(), bright, missing)
            new.copy_(torch.from_numpy(drawn))
    return result


def relit(noisy: Tensor, estimate: Tensor, least: float = SEEN, *, share: float = 1.0) -> Tensor:
    """The estimate (C, H, W) with the brightness that its light has, where the difference is seen.

    Args:
        noisy: (C, H, W), working range.
        estimate: the same shape, with the mean of `noisy`.
        least: root mean square of the shift below which it is left alone.
        share: of the shift, 0 to 1.

    >>> calm = torch.full((1, 64, 64), 0.5)
    >>> relit(calm, calm) is calm
    True
    """
    if share <= 0:
        return estimate
    missing = shift(noisy, estimate).mul_(share)
    return missing.add_(estimate) if float(missing.square().mean().sqrt()) >= least else estimate


def light_of(noisy: Tensor, estimate: Tensor, least: float = SEEN) -> Light:
    """What a camera's development did to a picture (C, H, W), to be told to whoever works on its parts.

    Args:
        noisy: working range.
        estimate: the same shape, with the mean of `noisy`.
        least: root mean square of the shift below which it is left alone.
    """
    surely = developing(noisy, estimate)
    found = _curves(noisy, estimate) if surely > 0 else ()
    seen = bool(found) and float(_drawn(estimate, found).mul_(surely).square().mean().sqrt()) >= least
    return Light(surely=surely, curves=found if seen else ())


def lit(
    noisy: Tensor,
    estimate: Tensor,
    light: str,
    *,
    developed: bool,
    least: float = SEEN,
    known: Light | None = None,
) -> Tensor:
    """The estimate (C, H, W) with the brightness of its light as far as `light` says: auto, always or never.

    Args:
        noisy: (C, H, W), working range.
        estimate: the same shape, with the mean of `noisy`.
        light: auto, where a camera has developed the noise.
        developed: whether one may have.
        least: as for `relit`.
        known: of a picture of which this is a part, what was found in all of it; None to find it here.
    """
    if light == "auto" and developed and known is not None:
        return estimate + known.surely * _drawn(estimate, known.curves) if known.curves else estimate
    if light == "always":
        return relit(noisy, estimate, least)
    if light == "auto" and developed:
        return relit(noisy, estimate, least, share=developing(noisy, estimate))
    return estimate


class Lit(Protocol):
    """A configuration that says whether to take the brightness from light: auto, always or never."""

    @property
    def light(self) -> str:
        """One of the three."""
        ...


def keeps_mean(config: Lit, noise: NoiseReport) -> bool:
    """Whether the mean stays: the noise of a developed photograph has shifted it, no other noise has."""
    return config.light == "never" or (config.light == "auto" and not noise.correlated)


def developing(noisy: Tensor, estimate: Tensor) -> float:
    """How surely the noise was there before the curve of the camera: 0 not at all, 1 surely.

    Noise n in light comes out of the concave curve g as g' n + g'' n²/2: it leans to the dark, with skewness
    about 6 σ g''/(2 g'²) = -3 (γ - 1) σ / m at brightness m, where noise that came after the curve is even.
    In classes of brightness, calm places only, the skewness that is seen is compared with that; classes that
    black or white cut off do not count.

    >>> draw = torch.Generator().manual_seed(0)
    >>> light = 0.2 + 0.05 * torch.randn(3, 128, 128, generator=draw)
    >>> calm = torch.full((3, 128, 128), float(to_display(torch.tensor(0.2))))
    >>> even = calm + 0.05 * torch.randn(calm.shape, generator=draw)
    >>> developing(to_display(light), calm), developing(even, calm)
    (1.0, 0.0)
    """
    some, shown, steep = _thinned(noisy, estimate)
    count = max(1, min(CLASSES // 2, steep.numel() // FEWEST))

    def leaning(channel: int) -> tuple[float, float]:
        together = power = 0.0
        values, plane = some[channel], shown[channel]
        for part in in_classes(plane, count):
            calm = part[steep[part] <= steep[part].median()]
            seen, level = values[calm], float(plane[calm].mean())
            cut = ((seen <= CUT) | (seen >= 1 - CUT)).float().mean()
            away = (seen - plane[calm]).double()
            away = away - away.mean()
            variance = float(away.square().mean())
            if float(cut) > 0.01 or level < DARK or variance < 1e-8:
                continue
            skewness = float((away**3).mean()) / variance**1.5
            expected = -min(3 * (GAMMA - 1) * variance**0.5 / level, 1.5)
            together += len(calm) * skewness * expected
            power += len(calm) * expected**2
        return together, power

    together, power = (
        sum(parts) for parts in zip(*devices.spread(leaning, range(len(some)), some.device), strict=True)
    )
    found = together / power if power > 0 else 0.0
    return rise(found, *LEANS)


def _thinned(noisy: Tensor, estimate: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Both as (C, P) and the steepness (P,) of the estimate, of all pixels or of ENOUGH spread evenly."""
    steep = steepness(estimate)
    thin = math.ceil(math.sqrt(max(steep.numel() / ENOUGH, 1)))
    places = (..., slice(None, None, thin), slice(None, None, thin))
    return noisy[places].flatten(1), estimate[places].flatten(1), steep[places].flatten()


def _missing(noisy: Tensor, estimate: Tensor) -> float:
    light = to_light(estimate)
    level = light.mean()
    change = to_display(level + (to_light(noisy) - light).mean()) - to_display(level)
    return float(change - (noisy - estimate.clamp(0, 1)).mean())


def steepness(estimate: Tensor) -> Tensor:
    """Squared gradient (H, W) of the mean of the channels of (C, H, W), by central differences.

    >>> steepness(torch.arange(4.0).expand(3, 2, 4))
    tensor([[1., 4., 4., 1.],
            [1., 4., 4., 1.]])
    """
    gray = F.pad(estimate.mean(0)[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    across, down = gray[1:-1, 2:] - gray[1:-1, :-2], gray[2:, 1:-1] - gray[:-2, 1:-1]
    return across.square() + down.square()
