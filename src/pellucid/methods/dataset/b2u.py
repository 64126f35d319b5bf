"""Blind2Unblind: blind predictions of all pixels, held together with one that sees them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid import fields
from pellucid.learning import (
    ADAM,
    Batch,
    Learning,
    Loss,
    TrainingConfig,
    TrainingProgress,
    apply,
    extras_off,
    why_fast,
)
from pellucid.methods.dataset.hiding import blind, hidden
from pellucid.methods.dataset.plain import build
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.noise.report import NoiseReport
from pellucid.noise.sigma_map import sigma_map
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of Blind2Unblind; the defaults are those of preset fast."""

    network: str = "small-unet"
    """network, by its name in `pellucid.networks`"""
    steps: int = 3000
    """steps of the optimiser"""
    batch: int = 2
    """crops per step; the network sees grid² times as many"""
    weight_decay: float = 1e-8
    """added to the gradient, as Adam does"""
    grid: int = fields.option(4, low=2, high=16)
    """side of the cells; one pixel of each is hidden at a time"""
    alpha: float = fields.option(1.0, low=0)
    """weight of the blind term"""
    beta: float = fields.option(2.0, low=0)
    """weight of the visible prediction at the start"""
    last_beta: float = fields.option(20.0, low=0)
    """that weight at the end, and in the result"""
    held: float = fields.option(0.4, low=0, high=1)
    """share of the training for which beta stays; 0.4 for noise of many levels, raw, fluorescence"""
    inference: str = fields.option("both", choices=("both", "visible", "blind"))
    """both (the mean of the blind and the visible prediction; grid² + 1 passes), visible or blind"""


def beta_at(config: Config, fraction: float) -> float:
    """beta: constant at first, then on a straight line to its last value.

    >>> [beta_at(Config(held=0.8), f) for f in (0.0, 0.8, 1.0)], round(beta_at(Config(held=0.8), 0.9), 6)
    ([2.0, 2.0, 20.0], 11.0)
    """
    if fraction <= config.held:
        return config.beta
    return config.beta + (config.last_beta - config.beta) * (fraction - config.held) / (1 - config.held)


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """|h + b f(y) - (1 + b) y|² + a |h - y|², f(y) without gradient (equations 11 and 12).

    h puts together what the network makes of each pixel while that is hidden. f(y), which sees all, pulls h
    towards it without teaching the network the identity.

    Args:
        network: f.
        batch: noisy y, and sigma where the network asks for the level.
        config: the configuration.
        progress: where the training stands, for b.
        generator: nothing is drawn.

    Source: Wang, Liu, Li, Han, "Blind2Unblind", CVPR 2022.
    """
    noisy, cells = batch.noisy, config.grid**2
    given, places = zip(*(hidden(noisy, index, config.grid) for index in range(cells)), strict=True)
    sigma = None if batch.sigma is None else batch.sigma.repeat(cells, 1, 1, 1)
    outputs = apply(network, torch.cat(given), sigma).view(cells, *noisy.shape)
    seen_blind = (outputs * torch.stack(places)[:, None, None]).sum(0)
    with torch.no_grad():
        visible = apply(network, noisy, batch.sigma)
    beta = beta_at(config, progress.fraction)
    off = seen_blind - noisy
    revealed = (off + beta * (visible - noisy)).square().mean()
    plain = off.square().mean()
    return Loss(
        value=revealed + config.alpha * plain,
        parts={"revealed": revealed.detach(), "blind": plain.detach(), "beta": plain.new_tensor(beta)},
        pictures={"noisy": noisy, "blind": seen_blind.detach(), "visible": visible},
    )


def predict(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Config,
    *,
    generator: torch.Generator,
) -> Tensor:
    """(h + b f(y)) / (1 + b) with the last b (equation 13), or one of the two; nothing is drawn."""
    with torch.no_grad():
        sigma = sigma_map(noisy, noise)
        if config.inference == "visible":
            return apply(network, noisy, sigma)
        unseen = blind(network, noisy, sigma, config.grid)
        if config.inference == "blind":
            return unseen
        return (unseen + config.last_beta * apply(network, noisy, sigma)) / (1 + config.last_beta)


LEARNING = Learning(sees="noisy", build=build, objective=objective, predict=predict, halo=64, stride=32)

PAPER = Paper(
    citation="Wang, Liu, Li, Han, CVPR 2022, and their code",
    states=stated(
        network=("b2u-unet", "code"),
        steps=(1_108_200, "code: 100 rounds of 44,328 pictures"),
        batch=(4, "code"),
        patch=(128, "code"),
        learning_rate=(3e-4, "code; 1e-4 for raw and fluorescence pictures"),
        weight_decay=(1e-8, "code"),
        decay=("halves", "code: every 20 rounds"),
        grid=(4, "code"),
        alpha=(1.0, "code"),
        beta=(2.0, "code"),
        last_beta=(20.0, "code"),
        held=(0.8, "code, for noise of one level; 0.4 for many levels, raw, fluorescence"),
        inference=("both", "equation 13"),
    ),
    open=ADAM,
    ours=extras_off("weight_decay"),
)

B2U = Method(
    **described("b2u"),
    config=Config,
    steps=steps_of("b2u", LEARNING, Config),
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures=why_fast("steps", "batch", "patch", "learning_rate", "decay")
    | {
        "network": "a network that two cores can train; one that takes noise off its input hands on a "
        "pixel that it sees, so this one gives the picture",
        "held": "as the authors for noise of many levels",
    },
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    needs_model=True,
    learning=LEARNING,
)
