"""Few photons: counts near zero are told by their own signs, a lattice and the law of their chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammainc
from torch import Tensor

from pellucid.noise import flat, values
from pellucid.noise.report import Counts, NoiseReport
from pellucid.noise.shown import empty

MOST = 12.0
"""counts per pixel on average; of more the law of photons is measured as that of any other noise"""
OFTEN = 1e-3
"""share of the pixels that a value needs to be a rung of the lattice"""
ROUNDED = 0.13
"""how far values may lie from the lattice, of its step, as where counts were scaled and rounded"""
STRAY = 2e-3
"""share of the pixels that may lie further off"""
UNEVEN = 0.3
"""how far the gap between two rungs may be from a multiple of the middling one, of that"""
LEAST = 25.0
"""information, in blocks, below which nothing is told: the dispersion is then known within a sixth"""
DISPERSION = (0.85, 1.25)
"""variance over mean; 1 for photons"""
SPLIT = (0.8, 1.6)
"""the same in darker, middling and brighter blocks, beside its own error"""
UNLIKE = 0.1
"""largest difference of the distributions of the dispersion, found and drawn, beside its own error"""
FAR = 12.0
"""dispersion of a block beyond which a star or an edge is in it, that of one chance in 130"""
ALONE = 1e-6
"""chance of so many photons in a pixel, given those around, below which they are a star's"""
BELOW = 3
"""how many rungs below the least value none may be seen where a picture is dark nowhere"""
SAMPLE = 200_000

Floats = NDArray[np.float64]


def counted(report: NoiseReport, pixels: Tensor, holes: Tensor | None = None) -> NoiseReport:
    """The report of noise that is the chance of single photons, where the picture shows that; else as it is.

    Counts k of photons lie on a lattice, base + step k, and have the variance of their mean: var(y) =
    step (mean - base). Nothing is left to measure then.

    Args:
        report: as measured.
        pixels: (N, C, H, W) in the same units.
        holes: (N, H, W) pixels that are no part of the picture, or None.

    >>> draw = torch.Generator().manual_seed(0)
    >>> noisy = torch.poisson(torch.full((1, 1, 64, 64), 0.5), draw)
    >>> report = counted(NoiseReport.white(0.1, 1), noisy)
    >>> report.counts, report.gain, round(report.level, 1)
    (Counts(step=1.0, base=0.0, mean=0.5...), (1.0,), 0.7)
    """
    found = find(pixels, holes)
    if found is None:
        return report
    rows, columns = values.inside(pixels)
    inner = pixels[..., rows, columns].double()
    part = (
        torch.ones_like(inner)
        if holes is None
        else (~holes[:, None, rows, columns]).expand_as(inner).double()
    )
    mean = (inner * part).sum((0, 2, 3)) / part.sum((0, 2, 3))
    sigma = (found.step * (mean - found.base)).clamp_min(1e-3 * found.step**2).sqrt()
    white = NoiseReport.white(tuple(sigma.tolist()), len(sigma))
    return replace(
        report,
        sigma=white.sigma,
        gain=(found.step,) * len(sigma),
        offset=(-found.step * found.base,) * len(sigma),
        spectrum=white.spectrum,
        kernel=white.kernel,
        covariance=white.covariance,
        correlated=False,
        length_px=0.0,
        clipped=tuple((0.0, high) for _, high in report.clipped),
        impulse=0.0,
        exact=0.0,
        doubt=0.0,
        warnings=(),
        counts=found,
    )


def find(pixels: Tensor, holes: Tensor | None = None) -> Counts | None:
    """The lattice of counts of few photons, or None where a picture is something else.

    Of four neighbouring counts of the sum s, each photon has fallen into any of the four with the same
    chance, whatever the picture. So X² = sum (k - s/4)² / (s/4) is 3 on average, exactly, for every s. Drawn
    and quantised pictures lie far below, texture and other noise above, and nowhere else do blocks of every
    brightness agree.

    Args:
        pixels: (N, C, H, W).
        holes: (N, H, W) pixels that are no part of the picture, or None.

    >>> find(torch.arange(4.0).repeat_interleave(16).repeat(1, 1, 64, 1))
    """
    rows, columns = values.inside(pixels)
    inner = pixels[..., rows, columns]
    if min(inner.shape[-2:]) < 8:
        return None
    views = [v.double().numpy() for v in flat.windows(inner)]
    lost = flat.hidden(None if holes is None else holes[:, rows, columns])
    hidden = [None] * len(views) if lost is None else [h.numpy() for h in lost]
    shown = [_shown(v, h) for v, h in zip(views, hidden, strict=True)]
    lattice = _lattice(np.concatenate([v[s] for v, s in zip(views, shown, strict=True)]))
    if lattice is None:
        return None
    step, least = lattice
    for below in range(BELOW + 1):
        base = least - below * step
        counts = [np.rint((v - base) / step) for v in views]
        mean = _mean(np.concatenate([c[s] for c, s in zip(counts, shown, strict=True)]))
        if mean > MOST:
            return None
        told = _dispersion(counts, shown, 1)
        if told is None:
            return None
        if told.of_photons and _white(counts, shown):
            return Counts(step=step, base=base, mean=mean)
        if told.whole < 1:  # a lower base would make it less still
            return None
    return None


def _mean(counts: Floats) -> float:
    """The mean of counts without single ones far beyond the others, as hot pixels have."""
    return float(counts[counts <= 4 + 4 * np.quantile(counts, 0.99)].mean())


def _shown(view: Floats, hidden: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """(C, h, w) what is part of the picture: neither a hole nor a part of one value, unless the least."""
    flat_parts = np.stack([empty(plane) & (plane != plane.min()) for plane in view])
    return ~flat_parts if hidden is None else ~(flat_parts | hidden)


def _lattice(sample: Floats) -> tuple[float, float] | None:
    """Step and least value of evenly spaced values, or None."""
    sample = sample[:: max(1, len(sample) // SAMPLE)]
    if len(sample) < 256:
        return None
    distinct, numbers = np.unique(sample.astype(np.float32), return_counts=True)
    rungs = distinct.astype(np.float64)[numbers >= max(OFTEN * len(sample), 4)]
    if not 3 <= len(rungs) <= 128:
        return None
    gaps = np.diff(rungs)
    middle = float(np.median(gaps))
    apart = np.rint(gaps / middle)  # between two peaks of a histogram some rungs are rare
    if (np.abs(gaps / middle - apart) > UNEVEN).any() or (apart < 1).any():
        return None
    step, start = np.polyfit(np.concatenate([[0], apart.cumsum()]), rungs, 1)
    off = np.abs((sample - start) / step - np.rint((sample - start) / step))
    if float(np.mean(off > ROUNDED)) > STRAY:
        return None
    # single dead pixels lie below, but a picture that is dark in a corner has its least value there
    below = np.rint((np.quantile(sample, OFTEN / 10) - start) / step)
    exact = middle if np.abs(gaps / middle - apart).max() < 1e-4 else float(step)
    return exact, float(rungs[0] + min(below, 0) * exact)


@dataclass(frozen=True)
class _Dispersion:
    """How blocks of four counts scatter.

    Attributes:
        whole: variance over mean.
        error: its standard error.
        parts: the same two for darker, middling and brighter blocks.
        unlike: largest difference between the distribution of X² and that of photons.
        blocks: how many there are.
    """

    whole: float
    error: float
    parts: tuple[tuple[float, float], ...]
    unlike: float
    blocks: int

    @property
    def of_photons(self) -> bool:
        low, high = DISPERSION
        even = all(SPLIT[0] - 3 * e < d < SPLIT[1] + 3 * e for d, e in self.parts)
        close = self.unlike < UNLIKE + 1.6 / self.blocks**0.5
        return low - 2 * self.error < self.whole < high + 2 * self.error and even and close


def _dispersion(counts: list[Floats], shown: list[NDArray[np.bool_]], side: int) -> _Dispersion | None:
    """The dispersion of blocks of 2 x 2 sums of side x side counts; None where there are too few photons."""
    fours, calm = [], []
    for view, part in zip(counts, shown, strict=True):
        for plane, seen in zip(view, part, strict=True):
            cells, whole = _sums(plane, side), _sums(seen.astype(float), side) == side**2
            own, around = _blocks(cells, whole)
            fours.append(own)
            calm.append(around)
    four, scatter = np.concatenate(fours), np.concatenate(calm)
    total = four.sum(1)
    four, scatter, total = (v[total >= 2] for v in (four, scatter, total))
    if not len(total):
        return None
    weight = 3 * (1 - 1 / total)
    if weight.sum() / 3 < LEAST:
        return None
    keep = scatter <= np.median(scatter)
    if weight[keep].sum() / 3 >= 2 * LEAST:
        four, total, weight = four[keep], total[keep], weight[keep]
    drawn = np.random.default_rng(0).multinomial(total.astype(int), [0.25] * 4).astype(float)
    found, fair = (np.minimum(_chi(v, total), FAR) for v in (four, drawn))
    excess = found - 3

    def of(index: NDArray[np.intp]) -> tuple[float, float]:
        information = float(weight[index].sum())
        return 1 + float(excess[index].sum()) / information, float(np.sqrt(2 / information))

    order = np.argsort(total, kind="stable")
    thirds = [part for part in np.array_split(order, 3) if weight[part].sum() / 3 >= LEAST / 3]
    ends = np.unique(np.concatenate([found, fair]))
    shares = [np.searchsorted(np.sort(v), ends + 1e-9) / len(v) for v in (found, fair)]
    whole, error = of(order)
    return _Dispersion(
        whole, error, tuple(of(p) for p in thirds), float(np.abs(shares[0] - shares[1]).max()), len(total)
    )


def _white(counts: list[Floats], shown: list[NDArray[np.bool_]]) -> bool:
    """Whether sums of 2 x 2 counts scatter no less than photons: dither is even over larger areas."""
    told = _dispersion(counts, shown, 2)
    return told is None or told.whole > DISPERSION[0] - 2 * told.error


def _chi(four: Floats, total: Floats) -> Floats:
    """X² of (B, 4) counts of known sums."""
    expected = total[:, None] / 4
    result: Floats = ((four - expected) ** 2 / expected).sum(1)
    return result


def _sums(plane: Floats, side: int) -> Floats:
    """Sums over squares of a plane (h, w)."""
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    cut = plane[: rows * side, : columns * side].reshape(rows, side, columns, side)
    result: Floats = cut.sum((1, 3))
    return result


def _blocks(cells: Floats, whole: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(B, 4) the cells of blocks of 2 x 2, and (B,) how far the sums around each differ for their mean.

    The calm of a block is told by its surroundings, so that choosing calm blocks does not choose calm chance.
    """
    rows, columns = cells.shape[0] // 2, cells.shape[1] // 2
    four = cells[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).transpose(0, 2, 1, 3)
    use = whole[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).all((1, 3))
    four = np.reshape(four, (rows, columns, 4))
    sums = np.pad(four.sum(-1), 1, mode="edge")
    around = np.stack(
        [sums[y : y + rows, x : x + columns] for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    )
    scatter = around.var(0) / np.maximum(around.mean(0), 0.5)
    # a star of one pixel, as what is around it would not make, says nothing of chance
    use &= gammainc(np.maximum(four.max(-1), 1e-3), np.maximum(around.mean(0) / 4, 0.02)) > ALONE
    return four[use], scatter[use]
