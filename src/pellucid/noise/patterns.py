"""Noise that is neither Gaussian nor random: impulses and periodic patterns."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.noise.report import Periodic

STANDS_OUT = 0.2  # an impulse differs at least by this from the median around it
RATIO = 60.0  # a periodic peak exceeds the spectrum around it by this factor
LOWEST = 0.02  # cycles per pixel; below, the picture itself is meant
SIDE = 256


def impulses(pixels: Tensor, sigma: float = 0.0) -> float:
    """Fraction of pixels of (N, C, H, W) that are salt or pepper: at an end of the range, far from their
    median.

    >>> x = torch.full((1, 1, 20, 20), 0.5)
    >>> x[0, 0, 3, 3], x[0, 0, 9, 9] = 1.0, 0.0
    >>> impulses(x)
    0.005
    """
    step = max(1, pixels.shape[0] // 4)
    some = pixels[::step]
    low, high = float(some.min()), float(some.max())
    ends = (some <= low) | (some >= high)
    if high <= low or float(ends.float().mean()) < 1e-5:
        return 0.0
    padded = F.pad(some, (1, 1, 1, 1), mode="reflect")
    around = padded.unfold(2, 3, 1).unfold(3, 3, 1)[ends].flatten(1)
    differs = (around.median(1).values - some[ends]).abs() > max(STANDS_OUT, 6 * sigma)
    salt = float((differs & (some[ends] >= high)).sum())
    pepper = float((differs & (some[ends] <= low)).sum())
    # one kind alone is a star, a lamp or a dead border; noise brings both
    return (salt + pepper) / some.numel() if min(salt, pepper) > 0.1 * max(salt, pepper) else 0.0


def periodic(views: list[Tensor], *, most: int = 4) -> tuple[Periodic, ...]:
    """Peaks of the power spectrum of (C, h, w) views that stand alone: banding, mains hum, interference.

    A peak must rise far above the spectrum around it, which leaves out most woven and built texture.
    """
    side = min(SIDE, *(min(v.shape[-2:]) for v in views))
    if side < 64:
        return ()
    fade = torch.hann_window(side, periodic=False)
    fade = torch.outer(fade, fade)
    powers = []
    for view in views:
        plane = view.mean(0)
        for y in range(0, plane.shape[0] - side + 1, side):
            for x in range(0, plane.shape[1] - side + 1, side):
                part = plane[y : y + side, x : x + side]
                powers.append(torch.fft.rfft2((part - part.mean()) * fade).abs().square())
    power = torch.stack(powers).median(0).values
    full = torch.cat([power.roll(side // 2, 0).flip(1)[:, :-1], power.roll(side // 2, 0)], 1)
    width = power.shape[1]
    tall = F.pad(full[None, None], (7, 7, 7, 7), mode="reflect")[0, 0]
    around = tall.unfold(0, 15, 1).unfold(1, 15, 1).flatten(2).median(-1).values[:, -width:]
    centred = power.roll(side // 2, 0)
    down = (torch.arange(side) - side // 2) / side
    across = torch.arange(width) / side
    radius = (down[:, None].square() + across.square()).sqrt()
    peak = F.max_pool2d(centred[None, None], 5, 1, 2)[0, 0] == centred
    found = (peak & (centred > RATIO * around) & (radius > LOWEST)).nonzero().tolist()
    found.sort(key=lambda p: -float(centred[p[0], p[1]]))
    result = []
    for y, x in found[:most]:
        amplitude = 2 * float(centred[y, x]) ** 0.5 / float(fade.sum())
        result.append(Periodic(frequency=(float(down[y]), float(across[x])), amplitude=amplitude))
    return tuple(result)
