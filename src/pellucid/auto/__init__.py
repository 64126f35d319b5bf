"""From the NoiseReport to a method and its strength, with the reason in words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from pellucid import methods, models
from pellucid.auto.choice import Choice, Stabiliser, Unit, around, stabiliser
from pellucid.degradation import Kind
from pellucid.noise.analysis import LOST
from pellucid.noise.impulses import MUCH
from pellucid.noise.report import Counts, NoiseReport
from pellucid.noise.values import ROUNDING, rise

__all__ = [
    "Choice",
    "Stabiliser",
    "Unit",
    "around",
    "choose",
    "contrast",
    "faded",
    "nothing",
    "of_photons",
    "restorer",
    "stabiliser",
    "why",
]

TOGETHER = {"T": "vbm3d", "Z": "bm4d"}
"""what takes the slices of a stack together along an axis, where they help each other"""
# All levels are relative to the contrast of the picture, never to the range of its storage.
QUIET = (0.004, 0.009)
"""below the first nothing is removed, above the second everything; in between the level fades in"""
WIDE, SHOWN = 4.0, (5.0, 10.0)
"""contrast over what the middle four fifths of the values fill, beyond which a few bright values make it; and
that over the noise from which on it begins to show a picture, and shows nothing else"""
# Weaker white noise may as well be fine texture, on which the network gains little.
WORTH = 0.02
LEFT: dict[str, Any] = {"contrast": 1.0, "outlier": 10.0}
"""of `median`, where all that stood out has been replaced: the rest is left as it is"""
FEW = 2.0
"""photons per pixel below which bins show more than single pixels; above, a network beside BM3D does"""


def choose(
    report: NoiseReport,
    *,
    color: bool,
    channels: int,
    stated: bool = False,
    effort: str = "normal",
    mended: bool = False,
) -> Choice:
    """The method for this noise: none, an adaptive median for impulses, or (C)BM3D, alone or in `photo`.

    (C)BM3D filters at the measured spectrum. In a colour picture, and in a gray one, `photo` averages that
    with a small network.

    Args:
        report: of the noise.
        color: whether the channels are display colours.
        channels: of the image.
        stated: whether the user states the level; then it is obeyed, however weak.
        effort: quick lets the network work alone where there is one, best takes the slower presets. Neither
            changes what is decided about the noise.
        mended: whether its salt and pepper has been replaced already, so that what is beneath can be removed.

    >>> choose(NoiseReport.white(0.1, 1), color=False, channels=2).method
    'bm3d'
    >>> choose(NoiseReport.white(0.001, 1, scale=255), color=False, channels=1).reason
    'the noise (standard deviation 0.26) is too weak to be told from fine detail: nothing is removed'
    """
    if report.counts is not None and report.counts.mean < FEW and not stated:
        config = methods.load("photons").presets["fast"]
        return Choice(method="photons", config=config, noise=report, reason=of_photons(report.counts))
    if report.impulse > MUCH and not stated and not (mended and not nothing(report)):
        config = methods.load("median").presets["fast"]
        config = replace(config, **LEFT) if mended else config
        reason = f"{report.impulse:.1%} of the pixels are salt or pepper"
        return Choice(method="median", config=config, noise=report, reason=reason)
    if not stated:
        reason = nothing(report)
        if reason:
            return Choice(method="none", config=None, noise=report, reason=reason)
        report = report.times(faded(report) / report.level)
    picture = color and channels == 3
    photo = methods.load("photo")
    config = photo.presets[photo.preset_of(effort)]
    network = config.beside(report, color=color, channels=channels)
    strong = report.correlated or report.level >= WORTH * report.span or effort == "quick"
    worth = network != "none" and strong
    beside = worth and network in models.names()
    developed = picture and report.correlated
    name = "photo" if beside or developed else "bm3d"
    if name == "bm3d":
        config = methods.load("bm3d").presets["fast"]
    elif not beside:
        config = replace(config, network="none", student="none")
    notes: tuple[str, ...] = ()
    if worth and not beside:
        notes = (f"model {network} is missing: (C)BM3D works alone. Install pellucid again.",)
    elif developed and config.student not in ("none", *models.names()):
        notes = (f"model {config.student} is missing: {network} works in its place. Install pellucid again.",)
        config = replace(config, student="none")
    return Choice(
        method=name,
        config=config,
        noise=report,
        reason=why(
            report,
            color=picture,
            beside=beside,
            alone=beside and config.share == 1,
            alike=name == "photo" and picture and report.correlated and config.nlh_share > 0,
        ),
        stabilise=around(name, report),
        notes=notes,
    )


def of_photons(counts: Counts) -> str:
    """What is done about counts of few photons, in words."""
    return (
        f"counts of few photons ({counts.mean:.2g} per pixel, their variance is their mean): BM3D of counts "
        "in bins, after a variance-stabilising transform, and from there to single pixels"
    )


def nothing(report: NoiseReport) -> str:
    """Why nothing is to be removed, in words; "" where there is noise to remove.

    >>> nothing(NoiseReport.white(0.1, 1))
    ''
    """
    if report.drawn:
        return (
            "flat parts reach exactly flat up to what is drawn on them, which no noise would leave: nothing "
            "is removed"
        )
    if report.doubt >= LOST[1]:
        return "what is noise here and what is drawn can't be told apart: nothing is removed"
    level = f"the noise (standard deviation {report.level * report.scale:.2g})"
    if report.level <= ROUNDING * report.step:
        return f"{level} is less than the distance of neighbouring values: nothing is removed"
    if faded(report) <= 0:
        return f"{level} is too weak to be told from fine detail: nothing is removed"
    return ""


def faded(report: NoiseReport) -> float:
    """The level at which to filter: that of the report, less where it is weak, 0 where nothing is.

    With u = log(level / contrast) the share taken off rises smoothly from 0 at the first of `QUIET` to 1 at
    the second, so that two pictures on both sides of a limit get nearly the same.

    >>> round(faded(NoiseReport.white(0.1, 1)), 6), faded(NoiseReport.white(0.001, 1))
    (0.1, 0.0)
    """
    if report.level <= 0:
        return 0.0
    return report.level * rise(math.log(report.level / contrast(report)), *map(math.log, QUIET))


def contrast(report: NoiseReport) -> float:
    """What weak noise is compared with: the span, or less where few bright values make most of it.

    In light as it is (floats of HDR) a lamp is a thousand times as bright as what is beside it, where noise
    shows nevertheless.

    >>> report = NoiseReport.white(0.001, 1)
    >>> contrast(replace(report, body=0.4)), round(contrast(replace(report, body=0.05)), 6)
    (1.0, 0.2)
    """
    bounded = WIDE * report.body
    if not 0 < bounded < report.span or report.level <= 0:
        return report.span
    sure = rise(math.log(report.body / report.level), *map(math.log, SHOWN))
    return math.exp((1 - sure) * math.log(report.span) + sure * math.log(bounded))


def restorer(kind: Kind, report: NoiseReport) -> Choice:
    """The method for a known degradation, and why.

    Args:
        kind: "mask" or "downsample".
        report: of the noise.

    >>> restorer("downsample", NoiseReport.white(0.0, 1)).method
    'zssr'
    """
    if kind == "mask":
        name, reason = "idbp", "missing pixels are estimated from similar patches of this picture"
    else:
        name, reason = "zssr", "what the picture lacks is learnt from smaller versions of itself"
    config = methods.load(name).for_kind(kind).presets["fast"]
    return Choice(method=name, config=config, noise=report, reason=reason)


def why(report: NoiseReport, *, color: bool, beside: bool, alone: bool = False, alike: bool = False) -> str:
    """What BM3D does about this noise, and what stands beside it or in its place, in words."""
    if alone:
        name, by_spectrum = "a small network", "told a white level of the same strength"
    else:
        name, by_spectrum = "CBM3D" if color else "BM3D", "by the measured spectrum"
    stabilised = stabiliser(report) is not None
    kind = (
        f"shared between pixels over {report.length_px:.1f} px: {name} {by_spectrum}"
        if report.correlated
        else f"white: {name} at this level"
    )
    reason = f"noise of standard deviation {report.level * report.scale:.3g}, {kind}"
    if beside and not alone:
        reason += ", averaged with a small network"
        reason += " and with NLH, as far as pixels share the noise" if alike else ""
    if report.counts is not None:
        reason = f"counts of few photons ({report.counts.mean:.2g} per pixel): {reason}"
    if stabilised:
        reason += ", after a variance-stabilising transform, as it grows with the brightness"
    return reason
