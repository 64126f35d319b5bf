"""From pixels to the NoiseReport."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid.noise import flat, level, spectrum
from pellucid.noise.colour import matrix
from pellucid.noise.flat import Blocks
from pellucid.noise.report import NoiseReport, words

__all__ = ["analyse", "words"]

WHITENESS = (0.25, 0.5)  # product of the two ratios below, under which neighbours share noise: weak, strong
NOTHING = 1.2 / 255  # level of blocks that tell nothing about the noise elsewhere
HIDDEN = 0.4  # what the eigenvalues see of the level on flat blocks; white noise shows itself to both
ENOUGH = 2000  # blocks; with fewer the evidence must be stronger in proportion
WEAK, STRONG = 5 / 255, 10 / 255  # noise in which texture shows through, and noise that hides it
SLOPES = (
    ((5, 8), (3, 5)),
    ((6, 8), (4, 6)),
)  # frequencies compared: power of the first over that of the second
FINEST = tuple(8 * i + j for i in range(5, 8) for j in range(5, 8))
FINE = tuple(8 * i + j for i in range(3, 8) for j in range(3, 8))
TEXTURED = 2.0  # a class of brightness whose variance exceeds the calmest by this factor shows texture
CALMEST = 0.01
TIED = 0.2  # correlation between channels from which on it counts
DARKEST = 0.05  # variance of the darkest class over the mean one, at least
DOUBT = 2.25  # variance by the law over that of the eigenvalues; beyond it the law has followed texture
SLACK = 1.06  # how far the eigenvalues may exceed what fine detail shows
FEW = 20_000  # pixels below which the eigenvalues spread so far that their tail reads low
LUMA = 3.5  # luminance noise over chroma noise at low frequencies, at the most
SILENT = 0.12 / 255**2  # variance of the finest chroma; rounding to 8 bits alone makes 0.08, JPEG leaves less
COLOURLESS = 1.5 / 255  # spread of the chroma of a gray picture stored in colour, whose chroma tells nothing
DRAWN = 0.5  # share of constant blocks from which on a picture is a drawing, without noise
MANY = 8  # channels beyond which no covariance between channels is measured


def analyse(pixels: Tensor, *, color: bool, scale: float = 255.0) -> NoiseReport:
    """Measure the noise of a picture or a stack: level, gain, spectrum, clipping, impulses, patterns.

    Flat blocks of every brightness give the noise's 8x8 DCT spectrum. Where its high end is level, the noise
    is white, and the level is that of Chen, Zhu and Heng (ICCV 2015), which texture hardly disturbs. Where
    it falls off, neighbouring pixels share noise; then the level, the spectrum and the covariance of the
    channels all come from the flat blocks, since estimators for white noise read several times too little.

    Args:
        pixels: (N, C, H, W) float32 in the working range.
        color: True when the channels are display colours.
        scale: stored units per working unit.

    >>> noisy = 0.5 + 0.1 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> report = analyse(noisy, color=False)
    >>> report.correlated, round(report.level, 2)
    (False, 0.1)
    """
    channels = pixels.shape[1]
    pixels = pixels.detach().float().cpu()
    if min(pixels.shape[-2:]) < 2 * spectrum.SIDE:
        return _tiny(pixels, scale)
    clipped = _clipped(pixels)
    blocks = flat.collect(pixels, clips=any(max(c) > 1e-4 for c in clipped), scale=scale)
    classes = flat.calmest(blocks)
    views = flat.windows(pixels)
    sample = views[:: max(1, len(views) // 6)]
    mad = torch.stack([level.mad(v) for v in sample]).mean(0)
    scales = torch.stack([level.mad_per_scale(v) for v in sample[:2]]).mean(0)
    joint = float(np.mean([level.chen(v, skip_clipped=True) for v in sample]))
    common = {
        "sigma_per_scale": tuple(tuple(row) for row in scales.tolist()),
        "mad": tuple(mad.tolist()),
        "chen": joint,
        "clipped": clipped,
        "impulse": spectrum.impulses(pixels, float(mad.max())),
        "periodic": spectrum.periodic(sample),
        "scale": scale,
    }
    if float(blocks.empty.float().mean()) > DRAWN:
        return _as_white((0.0,) * channels, channels, common, ())
    if not classes:
        return _as_white(
            tuple(mad.tolist()), channels, common, ("every block is clipped or empty: the level is a guess",)
        )
    correlated = _correlated(blocks, classes, joint)
    law = _law(blocks, classes, correlated)
    if not correlated:
        return _white(blocks, law, sample, channels, common)
    kernel, compressed = _kernel(blocks, classes, color)
    return _report(kernel, law, {**common, "compressed": compressed})


def _clipped(pixels: Tensor) -> tuple[tuple[float, float], ...]:
    """Fractions at 0 and at 1 per channel; values beyond an end show that nothing was cut off there."""
    low = (pixels == 0).float().mean((0, 2, 3)).tolist() if float(pixels.min()) >= 0 else None
    high = (pixels == 1).float().mean((0, 2, 3)).tolist() if float(pixels.max()) <= 1 else None
    none = [0.0] * pixels.shape[1]
    return tuple(zip(low or none, high or none, strict=True))


def _correlated(blocks: Blocks, classes: list[Tensor], white: float) -> bool:
    """Whether the spectrum falls off towards its high end, on the calmest blocks of all.

    Where those hold next to nothing they lie in the dark, which a camera leaves empty; then the calmest
    class of brightness but one is asked. Noise that the eigenvalues hardly see is correlated whatever its
    high end says.
    """
    power = spectrum.robust(blocks.coefficients[_calmest(blocks, 100)]).mean(0)
    if float(power[1:].mean()) < NOTHING**2:
        spectra = torch.stack([spectrum.robust(blocks.coefficients[c]).mean(0) for c in classes])
        order = spectra[:, 1:].mean(1).argsort()
        power = spectra[order[min(1, len(order) - 1)]]
    power = power.view(spectrum.SIDE, spectrum.SIDE)
    level = float(power.flatten()[1:].mean()) ** 0.5
    sure = min(1.0, len(blocks.calm) / ENOUGH)
    if white < HIDDEN * sure * level:
        return True
    ratio = 1.0
    for (low, high), (start, end) in SLOPES:
        below = float(power[start:end, start:end].mean())
        if below <= 0:
            return False
        ratio *= float(power[low:high, low:high].mean()) / below
    share = min(max((white - WEAK) / (STRONG - WEAK), 0.0), 1.0)
    return ratio < sure * (WHITENESS[0] + share * (WHITENESS[1] - WHITENESS[0]))


def _calmest(blocks: Blocks, least: int) -> Tensor:
    usable = int(torch.isfinite(blocks.calm).sum())
    count = min(usable, max(least, round(CALMEST * usable)))
    return blocks.calm.topk(count, largest=False).indices


@dataclass(frozen=True)
class _Law:
    """Variance against brightness: the classes, and the line var = gain x + offset."""

    classes: list[Tensor]
    gain: Tensor  # (C,)
    offset: Tensor  # (C,)
    mean: Tensor  # (C,) brightness of the picture


def _law(blocks: Blocks, classes: list[Tensor], correlated: bool) -> _Law:
    band = list(range(1, 64)) if correlated else list(FINE)
    spectra = torch.stack([spectrum.robust(blocks.coefficients[c])[:, band].mean(1) for c in classes])
    brightness = torch.stack([blocks.mean[c].double().mean(0) for c in classes])
    mean = blocks.mean.double().mean(0)
    gain, offset = _line(brightness, spectra)
    return _Law(classes, gain, offset, mean)


def _line(brightness: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Line through variance against brightness per channel, or a gain of 0 where it does not explain the
    classes.

    Texture only ever adds, so the line is fitted again after points far above it have been lowered to it.
    The slope counts where the line explains most of the spread and changes the variance twofold over the
    picture.
    """
    gains, offsets = [], []
    for x, v in zip(brightness.T, variance.T, strict=True):
        low = float(v.min())
        if len(x) < 4 or float(x.max() - x.min()) < 0.05:
            gains.append(0.0)
            offsets.append(low)
            continue
        y = v.clone()
        for _ in range(5):
            slope, start = np.polyfit(x.numpy(), y.numpy(), 1)
            y = torch.minimum(v, (slope * x + start) * 1.15)
        start = max(start, DARKEST * float(v.mean()) - slope * float(x.min()))
        fitted = slope * x + start
        rest = float((y - fitted).square().sum())
        spread = float((y - y.mean()).square().sum())
        steep = float(fitted.max()) > 1.4 * max(float(fitted.min()), 1e-12)
        if slope > 0 and steep and rest < 0.25 * spread:
            gains.append(float(slope))
            offsets.append(float(start))
        else:
            gains.append(0.0)
            offsets.append(low)
    return torch.tensor(gains).double(), torch.tensor(offsets).double()


def _white(
    blocks: Blocks, law: _Law, views: list[Tensor], channels: int, common: dict[str, Any]
) -> NoiseReport:
    """White noise: its level from the patches' eigenvalues, shared out as fine detail tells.

    The channels may share noise; then the eigenvalues of all channels together tell the smallest of their
    combinations, and each channel is measured for itself.
    """
    chosen = blocks.coefficients[torch.cat(law.classes)][..., list(FINE)].double()
    fine = _variances(chosen)
    average = float(fine.mean())
    if average <= 0:
        return _as_white((0.0,) * channels, channels, common, ())
    quiet = blocks.coefficients[_calmest(blocks, 150)][..., list(FINEST)].double()
    shared = _correlations(quiet, _variances(quiet))
    tied = float((shared - torch.eye(channels)).abs().max()) > TIED
    whole = common["chen"] ** 2
    if tied:
        single = [level.chen(v[c : c + 1], skip_clipped=True) ** 2 for v in views for c in range(channels)]
        whole = float(np.mean(single))
    if sum(v.shape[-1] * v.shape[-2] for v in views) < FEW:
        whole = max(whole, min(average, float(np.mean(np.square(common["mad"])))))
    variance = fine * (min(whole, SLACK * average) if whole > 0 else average) / average
    by_law = (law.gain * law.mean + law.offset).clamp_min(0)
    believed = (law.gain > 0) & (by_law < DOUBT * max(whole, 1e-12))
    law = replace(law, gain=torch.where(believed, law.gain, 0.0))
    sigma = torch.where(believed, by_law, variance).sqrt()
    report = _as_white(tuple(sigma.tolist()), channels, common, ())
    if tied:
        covariance = (shared * torch.outer(sigma, sigma)).numpy()
        report = replace(report, covariance=covariance, kernel=covariance[:, :, None, None])
    return _with_gain(report, law)


def _variances(coefficients: Tensor) -> Tensor:
    """Variance per channel of (B, C, K) coefficients, by the median of the squares."""
    return coefficients.square().median(0).values.mean(-1) / spectrum.MEDIAN


def _correlations(coefficients: Tensor, variance: Tensor) -> Tensor:
    """Correlation coefficients (C, C) between channels, from the variances of their sums and differences."""
    channels = coefficients.shape[1]
    result = torch.eye(channels).double()
    scaled = coefficients / variance.clamp_min(1e-30).sqrt()[:, None]
    for c in range(channels if channels <= MANY else 0):
        for d in range(c + 1, channels):
            pair = torch.stack([scaled[:, c] + scaled[:, d], scaled[:, c] - scaled[:, d]], 1)
            plus, minus = _variances(pair).tolist()
            result[c, d] = result[d, c] = (plus - minus) / max(plus + minus, 1e-30)
    return result


def _kernel(blocks: Blocks, classes: list[Tensor], color: bool) -> tuple[Tensor, bool]:
    """Covariance (C, C, 15, 15) of correlated noise over all brightness classes; whether JPEG shows.

    A colour picture is measured in opponent planes, where its noise is nearly uncorrelated. Texture lives in
    the luminance; camera noise lives in all planes alike. So the chroma, which texture hardly enters, bounds
    what may pass for noise in the luminance, unless JPEG has emptied the chroma: then it tells nothing.
    JPEG empties the fine luminance of flat blocks too, but not of others: it holds no less noise than the
    middling.
    """
    channels = blocks.coefficients.shape[1]
    opponent = color and channels == 3
    mixing = matrix(channels, color=opponent).double()
    planes = torch.einsum("dc,bck->bdk", mixing, blocks.coefficients.double())
    by_class = torch.stack([spectrum.robust(planes[c])[:, 1:].mean(1) for c in classes])
    level = torch.minimum(by_class, TEXTURED * _second(by_class)).mean(0)
    own = spectrum.robust(planes[torch.cat(classes)])
    own = own * (level / own[:, 1:].mean(1).clamp_min(1e-30))[:, None]
    compressed = False
    if opponent:
        squares = own.view(channels, spectrum.SIDE, spectrum.SIDE)
        tint = torch.einsum("dc,bc->bd", mixing, blocks.mean.double())[:, 1:].std(0)
        coloured = float(tint.max()) > COLOURLESS
        compressed = coloured and float(squares[1:, 5:, 5:].mean()) < SILENT
        if coloured and not compressed:
            coarse = squares[:, :3, :3].mean((1, 2))
            own[0] *= (LUMA**2 * coarse[1:].mean() / coarse[0].clamp_min(1e-30)).clamp(max=1)
        if compressed:
            own[0] = own[0].maximum(own[0, spectrum.MIDDLE].mean())
    return torch.einsum("ec,ed,eyx->cdyx", mixing, mixing, spectrum.to_kernel(own)), compressed


def _second(by_class: Tensor) -> Tensor:
    """The second smallest of (classes, C): one class may lie in the dark, where black cuts the noise off."""
    return by_class.sort(0).values[min(1, len(by_class) - 1)]


def _report(kernel: Tensor, law: _Law, common: dict[str, Any]) -> NoiseReport:
    middle = spectrum.LAGS
    covariance = kernel[:, :, middle, middle]
    variance = torch.stack([spectrum.to_variance(kernel[c, c]) for c in range(len(kernel))])
    lengths = [spectrum.correlation_length(kernel[c, c]) for c in range(len(kernel)) if covariance[c, c] > 0]
    report = NoiseReport(
        sigma=tuple(covariance.diagonal().clamp_min(0).sqrt().tolist()),
        gain=(0.0,) * len(kernel),
        offset=tuple(covariance.diagonal().tolist()),
        spectrum=variance.view(-1, spectrum.SIDE, spectrum.SIDE).numpy(),
        kernel=kernel.numpy(),
        covariance=covariance.numpy(),
        correlated=True,
        length_px=max(lengths, default=0.0),
        **common,
    )
    return _with_gain(report, law)


def _with_gain(report: NoiseReport, law: _Law) -> NoiseReport:
    """The report with the law of each channel, scaled to give the report's level at the mean brightness."""
    sigma = torch.tensor(report.sigma).double()
    factor = sigma.square() / (law.gain * law.mean + law.offset).clamp_min(1e-30)
    gain = torch.where(law.gain > 0, law.gain * factor, 0.0)
    offset = torch.where(law.gain > 0, law.offset * factor, sigma.square())
    return replace(report, gain=tuple(gain.tolist()), offset=tuple(offset.tolist()))


def _as_white(
    sigma: tuple[float, ...], channels: int, common: dict[str, Any], warnings: tuple[str, ...]
) -> NoiseReport:
    return replace(NoiseReport.white(sigma, channels), warnings=warnings, **common)


def _tiny(pixels: Tensor, scale: float) -> NoiseReport:
    """A picture under 16 pixels holds too few blocks: the MAD of its finest detail is all there is."""
    mad = torch.stack([level.mad(p) for p in pixels]).mean(0).tolist()
    common: dict[str, Any] = {"mad": tuple(mad), "clipped": _clipped(pixels), "scale": scale}
    size = f"{pixels.shape[-2]} x {pixels.shape[-1]}"
    note = f"the picture is only {size} pixels: the noise level is a rough guess"
    sigma = tuple(float(s) if math.isfinite(s) else 0.0 for s in mad)
    return _as_white(sigma, pixels.shape[1], common, (note,))
