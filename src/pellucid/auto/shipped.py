"""The models that come with pellucid: which of them is for this noise, and how it is told of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import methods, models
from pellucid.auto.choice import Choice, stabiliser
from pellucid.noise.report import NoiseReport
from pellucid.noise.stabilise import Anscombe


class Unit:
    """A stabiliser whose values run from 0 at black to 1 at white, as networks know pictures.

    Args:
        inner: the stabiliser; it gives noise of standard deviation 1.

    Attributes:
        measured: the report in this domain.
        noise: what is told of it there; the same, unless somebody sets another.

    >>> report = replace(NoiseReport.white(0.1, 1), gain=(0.01,), offset=(0.0,))
    >>> unit = Unit(Anscombe(report))
    >>> unit.forward(torch.tensor([0.0, 1.0]).view(1, 1, 2)).flatten()
    tensor([0., 1.])
    """

    def __init__(self, inner: Anscombe) -> None:
        shape = (len(inner.noise.sigma), 1, 1)
        self._inner, self._black = inner, inner.forward(torch.zeros(shape))
        self._span = inner.forward(torch.ones(shape)) - self._black
        level = 1.0 / self._span.flatten().double().numpy()
        both, noise = np.outer(level, level), inner.noise
        self.measured = self.noise = replace(
            noise,
            sigma=tuple(level.tolist()),
            offset=tuple(np.square(level).tolist()),
            spectrum=noise.spectrum * np.square(level)[:, None, None],
            kernel=noise.kernel * both[:, :, None, None],
            covariance=noise.covariance * both,
        )

    def forward(self, image: Tensor) -> Tensor:
        """(C, H, W) in working units to the stabilised domain."""
        return (self._inner.forward(image) - self._black.to(image)) / self._span.to(image)

    def inverse(self, image: Tensor) -> Tensor:
        """Back to working units, without bias."""
        return self._inner.inverse(image * self._span.to(image) + self._black.to(image))


def kind_of(report: NoiseReport) -> str:
    """The kind of noise, a key of `models.KINDS`."""
    return "correlated" if report.correlated else "white"


def find(report: NoiseReport, *, color: bool, channels: int) -> tuple[Choice | None, tuple[str, ...], str]:
    """The shipped model for this noise.

    Returns:
        The choice, or None where no model is for it; notes for the user; and why a model for such images is
        not for this noise, in words, "" where there is none.
    """
    found, faults = models.cards()
    why_not: list[str] = []
    for path, card in found.items():
        fits = card.channels == channels and (channels == 1 or card.color == color)
        if not (fits and card.kinds):  # one without kinds is there to be asked for by name
            continue
        refusal = unfit(card, report)
        if refusal:
            why_not.append(f"model {path.stem} is not used: {refusal}")
            continue
        choice = with_model(path, card, report, color=color)
        return replace(choice, notes=tuple(faults)), tuple(faults), ""
    return None, tuple(faults), "; ".join(why_not)


def unfit(card: models.Card, report: NoiseReport) -> str:
    """Why a model is not for this noise, in words; "" where it is."""
    kind = kind_of(report)
    if kind not in card.kinds:
        return f"for {kind} noise it was not measured to be better"
    if card.sigma is None:
        return "its card states no levels of noise"
    low, high = card.sigma
    told = domain(report, card)[0]
    if told.level < low or max(told.sigma) > high:
        return (
            f"it was trained for levels of {255 * low:.3g} to {255 * high:.3g} of 255, not of "
            f"{255 * told.level:.3g}"
        )
    return ""


def domain(report: NoiseReport, card: models.Card) -> tuple[NoiseReport, Unit | None]:
    """What the model is told of the noise, and the change of values before and after it."""
    inner = stabiliser(report)
    around = None if inner is None else Unit(inner)
    seen = report if around is None else around.measured
    factor = card.strength.get(kind_of(report), 1.0)
    sigma = tuple(factor * s for s in seen.sigma)
    # One level for all brightnesses: photons' law was stabilised, and of developed noise none is left.
    flat = replace(seen, sigma=sigma, gain=(0.0,) * len(sigma), offset=tuple(s**2 for s in sigma))
    if around is not None:
        around.noise = flat
    return flat, around


def with_model(path: Path, card: models.Card, report: NoiseReport, *, color: bool) -> Choice:
    """The choice of a model.

    Args:
        path: its file.
        card: what it says about itself.
        report: of the noise, working units.
        color: whether the channels are display colours.
    """
    told, around = domain(report, card)
    config: Any = models.config_of(card, methods.load(card.method).config, path.name)
    kind = f"shared between pixels over {report.length_px:.1f} px" if report.correlated else "white"
    reason = (
        f"noise of standard deviation {report.level * report.scale:.3g}, {kind}: model {path.stem} "
        f"({card.method}, {card.claim}), measured to be better than filters at such noise"
    )
    if around is not None:
        reason += "; after a variance-stabilising transform, as it grows with the brightness"
    light = report.correlated and color and card.channels == 3
    if light:
        reason += "; brightness as that of a camera's picture"
    return Choice(
        method=card.method,
        config=config,
        noise=told,
        measured=report if around is None else around.measured,
        reason=reason,
        stabilise=around,
        model=str(path),
        light=light,
    )
