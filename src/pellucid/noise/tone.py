"""Toned pictures: one gray picture whose channels are curves of it, as sepia and tinted scans are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter
from torch import Tensor

from pellucid.noise import flat
from pellucid.noise.shown import Flags, shown

Floats = NDArray[np.floating]

LEAST = 64
"""pixels of a side without which nothing is told"""
BLOCK = 8
"""side of the blocks whose means tell the curves: JPEG keeps colours at half the size, but not their means"""
NODES, EACH = 32, 12
"""places between which a curve is straight, at the most, and blocks to a place, at least"""
CONTRAST = 1e-5
"""least contrast of the gray picture, of the largest value: less is rounding"""
OWN, EDGE = 0.02, 0.1
"""how far the mean of a block may lie off the curves: of the contrast, and of that between it and the blocks
around it, where JPEG is coarse"""
ODD = 0.002
"""share of the blocks that may lie farther off; one may in any case"""
NOISE = 0.1
"""variance of fine detail off the curves over that along them, below which the channels hold one noise"""
SCALES = (1, 2, 4)
"""sizes of the pixels in which it is: JPEG may have halved the colours"""
SLOW = 2.0
"""standard deviation, in pixels, of the Gaussian that keeps how the tone changes from place to place"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tone:
    """The curves of the channels, and the picture, of which what lies off them is kept.

    Attributes:
        weights: (3,) of the channels in the gray picture.
        places: (K,) values of the gray picture, rising.
        curves: (3, K) the channels there; in between and beyond they are straight.
        given: (N, 3, H, W) the picture.
        color: False, a place on a curve is no colour.
        words: what was found.
    """

    weights: tuple[float, ...]
    places: Floats
    curves: Floats
    given: Tensor
    color: bool = False
    words: str = "its channels are curves of one gray picture (a tone): that is filtered"

    def lay(self, pixels: Tensor) -> Tensor:
        """(..., 3, H, W) to the gray picture (..., 1, H, W)."""
        return _gray(pixels, self.weights)

    def lay_map(self, levels: Tensor) -> Tensor:
        """Levels or flags of all pixels, (..., 3, H, W) to (..., 1, H, W): the mean over the channels."""
        return levels.mean(-3, keepdim=True)

    def back(self, laid: Tensor, index: int) -> Tensor:
        """(..., 1, H, W) of the slice `index` in its tone.

        Pixels that are as they were, and constant parts, which need not have the tone, come back as they
        came.
        """
        given = self.given[index].to(laid)
        before = self.lay(given)
        fixed = torch.from_numpy(_constant(given.cpu().numpy())).to(laid.device)
        off = _slow((given - self._toned(before)).cpu().numpy(), ~fixed.cpu().numpy())
        toned = self._toned(laid) + torch.from_numpy(off).to(laid)
        return torch.where((laid == before) | fixed, given, toned)

    def back_map(self, laid: Tensor, index: int) -> Tensor:
        """The same for a map of standard deviations: by the mean slope of the curves."""
        rise = (self.curves[:, -1] - self.curves[:, 0]) / (self.places[-1] - self.places[0])
        return laid * torch.from_numpy(np.abs(rise)).to(laid).view(3, 1, 1)

    def _toned(self, gray: Tensor) -> Tensor:
        return torch.from_numpy(_toned(gray[..., 0, :, :].cpu().numpy(), self.places, self.curves)).to(gray)


def find(pixels: Tensor, *, color: bool) -> Tone | None:
    """Whether the channels are curves of one gray picture, and hold one noise.

    What lies off the curves may be no more than rounding and JPEG leave: no block may have a colour of its
    own, and the fine detail of the channels is that of the gray picture. A scan whose channels have each a
    noise of its own stays colour: there three of them say more than one. Constant parts have no say.

    Args:
        pixels: (N, 3, H, W).
        color: whether the channels are display colours.

    >>> draws = torch.Generator().manual_seed(0)
    >>> gray = torch.linspace(0.2, 0.8, 128) + torch.randn(1, 1, 128, 128, generator=draws) / 20
    >>> find(gray * torch.tensor([1.0, 0.9, 0.7]).view(3, 1, 1), color=True).words[:33]
    'its channels are curves of one gr'
    >>> find(gray + torch.randn(1, 3, 128, 128, generator=draws) / 20, color=True) is None
    True
    """
    if not color or pixels.shape[-3] != 3 or min(pixels.shape[-2:]) < LEAST:
        return None
    windows = [window.numpy().astype(np.float64) for window in flat.windows(pixels)]
    seen = [~_constant(window) for window in windows]
    told = _told(windows, seen)
    if told is None or not _of_one_noise(windows, *told):
        return None
    weights, places, curves = told
    if not all(_on_curves(p, ~_constant(p), *told) for p in (one.numpy() for one in pixels)):
        return None
    return Tone(weights=tuple(weights.tolist()), places=places, curves=curves, given=pixels)


def _told(windows: Sequence[Floats], seen: Sequence[Flags]) -> tuple[Floats, Floats, Floats] | None:
    """The weights of the channels, and the curves, by the means of blocks (B, 3); None of one value."""
    blocks = np.concatenate([_blocks(w, s) for w, s in zip(windows, seen, strict=True)])
    if len(blocks) < 2 * EACH:
        return None
    way = np.linalg.eigh(np.cov(blocks.T))[1][:, -1]
    weights = way * np.sign(way.sum()) / np.abs(way).sum()
    gray = blocks @ weights
    if float(np.ptp(gray)) <= CONTRAST * float(np.abs(blocks).max()):
        return None
    groups = np.array_split(np.argsort(gray), max(2, min(NODES, len(gray) // EACH)))
    places = np.array([gray[group].mean() for group in groups])
    curves = np.array([blocks[group].mean(0) for group in groups]).T
    rising = np.append(True, np.diff(places) > 1e-4 * np.ptp(places))
    return weights, places[rising], curves[:, rising]


def _on_curves(pixels: Floats, seen: Flags, weights: Floats, places: Floats, curves: Floats) -> bool:
    """Whether next to no block of (3, H, W) has a colour of its own."""
    whole = _whole(seen)
    means = _means(pixels, BLOCK)
    gray = np.tensordot(weights, means, 1)
    around = uniform_filter(gray**2, 3) - uniform_filter(gray, 3) ** 2
    allowed = OWN * np.ptp(places) + EDGE * np.sqrt(np.maximum(around, 0))
    off = np.abs(means - _toned(gray, places, curves)).max(0) > allowed
    return int(off[whole].sum()) <= max(1.0, ODD * int(whole.sum()))


def _of_one_noise(windows: Sequence[Floats], weights: Floats, places: Floats, curves: Floats) -> bool:
    """Whether fine detail off the curves is far weaker than along them."""
    slope = np.ptp(curves, axis=1) / np.ptp(places)
    for scale in SCALES:
        along = across = 0.0
        for window in windows:
            gray = np.tensordot(weights, window, 1)
            along += _detail(_means(gray[None], scale)) * float(np.sum(slope**2))
            across += _detail(_means(window - _toned(gray, places, curves), scale))
        if across > NOISE * along:
            return False
    return True


def _detail(planes: Floats) -> float:
    """Energy of the fine detail of (C, H, W)."""
    return float(np.square(planes - uniform_filter(planes, (0, 3, 3))).sum())


def _gray(pixels: Tensor, weights: Sequence[float]) -> Tensor:
    first, second, third = (pixels[..., c, :, :].double() * weights[c] for c in range(3))
    return (first + second + third).to(pixels).unsqueeze(-3)


def _toned(gray: Floats, places: Floats, curves: Floats) -> Floats:
    """(..., H, W) gray to (..., 3, H, W): straight between the places and beyond."""
    below, above = np.minimum(gray - places[0], 0), np.maximum(gray - places[-1], 0)
    low, high = (
        (curves[:, i + 1] - curves[:, i]) / (places[i + 1] - places[i]) for i in (0, len(places) - 2)
    )
    planes = [
        np.interp(gray, places, curve) + low[c] * below + high[c] * above for c, curve in enumerate(curves)
    ]
    return np.stack(planes, -3)


def _means(planes: Floats, side: int) -> Floats:
    """(..., H, W) to the means of whole blocks."""
    height, width = (n // side * side for n in planes.shape[-2:])
    tiled = planes[..., :height, :width]
    shape = (*tiled.shape[:-2], height // side, side, width // side, side)
    return np.asarray(tiled.reshape(shape).mean((-3, -1)))


def _blocks(pixels: Floats, seen: Flags) -> Floats:
    """(B, 3) the means of the blocks of (3, H, W) that hold no constant part."""
    return np.asarray(_means(pixels, BLOCK)[:, _whole(seen)].T, dtype=np.float64)


def _whole(seen: Flags) -> Flags:
    """Which blocks hold no constant part."""
    return np.asarray(_means(seen.astype(np.float32), BLOCK) == 1)


def _constant(pixels: Floats) -> Flags:
    """Where (3, H, W) is a border, or of one value around, in all channels."""
    found = ~shown(pixels[0])
    for plane in pixels[1:] if found.any() else ():
        found &= ~shown(plane)
    return found


def _slow(off: Floats, seen: Flags) -> Floats:
    """What changes slowly in (3, H, W), of what is seen."""
    weight = gaussian_filter(seen.astype(np.float32), SLOW, mode="nearest")
    return np.asarray(gaussian_filter(off * seen, (0, SLOW, SLOW), mode="nearest") / np.maximum(weight, 1e-6))
