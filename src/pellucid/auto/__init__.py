"""From the NoiseReport to a method and its strength, with the reason in words."""

from __future__ import annotations

from dataclasses import replace

from pellucid import methods, models
from pellucid.auto.choice import Choice, Stabiliser, Unit, around, stabiliser
from pellucid.degradation import Kind
from pellucid.noise.report import NoiseReport

__all__ = ["Choice", "Stabiliser", "Unit", "around", "choose", "quiet", "restorer", "stabiliser", "why"]

QUIET_COLOR = 3.0 / 255  # in a colour picture, weaker "noise" is mostly fine texture, and hardly seen
QUIET_JPEG = 0.6 / 255  # in a camera's JPEG, where what is left of the noise looks blotchy
QUIET_GRAY = 1.5 / 255  # in an 8-bit gray picture
QUIET_DEEP = 0.1 / 255  # in deeper data, which may use a small part of its range
# Weaker white noise may as well be fine texture. The network gains little on it and takes more off a clean
# picture than CBM3D does: Baboon as it is came back with 33.8 dB, by CBM3D alone with 36.4 dB.
WORTH = 10.0 / 255
IMPULSES = 0.005  # fraction of pixels; from here on salt and pepper is the worst of the noise


def choose(report: NoiseReport, *, color: bool, channels: int, stated: bool = False) -> Choice:
    """The method for this noise: none, an adaptive median for impulses, or (C)BM3D, alone or in `photo`.

    (C)BM3D filters at the measured spectrum. In a colour picture, and in a gray one with white noise, `photo`
    averages that with a small network; noise that pixels of a colour picture share comes from a camera, and
    `photo` knows what else that did to it.

    Args:
        report: of the noise.
        color: whether the channels are display colours.
        channels: of the image.
        stated: whether the user said what the level is: then it is never too weak.

    >>> choose(NoiseReport.white(0.1, 1), color=False, channels=2).method
    'bm3d'
    >>> choose(NoiseReport.white(0.001, 1, scale=255), color=False, channels=1).reason
    'the noise (standard deviation 0.26 of 255) is too weak to be seen: nothing is removed'
    """
    if report.impulse > IMPULSES:
        config = methods.load("median").presets["fast"]
        reason = f"{report.impulse:.1%} of the pixels are salt or pepper"
        return Choice(method="median", config=config, noise=report, reason=reason)
    if not stated and report.level < quiet(report, color=color):
        level = f"standard deviation {report.level * 255:.2g} of 255"
        reason = f"the noise ({level}) is too weak to be seen: nothing is removed"
        return Choice(method="none", config=None, noise=report, reason=reason)
    picture = color and channels == 3
    config = methods.load("photo").presets["fast"]
    network = config.beside(report, color=color, channels=channels)
    worth = network != "none" and (report.correlated or report.level >= WORTH)
    beside = worth and network in models.names()
    missing = f"model {network} is missing: (C)BM3D works alone. Install pellucid again."
    developed = picture and report.correlated
    name = "photo" if beside or developed else "bm3d"
    if name == "bm3d":
        config = methods.load("bm3d").presets["fast"]
    elif not beside:
        config = replace(config, network="none")
    return Choice(
        method=name,
        config=config,
        noise=report,
        reason=why(report, color=picture, beside=beside),
        stabilise=around(name, report),
        notes=(missing,) if worth and not beside else (),
    )


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


def quiet(report: NoiseReport, *, color: bool) -> float:
    """The level below which nothing is removed, working units."""
    if color:
        return QUIET_JPEG if report.compressed else QUIET_COLOR
    return QUIET_GRAY if report.scale == 255 else QUIET_DEEP


def why(report: NoiseReport, *, color: bool, beside: bool) -> str:
    """What BM3D does about this noise, and what stands beside it, in words."""
    name = "CBM3D" if color else "BM3D"
    stabilised = stabiliser(report) is not None
    kind = (
        f"shared between pixels over {report.length_px:.1f} px: {name} by the measured spectrum"
        if report.correlated
        else f"white: {name} at this level"
    )
    reason = f"noise of standard deviation {report.level * report.scale:.3g}, {kind}"
    if beside:
        reason += ", averaged with a small network"
    if color and report.correlated:
        reason += ", and the brightness of a camera's picture"
    if stabilised:
        reason += ", after a variance-stabilising transform, as it grows with the brightness"
    return reason
