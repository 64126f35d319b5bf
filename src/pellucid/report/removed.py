"""What was removed, y - x̂, in figures: does it look like noise or like picture?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from pellucid.image import Image
from pellucid.noise.report import NoiseReport
from pellucid.noise.residual import detail_correlation
from pellucid.pages.charts import Floats
from pellucid.report.views import most_detailed

LAGS = 10
# Statistics of a huge picture are taken on its busiest part: enough pixels, and seconds saved.
SIDE = 1024
BINS = 61
REACH = 5.0


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Figures of the removed part, averaged over the slices looked at.

    Attributes:
        std: per channel, its standard deviation (working units).
        mean: per channel, its mean; far from 0 means that brightness was changed.
        autocorrelation: (C, 2·lags+1, 2·lags+1), 1 in the middle.
        histogram: (C, BINS) density over `REACH` expected standard deviations each way.
        standardised: False when the report gives no level; the histogram is then in units of the own std.
        edges: correlation of the removed part with the fine detail of the estimate, near 0 for noise.
        contrast: its variance along the strongest edges over that in flat parts; 1 for even noise, but real
            camera noise, stronger on highlights, gives up to 10 where nothing is wrong: a figure, no verdict.
        ratio: std over the level of the report (root mean square over channels); 0 where it has no level.
    """

    std: tuple[float, ...]
    mean: tuple[float, ...]
    autocorrelation: Floats
    histogram: Floats
    standardised: bool
    edges: float
    contrast: float
    ratio: float

    @property
    def structured(self) -> bool:
        """Whether picture structure is visible in the removed part."""
        return self.edges > MOST_EDGES

    @property
    def partial(self) -> bool:
        """Whether much of the noise that was found is still there."""
        return 0 < self.ratio < LEAST_RATIO

    @property
    def excessive(self) -> bool:
        """Whether clearly more was removed than the noise that was found."""
        return self.ratio > MOST_RATIO


# docs/noise.md tells how these were set: true noise stays below 0.1, a blur lies at 0.18 to 0.6.
MOST_EDGES = 0.2
MOST_RATIO = 1.25
LEAST_RATIO = 0.6


def measure(noisy: Image, estimate: Image, noise: NoiseReport) -> Removed:
    """Measure y - x̂ on up to three slices, each cut to its busiest 1024 x 1024 pixels."""
    count = len(noisy.pixels)
    pieces = []
    for n in sorted({0, count // 2, count - 1}):
        rows, columns = most_detailed(estimate.pixels[n], SIDE)
        kept = estimate.pixels[n][:, rows, columns].astype(np.float64)
        gone = noisy.pixels[n][:, rows, columns] - kept
        pieces.append(_piece(gone, kept, noise))
    residual = noisy.pixels - estimate.pixels
    # float64 sums: float32 ones lose the mean of a large picture.
    mean = residual.mean(axis=(0, 2, 3), dtype=np.float64)
    std = residual.std(axis=(0, 2, 3), dtype=np.float64)
    return Removed(
        std=tuple(float(s) for s in std),
        mean=tuple(float(m) for m in mean),
        autocorrelation=np.mean([p[0] for p in pieces], axis=0),
        histogram=np.mean([p[1] for p in pieces], axis=0),
        standardised=noise.level > 0,
        edges=float(np.mean([p[2] for p in pieces])),
        contrast=float(np.mean([p[3] for p in pieces])),
        ratio=float(np.sqrt(np.mean(std**2))) / noise.level if noise.level > 0 else 0.0,
    )


def _piece(gone: Floats, kept: Floats, noise: NoiseReport) -> tuple[Floats, Floats, float, float]:
    """Autocorrelation, histogram, edge correlation and edge contrast of one slice, (C, H, W)."""
    unit = gone / expected_std(gone, kept, noise)
    return (
        np.stack([autocorrelation(g) for g in gone]),
        np.stack(
            [np.histogram(u, bins=BINS, range=(-REACH, REACH))[0] * BINS / (2 * REACH * u.size) for u in unit]
        ),
        detail_correlation(unit, kept),
        edge_contrast(unit, kept),
    )


def expected_std(gone: Floats, kept: Floats, noise: NoiseReport) -> Floats:
    """The standard deviation that the report expects at each pixel; that of ``gone`` where it expects none.

    sqrt(a·x̂ + b) where the noise depends on the signal, else sigma.
    """
    own = np.maximum(gone.std(axis=(1, 2)), 1e-12)
    expected = np.empty_like(kept)
    for c, channel in enumerate(kept):
        sigma = noise.sigma[min(c, len(noise.sigma) - 1)] if noise.sigma else 0.0
        gain = noise.gain[min(c, len(noise.gain) - 1)] if noise.gain else 0.0
        if sigma <= 0:
            expected[c] = own[c]
        elif gain == 0:
            expected[c] = sigma
        else:
            variance = gain * channel + noise.offset[min(c, len(noise.offset) - 1)]
            # A fitted line may fall below zero in the dark; a tenth of sigma keeps those pixels comparable.
            expected[c] = np.sqrt(np.maximum(variance, (0.1 * sigma) ** 2))
    return expected


def autocorrelation(residual: Floats, lags: int = LAGS) -> Floats:
    """Autocorrelation of (H, W), mean taken off, at shifts up to ``lags``: (2·lags+1, 2·lags+1), centre 1.

    Wiener-Khinchin with zero padding; each lag is divided by its own number of pairs. Shifts beyond
    half the picture are 0, and so is all but the centre of a constant.

    >>> autocorrelation(np.array([[1.0, -1.0, 1.0, -1.0]]), lags=1)[1].round(6).tolist()
    [-1.0, 1.0, -1.0]
    """
    height, width = residual.shape
    centred = residual - residual.mean()
    result = np.zeros((2 * lags + 1, 2 * lags + 1))
    result[lags, lags] = 1.0
    variance = float(np.mean(centred**2))
    if variance < 1e-20:
        return result
    shape = [fft.next_fast_len(height + lags, real=True), fft.next_fast_len(width + lags, real=True)]
    power = np.abs(fft.rfft2(centred, shape)) ** 2
    circular = fft.irfft2(power, shape)
    # Shifts beyond half the picture leave too few pairs to mean anything.
    down, across = min(lags, (height - 1) // 2), min(lags, (width - 1) // 2)
    for i in range(-down, down + 1):
        for j in range(-across, across + 1):
            pairs = (height - abs(i)) * (width - abs(j))
            result[lags + i, lags + j] = circular[i, j] / pairs / variance
    return result


def edge_contrast(residual: Floats, kept: Floats) -> float:
    """Residual variance on the 5 % of pixels with the strongest edges over that on the flattest half."""
    smooth = ndimage.gaussian_filter(kept, (0, 1, 1))
    slope = np.hypot(ndimage.sobel(smooth, 1), ndimage.sobel(smooth, 2)).sum(axis=0)
    energy = np.mean(residual**2, axis=0)
    strong, flat = np.quantile(slope, 0.95), np.quantile(slope, 0.5)
    if strong - flat < 1e-6 or slope.size < 400:
        return 1.0
    base = float(energy[slope <= flat].mean())
    return float(energy[slope >= strong].mean()) / base if base > 1e-12 else 1.0
