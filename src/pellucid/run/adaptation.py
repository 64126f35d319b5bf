"""Fine-tunes a model on the image at hand, without truth, and keeps that only where a score says so."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from pellucid import fields, models, seeds
from pellucid.engine import adam, descend, placed
from pellucid.learning import apply
from pellucid.models.applying import factors, report_in, scale_of
from pellucid.noise.report import NoiseReport
from pellucid.noise.sigma_map import sigma_map
from pellucid.noise.synthetic import Redraw
from pellucid.request import Denoise
from pellucid.run import blind
from pellucid.run.blind import View
from pellucid.run.state import Progress

if TYPE_CHECKING:
    from pellucid.run.state import State

FEWEST = 100
"""held-out pixels below which no score is worth anything"""
SURE = 1.0
"""standard errors of the difference by which the score must improve"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """How a model is fitted to an image; each is set by its name after `adapt.`, as in adapt.steps."""

    steps: int = fields.option(0, low=0)
    """steps of the optimiser; 0 for as many as the time allows"""
    learning_rate: float = fields.option(1e-4, low=0, low_open=True)
    """of Adam at the start; it falls to 0 as a cosine"""
    patch: int = fields.option(96, low=8)
    """side of the crops, pixels"""
    batch: int = fields.option(2, low=1)
    """crops per step"""
    perturbation: float = fields.option(0.3, low=0, high=2, low_open=True, aliases=("shake",))
    """standard deviation of the noise that is added, in units of that of the image"""

    def __post_init__(self) -> None:
        fields.check(self)


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """What came of it.

    Attributes:
        kept: whether the fitted weights are better.
        before: mean of `blind.errors` with the model as it is.
        after: the same with the fitted weights.
        error: standard error of their difference.
        pixels: held out.
        steps: done.
        seconds: spent, the scores included.
        interrupted: whether the user ended it.
        weights: the state dict to use, or None where the model stays as it is.
        words: the outcome, for the user.
    """

    kept: bool
    before: float
    after: float
    error: float
    pixels: int
    steps: int
    seconds: float
    interrupted: bool
    words: str
    weights: Mapping[str, Tensor] | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        names = ("kept", "before", "after", "error", "pixels", "steps", "seconds", "interrupted")
        values = {name: getattr(self, name) for name in names}
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}


def adapt(state: State) -> State:
    """The stage: the model of the settings fine-tuned on all slices at once, where that was asked for."""
    request, settings, method = state.request, state.settings, state.method
    if not isinstance(request, Denoise) or request.adapt is None:
        return state
    if method is None or method.learning is None or settings.model is None:
        return replace(state, notes=(*state.notes, "adapt did nothing: nothing was removed"))
    model = models.load(settings.model, method.name, method.learning, method.config)
    adapted = fine_tune(
        model.network,
        [view for image in state.noisy for view in views_of(image, state.noise, model.card)],
        settings.adaptation,
        seconds=request.adapt,
        seed=request.seed,
        device=settings.device,
        watch=_told(state, request.adapt),
    )
    return replace(state, adapted=adapted, notes=(*state.notes, adapted.words))


def _told(state: State, limit: float) -> Callable[[int, Tensor], None] | None:
    """Reports the steps of the fit to whoever watches the run."""
    if state.progress is None:
        return None
    watch, total, started = state.progress, state.settings.adaptation.steps or None, time.perf_counter()
    return lambda step, loss: watch(
        Progress(
            slice=1,
            slices=1,
            iteration=step,
            total=total,
            phase="adapt",
            loss=loss,
            statistic=None,
            seconds=time.perf_counter() - started,
            limit=limit,
        )
    )


def views_of(image: Tensor, noise: NoiseReport, card: models.Card) -> list[View]:
    """One slice (C, H, W) as the network takes it: whole, or channel by channel for a model of one.

    Args:
        image: working units.
        noise: its report.
        card: of the model.

    Raises:
        ValueError: when the model takes another number of channels.
    """
    if len(image) != card.channels and card.channels != 1:
        raise ValueError(
            f"this model is for {card.channels} channels, the image has {len(image)}. Use another model."
        )
    scale = scale_of(card, noise.scale)
    mean, std = factors(card)
    center, spread = float(mean.mean()), float(std.square().mean().sqrt())
    alone = len(image) != card.channels
    groups = list(image[:, None]) if alone else [image]
    reports = [_channel(noise, number) for number in range(len(groups))] if alone else [noise]
    return [
        View(noisy=(group * scale - mean) / std, noise=report_in(report, center, spread, scale))
        for group, report in zip(groups, reports, strict=True)
    ]


def _channel(noise: NoiseReport, number: int) -> NoiseReport:
    """The report of one channel."""
    one = slice(number, number + 1)
    return replace(
        noise,
        sigma=noise.sigma[one],
        gain=noise.gain[one],
        offset=noise.offset[one],
        spectrum=np.asarray(noise.spectrum[one]),
        kernel=np.asarray(noise.kernel[one, one]),
        covariance=np.asarray(noise.covariance[one, one]),
    )


def fine_tune(
    network: nn.Module,
    views: Sequence[View],
    config: Config,
    *,
    seconds: float,
    seed: int,
    device: torch.device,
    watch: Callable[[int, Tensor], None] | None = None,
) -> Adapted:
    """Fine-tune a network on pictures, and say whether it is better for it.

    Small noise z like that of the picture, scaled by a, is added and subtracted, and

        mean of |f(y ± a z) - y|² + (f(y + a z) - f(y - a z)) z / a

    is descended. Its mean over z is Stein's estimate of the error of f(y), plus a constant, to first order.
    Whether that helped is told by pixels that the fit never used, neither as input nor as target, each
    predicted from beyond the reach of its own noise (`blind.errors`).

    Args:
        network: with its weights; left as it is.
        views: the pictures, in its units.
        config: how.
        seconds: at most so long, the scores included.
        seed: of every draw.
        device: where.
        watch: called with the step and its loss.

    Source: Stein, Annals of Statistics 1981; Ramani, Blu, Unser, "Monte-Carlo SURE", IEEE TIP 2008, with
    noise of the picture's own covariance; held-out pixels after Batson and Royer, "Noise2Self", ICML 2019.
    """
    started = time.perf_counter()
    radius = max(blind.radius_of(v.noise) for v in views)
    parts = blind.windows(views)
    own = placed(copy.deepcopy(network).eval().requires_grad_(True), device)
    parts = [replace(p, noisy=p.noisy.to(device)) for p in parts]
    before = blind.errors(_estimate(own), parts, radius)
    if len(before) < FEWEST:
        return _verdict(before, before, 0, started, interrupted=False, weights=None)
    scoring = time.perf_counter() - started
    stopped = False
    done = 0
    try:
        for step, loss in _descent(
            own, views, parts, radius, config, seed, device, started, seconds - scoring
        ):
            done = step
            if watch is not None:
                watch(step, loss)
    except KeyboardInterrupt:
        stopped = True
    after = blind.errors(_estimate(own), parts, radius)
    weights = {name: value.detach().cpu() for name, value in own.state_dict().items()}
    return _verdict(before, after, done, started, interrupted=stopped, weights=weights)


def _descent(
    network: nn.Module,
    views: Sequence[View],
    parts: Sequence[View],
    radius: int,
    config: Config,
    seed: int,
    device: torch.device,
    started: float,
    until: float,
) -> Any:
    """Yield the number and the loss of each step; at least one is done."""
    optimizer = adam(network.parameters(), config.learning_rate)
    generator = seeds.generator(seed, "adapt")
    pictures = blind.without(views, parts, radius)
    sources = {id(view): Redraw(view.noise) for view in views}
    step = 0
    first = time.perf_counter()
    while True:
        now = time.perf_counter()
        share = step / config.steps if config.steps else (now - first) / max(until - (first - started), 1e-9)
        if step and (share >= 1 or now - started >= until):
            return
        rate = config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
        loss = torch.zeros((), device=device)
        for _ in range(config.batch):
            number = int(torch.randint(len(views), (), generator=generator))
            loss = loss + _loss(network, views[number], pictures[number], sources, config, generator, device)
        loss = loss / config.batch
        descend(optimizer, loss, learning_rate=rate)
        step += 1
        yield step, loss.detach()


def _loss(
    network: nn.Module,
    view: View,
    picture: tuple[Tensor, Tensor],
    sources: Mapping[int, Redraw],
    config: Config,
    generator: torch.Generator,
    device: torch.device,
) -> Tensor:
    """The loss on one crop, in units of the variance of the noise."""
    height, width = picture[0].shape[-2:]
    size = [min(side, config.patch) for side in (height, width)]
    top, left = (
        int(torch.randint(side - cut + 1, (), generator=generator))
        for side, cut in zip((height, width), size, strict=True)
    )
    inside = (slice(top, top + size[0]), slice(left, left + size[1]))
    noisy = picture[0][:, inside[0], inside[1]].to(device)[None]
    free = picture[1][inside[0], inside[1]].to(device)
    spread = _level(noisy, view.noise)
    z = spread * sources[id(view)].draw(size[0], size[1], generator).to(device)
    told = sigma_map(noisy, view.noise)
    more = math.sqrt(1 + config.perturbation**2)
    both = torch.cat([noisy + config.perturbation * z, noisy - config.perturbation * z])
    sigma = None if told is None else (more * told).expand(2, *told.shape[1:])
    up, down = apply(network, both, sigma).chunk(2)
    fidelity = 0.5 * ((up - noisy).square() + (down - noisy).square())
    divergence = (up - down) * z / config.perturbation
    variance = spread.square().mean().clamp_min(1e-12)
    return ((fidelity + divergence) * free).mean() / variance


def _level(noisy: Tensor, noise: NoiseReport) -> Tensor:
    found = sigma_map(noisy, noise)
    return torch.zeros_like(noisy[:, :, :1, :1]) if found is None else found


def _estimate(network: nn.Module) -> Callable[[View], Tensor]:
    def estimate(view: View) -> Tensor:
        with torch.no_grad():
            noisy = view.noisy[None]
            return apply(network, noisy, sigma_map(noisy, view.noise))[0].float()

    return estimate


def _verdict(
    before: Tensor,
    after: Tensor,
    steps: int,
    started: float,
    *,
    interrupted: bool,
    weights: Mapping[str, Tensor] | None,
) -> Adapted:
    """Whether the fit is kept, and the words for it."""
    gain = before - after
    count = len(gain)
    error = float(gain.std() / math.sqrt(count)) if count >= FEWEST else math.nan
    scores = [float(s.mean()) if count >= FEWEST else math.nan for s in (before, after)]
    kept = weights is not None and bool(gain.mean() > SURE * error)
    spent = time.perf_counter() - started
    if count < FEWEST:
        words = (
            "the model was used as it is: the image is too small to tell whether adapting helps "
            f"({count} pixels can be held out, {FEWEST} are needed)"
        )
    else:
        words = (
            f"{'adapted' if kept else 'not adapted'} to this image after {steps} steps: the error at {count} "
            f"pixels that it never saw went from {scores[0]:.4g} to {scores[1]:.4g} of the noise variance (± "
            f"{error:.1g}; 1 is perfect)"
        )
    return Adapted(
        kept=kept,
        before=scores[0],
        after=scores[1],
        error=error,
        pixels=count,
        steps=steps,
        seconds=round(spent, 2),
        interrupted=interrupted,
        words=words,
        weights=weights if kept else None,
    )
