"""Blind2Unblind: blind predictions of all pixels, held together with one that sees them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid import checks
from pellucid.learning import Batch, Learning, Loss, Progress, Recipe, apply
from pellucid.methods.dataset.hiding import blind, hidden
from pellucid.methods.dataset.plain import build
from pellucid.models import steps_of
from pellucid.noise.report import NoiseReport
from pellucid.noise.sigma_map import sigma_map
from pellucid.steps import Method, Tiling


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """Configuration of Blind2Unblind; the defaults are the authors' for noise of one level."""

    network: str = "b2u-unet"
    """network, by its name in `pellucid.networks`"""
    steps: int = 1_108_200
    """steps of the optimiser; 100 rounds of 44,328 pictures"""
    batch: int = 4
    """crops per step; the network sees grid² times as many"""
    learning_rate: float = 3e-4
    """of Adam; the authors take 1e-4 for raw and fluorescence pictures"""
    weight_decay: float = 1e-8
    """added to the gradient, as Adam does"""
    decay: str = "halves"
    """learning rate in time: constant, linear, ramp (cosine in the last 30 %), halves (each fifth), cosine"""
    grid: int = 4
    """side of the cells; one pixel of each is hidden at a time"""
    alpha: float = 1.0
    """weight of the blind term"""
    beta: float = 2.0
    """weight of the visible prediction at the start"""
    last_beta: float = 20.0
    """that weight at the end, and in the result"""
    held: float = 0.8
    """share of the training for which beta stays; 0.4 for noise of many levels, raw, fluorescence"""
    inference: str = "both"
    """both (the mean of the blind and the visible prediction; grid² + 1 passes), visible or blind"""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.in_range("grid", self.grid, 2, 16)
        checks.in_range("alpha", self.alpha, 0)
        checks.in_range("beta", self.beta, 0)
        checks.in_range("last_beta", self.last_beta, 0)
        checks.in_range("held", self.held, 0, 1)
        checks.one_of("inference", self.inference, ("both", "visible", "blind"))


def beta_at(config: Config, fraction: float) -> float:
    """beta: constant at first, then on a straight line to its last value.

    >>> [beta_at(Config(), f) for f in (0.0, 0.8, 1.0)], round(beta_at(Config(), 0.9), 6)
    ([2.0, 2.0, 20.0], 11.0)
    """
    if fraction <= config.held:
        return config.beta
    return config.beta + (config.last_beta - config.beta) * (fraction - config.held) / (1 - config.held)


def objective(
    network: nn.Module, batch: Batch, config: Config, *, progress: Progress, generator: torch.Generator
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

B2U = Method(
    name="b2u",
    title="Blind2Unblind: blind predictions of all pixels, then one that sees them (`pellucid train b2u`)",
    citation="Wang, Liu, Li, Han, CVPR 2022",
    needs="a folder",
    family="data set",
    config=Config,
    steps=steps_of("b2u", LEARNING, Config),
    presets={
        "paper": Config(),
        # A network that takes noise off its input hands on a pixel that it sees; one that gives the picture
        # out keeps what it learnt while the pixel was hidden.
        "fast": Config(
            network="small-unet", steps=3000, batch=2, patch=64, learning_rate=1e-3, decay="cosine", held=0.4
        ),
    },
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    cost="12 s to 100 s, by network; 0.3 s to 5 s with inference=visible",
    needs_model=True,
    learning=LEARNING,
)
