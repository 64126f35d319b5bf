"""From pixels to the NoiseReport."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import devices
from pellucid.noise import apart, flat, impulses, level, paper, reading, screen, spectrum, values
from pellucid.noise import classes as spread
from pellucid.noise.apart import Believed
from pellucid.noise.brightness import FINE, Law, law_of, with_law
from pellucid.noise.colour import matrix
from pellucid.noise.flat import Blocks
from pellucid.noise.report import DRAWN, NoiseReport, words
from pellucid.noise.values import Values, rise

__all__ = ["analyse", "words"]

FINEST = tuple(8 * i + j for i in range(5, 8) for j in range(5, 8))
UNEVEN = 1.3
"""contraharmonic over arithmetic mean of a spectrum from which on pixels share the noise; 1 is white"""
AGREE = 0.12
"""difference of the logarithms of two variances that agree, beside what the network doubts"""
UNSURE = (0.22, 0.3)
"""doubt below which the network alone is believed, and from which on another reading counts wholly"""
GRAIN = (3.0, 4.5)
"""luminance noise over chroma noise: above the second it is the grain of a film"""
CALMEST = 0.01
TIED = 0.2  # correlation between channels from which on it counts
DOUBT = 8.0  # variance by the law over that read elsewhere; beyond it the law has followed texture
MOST = 1.4
"""variance that the network may read at most, of what the eigenvalues show; texture only adds to that"""
EMPTIED = (0.55, 0.75)
"""finest detail over what the eigenvalues show, below which JPEG has emptied it"""
TEXTURE = 0.7
"""of the logarithm of the variance from the eigenvalues: how much of it texture may be"""
SCATTERED = 0.97
"""share of the blocks with a hole from which on holes are scattered over the whole picture"""
GUESSED = 0.6
"""of the level that is believed, where every block is clipped, of what the network alone reads"""
PROOF = (0.35, 0.6)
"""doubt from which on, and wholly, a reading of shared noise needs the finest detail to bear it out"""
FAR = 1.5
"""how far it may then lie above the level of that"""
FINE_STEPS = 2.0
"""distances of neighbouring values above which the finest detail tells; below, JPEG has emptied it"""
LOST = (0.6, 1.1)
"""doubt from which on less is removed than was read, and from which on nothing"""
SURELY = (0.16, 0.32)
"""doubt up to which the network is sure, and from which on it is not"""
WIDER = 1.15
"""by which factor the noise may be wider than the values where they heap"""
RISING = 3.0
"""variance of the brighter classes over that of the darkest from which on it grows with the brightness"""
SLACK = 1.06  # how far the eigenvalues may exceed what fine detail shows


def analyse(pixels: Tensor, *, color: bool, scale: float = 255.0, holes: Tensor | None = None) -> NoiseReport:
    """Measure the noise of a picture or a stack: level, gain, spectrum, clipping, impulses, patterns.

    All of it follows a change a y + b of the values: the picture is first brought to its own contrast. The
    spectrum of the noise is read by a small network from statistics of 8x8 blocks (`noise.reading`). Where
    it is level the noise is white, and its level is that of Chen, Zhu and Heng (ICCV 2015) as far as the two
    agree: it is exacter, but knows white noise only.

    Args:
        pixels: (N, C, H, W) float32 in the working range.
        color: True when the channels are display colours.
        scale: stored units per working unit.
        holes: (N, H, W) pixels that are no part of the picture, or None.

    >>> noisy = 0.5 + 0.1 * torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> report = analyse(noisy, color=False)
    >>> report.correlated, round(report.level, 2)
    (False, 0.1)
    """
    return devices.alone(lambda: _analysed(pixels.detach().float().cpu(), color, scale, holes))


def _analysed(pixels: Tensor, color: bool, scale: float, holes: Tensor | None) -> NoiseReport:
    rows, columns = values.inside(pixels)
    pixels = pixels[..., rows, columns]
    holes = None if holes is None else holes[:, rows, columns]
    if min(pixels.shape[-2:]) < 2 * spectrum.SIDE:
        return _tiny(pixels, scale)
    views = flat.windows(pixels)
    hidden = flat.hidden(holes)
    salt = impulses.find(views)
    if salt is not None and salt.share > impulses.MUCH:  # what is beneath is measured, as if it were mended
        parts = [impulses.sound(view[None]) for view in views]
        views = [x[0] if bad is None else impulses.to_measure(x, bad)[0] for x, bad, _ in parts]
    seen = values.look(views, hidden)
    scattered = hidden is not None and seen.constant > SCATTERED and float(hidden[0].float().mean()) < 0.5
    if scattered:  # hardly a block is without one, so that what was put into them must do
        seen = values.look(views)
    low, span = seen.low, seen.span
    report = _framed([(v - low) / span for v in views], seen, color)
    report = replace(report, impulse=0.0 if salt is None else salt.share)
    if scattered:
        report = replace(report, warnings=(*report.warnings, "holes are everywhere: the level is a guess"))
    return replace(report.moved(span, low), scale=scale)


def with_contrast(report: NoiseReport, pixels: Tensor, *, holes: Tensor | None = None) -> NoiseReport:
    """A stated report of a picture (N, C, H, W), with the contrast of that picture."""
    views = flat.windows(pixels.detach().float().cpu())
    if min(views[0].shape[-2:]) < spectrum.SIDE:
        return report
    seen = values.look(views, flat.hidden(holes))
    return replace(report, low=seen.low, span=seen.span, body=seen.body, step=seen.step)


def _framed(views: list[Tensor], seen: Values, color: bool) -> NoiseReport:
    """The report of windows (C, h, w) of contrast 1."""
    channels = views[0].shape[0]
    floor, ceiling = ((end - seen.low) / seen.span for end in (seen.floor, seen.ceiling))
    step = seen.step / seen.span
    every = max(1, len(views) // 6)
    sample = views[::every]
    valid = [values.cover(u, v.shape[-2:]) for u, v in zip(seen.usable[::every], sample, strict=True)]
    pairs = list(zip(sample, valid, strict=True))
    drawn = seen.exact > DRAWN or seen.constant > 0.999
    tasks: tuple[Callable[[], Any], ...] = (
        lambda: [level.chen(v, floor=floor, ceiling=ceiling, valid=a) for v, a in pairs],
        lambda: torch.stack([level.mad(v, valid=a) for v, a in pairs]).mean(0),
        lambda: torch.stack([level.mad_per_scale(v) for v in sample[:2]]).mean(0),
        lambda: spectrum.periodic(sample),
        lambda: _clipped(views, floor, ceiling),
    )
    more: tuple[Callable[[], Any], ...] = (
        lambda: reading.read(views, seen.usable, color=color, span=1.0, step=step),
        lambda: flat.collect(views, seen.usable, floor=floor, ceiling=ceiling),
        lambda: apart.over(pairs, floor, ceiling) if color and channels == 3 else None,
    )
    *read, chens, mad, scales, periodic, clipped = devices.together(*(() if drawn else more), *tasks)
    joint = float(np.mean(chens))
    common = {
        "sigma_per_scale": tuple(tuple(row) for row in scales.tolist()),
        "mad": tuple(mad.tolist()),
        "chen": joint,
        "clipped": clipped,
        "periodic": periodic,
        "step": step,
        "body": seen.body / seen.span,
        "exact": seen.exact,
    }
    if drawn:
        return _as_white((0.0,) * channels, channels, common, ())
    found, blocks, differing = read
    classes = flat.calmest(blocks)
    if not classes and seen.exact > DRAWN / 2:  # nothing is left that could tell of noise
        return _as_white((0.0,) * channels, channels, common | {"exact": 1.0}, ())
    doubt = float(found.doubt.mean())
    common["doubt"] = doubt
    mixing = matrix(channels, color=color).double()
    evenness = found.variance.square().sum(1) / found.variance.sum(1).square() * spectrum.SIDE**2
    report = _spectral(found.variance, mixing, common)

    def careful(report: NoiseReport) -> NoiseReport:
        limits = [most / seen.span for most in (seen.most if report.correlated else seen.reduced)]
        # the dots of a print are as even as noise that pixels share
        unsure = max(doubt, LOST[1] * screen.screened(periodic) if report.correlated else 0.0)
        sure = _believed(report, limits, blocks, unsure)
        if not classes:  # what the eigenvalues show as well is no guess
            sure *= min(max(joint / max(report.level, 1e-12), GUESSED), 1.0)
        return replace(report.times(sure), doubt=unsure)

    pixels = sum(int(a.sum()) for a in valid)
    own = apart.believed(differing, joint, found.variance, step=step, pixels=pixels)
    alone = own is not None and own.rather
    if own is not None:
        common["chen"] = joint = own.joint
    uneven = float((evenness * found.variance.mean(1)).sum() / found.variance.mean(1).sum()) > UNEVEN
    if seen.palette and not uneven:  # white noise would show in the eigenvalues; texture in steps does not
        found = replace(found, variance=found.variance.clamp(max=joint**2))
        report = _spectral(found.variance, mixing, common)
    # noise that pixels share leaves the finest detail emptier than its level: else it is fine texture
    if classes and uneven and report.level > joint and not alone:
        # where calm blocks hold nothing but noise, what they hold is known better than by the network
        belief = spread.belief(blocks, color=color) * _open(found.variance, doubt)
        held = spread.variances(blocks, classes, color=color, step=step).clamp_min(1e-12)
        both = held**belief * found.variance.clamp_min(1e-12) ** (1 - belief)
        report = careful(_spectral(both, mixing, common))
    else:
        law = law_of(blocks, classes, apart=alone) if classes else None
        ends = (floor, ceiling)
        looked = (sample, valid)
        report = careful(_white(blocks, law, looked, channels, common, report, doubt, ends, uneven, own))
    belief = paper.belief(doubt, joint, found.level)
    page = None if belief < paper.LEAST_SAY else paper.find(views, step=step, floor=floor, ceiling=ceiling)
    if page is None or paper.agrees(report, page):
        return report
    return _blended(report, page.sigma, belief, common)


def _blended(
    report: NoiseReport, page: tuple[float, ...], belief: float, common: dict[str, Any]
) -> NoiseReport:
    """The report with a share of white noise of the levels of a page in place of what was read."""
    common = common | {"doubt": (1 - belief) * report.doubt + belief * paper.KNOWN, "paper": belief > 0.5}
    if belief == 1:
        return _as_white(page, len(page), common, ())
    square = np.square(page)
    kernel, middle = (1 - belief) * report.kernel, report.kernel.shape[-1] // 2
    kernel[:, :, middle, middle] += belief * np.diag(square)
    spectra = (1 - belief) * report.spectrum + belief * square[:, None, None]
    variance = np.diagonal(kernel[:, :, middle, middle])
    return replace(
        report,
        sigma=tuple(np.sqrt(variance).tolist()),
        offset=tuple(variance.tolist()),
        kernel=kernel,
        spectrum=spectra,
        covariance=kernel[:, :, middle, middle].copy(),
        doubt=common["doubt"],
        paper=common["paper"],
    )


def _believed(report: NoiseReport, limits: Sequence[float], blocks: Blocks, doubt: float) -> float:
    """How much of the level that was read to believe.

    Noise of one level can't be wider than the values where they heap, as those of paper do; only noise that
    grows with the brightness can. A reading of shared noise far above what the finest detail holds, where
    that was not emptied, needs to be sure. And where the network doubts its reading altogether, the picture
    is left alone: small dense text is such a case.
    """
    sure = 1 - rise(doubt, *LOST)
    far = report.level / max(FAR * report.chen, 1e-12)
    if report.correlated and report.chen > FINE_STEPS * report.step and far > 1:
        sure *= far ** -rise(doubt, *PROOF)
    wide = sum(min(limit, 10.0) ** 2 for limit in limits) / len(limits)
    level = WIDER * math.sqrt(wide)
    if report.level <= level or any(gain > 0 for gain in report.gain) or _rising(blocks):
        return sure
    return sure * level / report.level


def _rising(blocks: Blocks) -> bool:
    """Whether calm blocks hold more where the picture is brighter, as photons make it."""
    classes = flat.by_brightness(blocks)
    if len(classes) < 4:
        return False
    found = [float(reading.calm_energy(blocks.coefficients[c], list(FINE))[0].mean()) for c in classes]
    half = len(found) // 2
    return max(found[half:]) > RISING * max(found[0], 1e-12) and max(found[half:]) > max(found[:half])


def _open(variance: Tensor, doubt: float) -> float:
    """How far the network leaves room for another reading: it doubts, and no film has left its grain.

    Grain lies in the luminance alone, where the reading by classes takes it for texture.
    """
    level = variance.mean(1).sqrt()
    ratio = float(level[0] / level[1:].mean().clamp_min(1e-12)) if len(level) == 3 else 1.0
    return rise(doubt, *UNSURE) * (1 - rise(ratio, *GRAIN))


def _calmest(blocks: Blocks, least: int) -> Tensor:
    usable = int(torch.isfinite(blocks.calm).sum())
    count = min(usable, max(least, round(CALMEST * usable)))
    return blocks.calm.topk(count, largest=False).indices


def _clipped(views: list[Tensor], floor: float, ceiling: float) -> tuple[tuple[float, float], ...]:
    """Fractions at the least and at the largest value per channel, where values were cut off there."""
    count = sum(v[0].numel() for v in views)
    low = [sum(float((v[c] <= floor).sum()) for v in views) / count for c in range(views[0].shape[0])]
    high = [sum(float((v[c] >= ceiling).sum()) for v in views) / count for c in range(views[0].shape[0])]
    return tuple(zip(low, high, strict=True))


def _spectral(variance: Tensor, mixing: Tensor, common: dict[str, Any]) -> NoiseReport:
    """The report of noise that pixels share, from the variances (P, 64) of its planes."""
    kernel = torch.einsum("ec,ed,eyx->cdyx", mixing, mixing, spectrum.to_kernel(variance))
    middle = spectrum.LAGS
    covariance = kernel[:, :, middle, middle]
    own = torch.stack([spectrum.to_variance(kernel[c, c]) for c in range(len(kernel))])
    lengths = [spectrum.correlation_length(kernel[c, c]) for c in range(len(kernel)) if covariance[c, c] > 0]
    return NoiseReport(
        sigma=tuple(covariance.diagonal().clamp_min(0).sqrt().tolist()),
        gain=(0.0,) * len(kernel),
        offset=tuple(covariance.diagonal().clamp_min(0).tolist()),
        spectrum=own.view(-1, spectrum.SIDE, spectrum.SIDE).numpy(),
        kernel=kernel.numpy(),
        covariance=covariance.numpy(),
        correlated=True,
        length_px=max(lengths, default=0.0),
        **common,
    )


def _white(
    blocks: Blocks,
    law: Law | None,
    looked: tuple[list[Tensor], list[Tensor]],
    channels: int,
    common: dict[str, Any],
    read: NoiseReport,
    doubt: float,
    ends: tuple[float, float],
    textured: bool,
    own: Believed | None,
) -> NoiseReport:
    """White noise: its level from the patches' eigenvalues, shared out as fine detail tells.

    The channels may share noise; then the eigenvalues of all channels together tell the smallest of their
    combinations, and each channel is measured for itself. The less this agrees with what the network reads,
    the more the network counts, as far as it does not doubt itself; where the spectrum is uneven, as that of
    fine texture (`textured`), it counts alone. Where noise is surely the channels' `own`, that is believed.
    """
    if law is None:
        return _as_white(read.sigma, channels, common, ("every block is clipped: the level is a guess",))
    chosen = blocks.coefficients[law.calm][..., list(FINE)].double()
    fine = flat.variances(chosen)
    average = float(fine.mean())
    if average <= 0:
        return _as_white(read.sigma, channels, common, ())
    quiet = blocks.coefficients[_calmest(blocks, 150)][..., list(FINEST)].double()
    shared = flat.correlations(quiet, flat.variances(quiet))
    tied = float((shared - torch.eye(channels)).abs().max()) > TIED
    whole = common["chen"] ** 2
    views, valid = looked
    if tied:
        floor, ceiling = ends
        single = [
            level.chen(v[c : c + 1], floor=floor, ceiling=ceiling, valid=a) ** 2
            for v, a in zip(views, valid, strict=True)
            for c in range(channels)
        ]
        whole = float(np.mean(single))
    if sum(int(a.sum()) for a in valid) < level.FEW:
        whole = max(whole, min(average, float(np.mean(np.square(common["mad"])))))
    classic = min(whole, SLACK * average) if whole > 0 else average
    told = torch.tensor(read.sigma).double().square().clamp_min(1e-12)
    # where JPEG has emptied the finest detail, eigenvalues say as little as that does
    fair = _full(common["mad"], whole, doubt)
    told = told * min(1.0, MOST * whole / float(told.mean())) ** fair if whole > 0 else told
    distance = math.log(max(classic, 1e-12) / float(told.mean())) / (AGREE + 2 * doubt)
    share = 0.0 if textured else fair * max(math.exp(-(distance**2)), doubt**2 / (doubt**2 + TEXTURE**2))
    variance = (fine * classic / average).clamp_min(1e-12) ** share * told ** (1 - share)
    if own is not None:
        variance = own.mixed(variance)
    by_law = (law.gain * law.mean + law.offset).clamp_min(0)
    believed = (law.gain > 0) & (by_law < DOUBT * max(float(variance.mean()), 1e-12))
    law = replace(law, gain=torch.where(believed, law.gain, 0.0))
    sigma = torch.where(believed, by_law, variance).sqrt()
    report = _as_white(tuple(sigma.tolist()), channels, common, ())
    if tied:
        if own is not None:
            shared = shared + own.surely * (torch.eye(channels) - shared)
        covariance = (shared * torch.outer(sigma, sigma)).numpy()
        report = replace(report, covariance=covariance, kernel=covariance[:, :, None, None])
    return with_law(report, law)


def _full(mad: Sequence[float], whole: float, doubt: float) -> float:
    """How far eigenvalues count: not where the finest detail was emptied, and the network is sure.

    >>> _full((15.0,), 15.0**2, 0.1), _full((3.0,), 7.0**2, 0.1), _full((3.0,), 7.0**2, 0.5)
    (1.0, 0.0, 1.0)
    """
    ratio = math.sqrt(float(np.mean(np.square(mad))) / max(whole, 1e-30))
    return 1 - (1 - rise(ratio, *EMPTIED)) * (1 - rise(doubt, *SURELY))


def _as_white(
    sigma: tuple[float, ...], channels: int, common: dict[str, Any], warnings: tuple[str, ...]
) -> NoiseReport:
    return replace(NoiseReport.white(sigma, channels), warnings=warnings, **common)


def _tiny(pixels: Tensor, scale: float) -> NoiseReport:
    """A picture under 16 pixels holds too few blocks: the MAD of its finest detail is all there is."""
    mad = torch.stack([level.mad(p) for p in pixels]).mean(0).tolist()
    low, high = float(pixels.min()), float(pixels.max())
    common: dict[str, Any] = {"mad": tuple(mad), "scale": scale, "low": low, "span": max(high - low, 1e-12)}
    size = f"{pixels.shape[-2]} x {pixels.shape[-1]}"
    note = f"the picture is only {size} pixels: the noise level is a rough guess"
    sigma = tuple(float(s) if math.isfinite(s) else 0.0 for s in mad)
    return _as_white(sigma, pixels.shape[1], common, (note,))
