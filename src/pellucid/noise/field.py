"""Noise whose level varies smoothly over the field, told from parts that show nothing but noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.noise import spectrum
from pellucid.noise.colour import matrix
from pellucid.noise.report import Field, NoiseReport
from pellucid.noise.spectrum import SIDE
from pellucid.noise.values import inside, rise

Floats = NDArray[np.float64]

PART = 24
"""least side of a part, pixels"""
MOST = 8
"""parts along a side, at the most"""
LOOKED = 96
"""side of what is looked at of a part, pixels"""
STRIDE = 4
CALM = 0.3
"""share of the blocks of a part, the calmest by one half of the middling coefficients"""
EVEN = (0.65, 1.5)
"""variance of the other half over that of the finest: white noise lies within, texture above"""
GAUSSIAN = 0.88
"""(pi/2) (mean |c|)² / mean c² of the finest, from which on they are noise"""
TRUSTED = 0.2
"""share of the parts that must show noise and nothing else"""
FEWEST = 12
LARGE = (2 * math.log(1.45), 2 * math.log(1.7))
"""span of the logarithm of the variance over the field from which on it begins to count, and counts wholly"""
EXPLAINED = 0.25
"""of what brightness leaves unexplained of parts held out, what the field may leave"""
ROUGH = 0.3
"""root mean square of the logarithm of the variance of parts around the field, at the most"""
TIED = 0.2
"""correlation between channels from which on the chroma has another noise than they"""
BETTER = 0.6
"""the same of a field of more detail, of what a polynomial leaves"""
GRID = 17
"""places down and across by which a field is kept"""
NEAR = 0.45
"""robustness: residual of the logarithm from which on a part counts less"""

_ORDER = torch.arange(SIDE).view(-1, 1) + torch.arange(SIDE).view(1, -1)
_BAND = (_ORDER >= 2) & (_ORDER <= 6)
_ODD = (_BAND & (_ORDER % 2 == 1)).flatten().nonzero()[:, 0]
_EVEN = (_BAND & (_ORDER % 2 == 0)).flatten().nonzero()[:, 0]
_FINE = torch.tensor([SIDE * i + j for i in range(4, 8) for j in range(4, 8)])


@dataclass(frozen=True)
class Parts:
    """What parts of a picture tell of its noise.

    Attributes:
        place: (P, 2) centres, down and across, from -1 to 1 over the picture.
        brightness: (P,) mean of the calm blocks, of the contrast.
        level: (P,) logarithm of the variance in calm blocks.
        trusted: (P,) whether these show noise and nothing else.
    """

    place: Floats
    brightness: Floats
    level: Floats
    trusted: NDArray[np.bool_]


def over(
    report: NoiseReport, pixels: Tensor, holes: Tensor | None = None, *, color: bool = False
) -> NoiseReport:
    """The report with the field of the noise, where it has one; else as it is.

    Only white noise has one here: counts of photons have their law, and of shared noise the spectrum counts.

    Args:
        report: as measured.
        pixels: (N, C, H, W) in the same units.
        holes: (N, H, W) pixels that are no part of the picture, or None.
        color: whether the channels are display colours.
    """
    if report.counts is not None or report.correlated or report.drawn or min(report.sigma, default=0) <= 0:
        return report
    # in the chroma next to no texture is left, and noise that channels do not share is as strong
    tint = color and len(report.sigma) == 3 and _apart(report.covariance)
    found = find(pixels, holes, span=report.span, tint=tint)
    if found is None:
        return report
    rms = math.sqrt(float(np.mean(np.square(found.map(*pixels.shape[-2:])))))
    own = math.exp(float(np.mean(np.log(report.sigma))))
    told = report.times(rms / own)
    return replace(told, gain=(0.0,) * len(told.sigma), offset=tuple(s * s for s in told.sigma), drift=found)


def _apart(covariance: Floats) -> bool:
    """Whether channels share next to no noise."""
    deviation = np.sqrt(np.diag(covariance))
    shared = covariance / np.outer(deviation, deviation) - np.eye(len(deviation))
    return bool(np.abs(shared).max() < TIED)


def find(
    pixels: Tensor, holes: Tensor | None = None, *, span: float = 1.0, tint: bool = False
) -> Field | None:
    """The field of the noise of a picture or stack, or None where its level is one number.

    The logarithm of the variance in calm blocks of up to 8 x 8 parts is fitted by a function of brightness,
    and by that and a smooth one of the place: a polynomial of second degree, or cosines of up to two waves
    where these are far better. The place counts where parts that were held out are predicted far better with
    it than without, and where it spans a factor of 1.45 or more in the standard deviation. Only parts take
    part whose calm blocks are white and Gaussian, as texture is not.

    Args:
        pixels: (N, C, H, W).
        holes: (N, H, W) pixels that are no part of the picture, or None.
        span: contrast of the picture.
        tint: whether to look at the chroma of three colours alone.

    >>> draw = torch.Generator().manual_seed(0)
    >>> noise = torch.randn(1, 1, 160, 160, generator=draw)
    >>> find(noise) is None
    True
    >>> found = find(noise * torch.linspace(1, 4, 160))
    >>> [round(float(v), 1) for v in found.map(160, 160)[80, ::159] / found.map(160, 160)[80].mean()]
    [0.5, 1.5]
    """
    rows, columns = inside(pixels)
    inner = pixels[..., rows, columns]
    if min(inner.shape[-2:]) < 3 * PART:
        return None
    parts = look(inner, None if holes is None else holes[:, rows, columns], span=span, tint=tint)
    found = None if parts is None else fitted(parts)
    if found is None or inner.shape == pixels.shape:
        return found
    ends = [s.indices(n)[:2] for s, n in ((rows, pixels.shape[-2]), (columns, pixels.shape[-1]))]
    return replace(found, rows=ends[0], columns=ends[1])


def look(pixels: Tensor, holes: Tensor | None, *, span: float, tint: bool = False) -> Parts | None:
    """Look at the parts of (N, C, H, W); None where too few of them show noise."""
    slices = pixels[:: max(1, len(pixels) // 3)][:4].float()
    hidden = None if holes is None else holes[:: max(1, len(pixels) // 3)][:4]
    height, width = pixels.shape[-2:]
    rows, columns = (min(MOST, n // PART) for n in (height, width))
    ends = [np.linspace(0, n, k + 1).astype(int) for n, k in ((height, rows), (width, columns))]
    place, brightness, level, trusted = [], [], [], []
    for top, bottom in zip(ends[0], ends[0][1:], strict=False):
        for left, right in zip(ends[1], ends[1][1:], strict=False):
            cut = (..., _middle(top, bottom), _middle(left, right))
            told = _part(slices[cut], None if hidden is None else hidden[cut], span, tint)
            if told is None:
                continue
            place.append(((top + bottom) / height - 1, (left + right) / width - 1))
            brightness.append(told[0])
            level.append(told[1])
            trusted.append(told[2])
    if sum(trusted) < max(FEWEST, TRUSTED * rows * columns):
        return None
    return Parts(np.array(place), np.array(brightness), np.array(level), np.array(trusted))


def _middle(start: int, end: int) -> slice:
    """At most LOOKED pixels in the middle of a part."""
    spare = max(0, end - start - LOOKED) // 2
    return slice(int(start) + spare, int(end) - spare)


def _part(cut: Tensor, hidden: Tensor | None, span: float, tint: bool) -> tuple[float, float, bool] | None:
    """Brightness, logarithm of the variance, and whether it is noise, of (N, C, h, w)."""
    blocks = cut.unfold(2, SIDE, STRIDE).unfold(3, SIDE, STRIDE)
    blocks = blocks.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(2)
    live = (blocks.amax(-1) > blocks.amin(-1)).all(1)
    if hidden is not None:
        lost = hidden.unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE).flatten(3).any(3).flatten()
        live &= ~lost
    blocks = blocks[live]
    if len(blocks) < 16:
        return None
    seen = torch.einsum("dc,bck->bdk", matrix(3, color=True)[1:].float(), blocks) if tint else blocks
    coefficients = seen @ spectrum.transform().float().T
    energy = coefficients[..., _ODD].square().sum((1, 2))
    calm = energy.topk(max(12, round(CALM * len(blocks))), largest=False).indices[: len(blocks)]
    chosen = coefficients[calm].double()
    fine, middling = chosen[..., _FINE], chosen[..., _EVEN]
    # channels have levels of their own, and one field
    variance = fine.square().mean((0, 2)).clamp_min(1e-30)
    middle = middling.square().mean((0, 2)).clamp_min(1e-30)
    ratio = float((middle / variance).log().mean().exp())
    shape = float((math.pi / 2 * fine.abs().mean((0, 2)).square() / variance).mean())
    trusted = EVEN[0] < ratio < EVEN[1] and shape > GAUSSIAN
    return float(blocks[calm].mean()) / span, float(variance.log().mean()), trusted


def fitted(parts: Parts) -> Field | None:
    """The field that parts show, or None."""
    use = parts.trusted
    place, bright, level = parts.place[use], parts.brightness[use], parts.level[use]
    shade = _shades(bright)
    rest = _held_out(shade, level, place)
    chosen, least = None, EXPLAINED * rest
    for terms in (_smooth, _local):
        known = terms(place)
        if known.shape[1] > len(level) / 2:
            continue
        left = _held_out(np.concatenate([shade, known], 1), level, place)
        if left <= least and math.sqrt(left / len(level)) <= ROUGH:
            chosen, least = terms, BETTER * left
    if chosen is None:
        return None
    weights, _ = _robust(np.concatenate([shade, chosen(place)], 1), level)
    slopes = weights[shade.shape[1] :]
    drift = chosen(place) @ slopes
    low, high = np.quantile(drift, [0.03, 0.97])
    strength = rise(float(high - low), *LARGE)
    third = (high - low) / 3
    if strength == 0 or min((drift < low + third).sum(), (drift > high - third).sum()) < 2:
        return None
    # where no part is trusted the field goes no further than where one is
    y, x = (v.ravel() for v in np.meshgrid(*(np.linspace(-1, 1, GRID),) * 2, indexing="ij"))
    grid = np.clip(chosen(np.stack([y, x], 1)) @ slopes, drift.min(), drift.max()).reshape(GRID, GRID)
    mean = float(grid.mean())
    middle = float(np.median(level - drift)) + mean * strength + float(drift.mean()) * (1 - strength)
    return Field(drift=tuple(tuple(float(v) for v in row) for row in (grid - mean) * strength), level=middle)


def _shades(bright: Floats) -> Floats:
    """(P, K) functions of brightness, among them 1."""
    scaled = (bright - bright.mean()) / max(float(bright.std()), 1e-12)
    powers = [np.ones_like(scaled), scaled] + ([scaled**2] if len(scaled) >= 24 else [])
    return np.stack(powers, 1)


def _smooth(place: Floats) -> Floats:
    """(P, K) polynomials of second degree of the place, none of them constant."""
    y, x = place.T
    return np.stack([y, x, y * y - 1 / 3, x * y, x * x - 1 / 3], 1)


def _local(place: Floats) -> Floats:
    """(P, K) cosines of the place, up to two waves along both sides together; finer ones are held smaller."""
    y, x = ((v + 1) / 2 * math.pi for v in place.T)
    orders = [(i, j) for i in range(5) for j in range(5) if 0 < i + j <= 4]
    return np.stack([np.cos(i * y) * np.cos(j * x) / (i + j) for i, j in orders], 1)


def _robust(terms: Floats, level: Floats) -> tuple[Floats, Floats]:
    """Coefficients of a fit that parts far above it, as texture makes them, hardly move; what it leaves."""
    weight = np.ones(len(level))
    ridge = 1e-3 * len(level) * np.eye(terms.shape[1])
    ridge[0, 0] = 0
    for _ in range(6):
        weighted = terms * weight[:, None]
        found = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ level)
        off = level - terms @ found
        weight = 1 / (1 + (np.where(off > 0, off, off / 2) / NEAR) ** 2)
    return np.asarray(found, np.float64), off


def _held_out(terms: Floats, level: Floats, place: Floats) -> float:
    """Sum of squares by which parts are missed that the fit did not see, four sets of them in turn."""
    order = np.lexsort((place[:, 1], place[:, 0]))
    turn = np.empty(len(level), int)
    turn[order] = np.arange(len(level)) * 3 % 4
    total = 0.0
    for k in range(4):
        seen = turn != k
        found, _ = _robust(terms[seen], level[seen])
        off = level[~seen] - terms[~seen] @ found
        total += float(np.minimum(off**2, 1.0).sum())
    return total
