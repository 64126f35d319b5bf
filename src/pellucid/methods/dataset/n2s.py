"""Noise2Self: hide a grid of pixels, predict them from the others."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    """Configuration of Noise2Self.

    Network, grid and loss are those of the authors' notebook on a single picture; preset `notebook` has its
    schedule too. For sets of pictures the schedule is ours.
    """

    grid: int = fields.option(4, low=2, high=16)
    """side of the cells; one pixel of each is hidden at a time"""
    inference: str = fields.option("blind", choices=("blind", "whole"))
    """blind (every pixel is predicted from the others alone; grid² passes) or whole (one pass)"""


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """Mean of |f(y with J hidden) - y|² over the hidden pixels J; the phases take turns.

    A function whose result at J does not depend on y at J cannot learn noise that is independent from pixel
    to pixel: its loss is its error plus the variance of the noise (proposition 1).

    Args:
        network: f.
        batch: noisy y, and sigma where the network asks for the level.
        config: the configuration.
        progress: whose step chooses the phase.
        generator: nothing is drawn.

    Source: Batson, Royer, "Noise2Self: Blind Denoising by Self-Supervision", ICML 2019.
    """
    index = progress.step % config.grid**2
    given, where = hidden(batch.noisy, index, config.grid)
    output = apply(network, given, batch.sigma)
    squares = (output - batch.noisy).square() * where
    value = squares.mean() / where.float().mean()
    pictures = {"noisy": batch.noisy, "hidden": given, "output": output.detach()}
    return Loss(value=value, parts={"hidden": value.detach()}, pictures=pictures)


def predict(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Config,
    *,
    generator: torch.Generator,
) -> Tensor:
    """The blind prediction, or that of the whole picture; nothing is drawn."""
    with torch.no_grad():
        sigma = sigma_map(noisy, noise)
        if config.inference == "whole":
            return apply(network, noisy, sigma)
        return blind(network, noisy, sigma, config.grid)


LEARNING = Learning(sees="noisy", build=build, objective=objective, predict=predict, halo=64, stride=32)

PAPER = Paper(
    citation="Batson, Royer, ICML 2019, and their notebook on single pictures",
    states=stated(
        network=("dncnn-8", "notebook"),
        grid=(4, "notebook"),
        inference=("blind", "text: a J-invariant function"),
    ),
    open=stated(
        steps=(50_000, "the notebook's 500 on one picture are preset `notebook`; for sets it is ours"),
        batch=(16, "see steps"),
        patch=(64, "see steps"),
        learning_rate=(1e-3, "see steps"),
        decay=("cosine", "see steps"),
        **ADAM,
    ),
    ours=extras_off(),
)

N2S = Method(
    **described("n2s"),
    config=Config,
    steps=steps_of("n2s", LEARNING, Config),
    presets={
        "paper": PAPER.preset(Config),
        "fast": Config(),
        "notebook": replace(
            PAPER.preset(Config), steps=500, batch=1, patch=256, learning_rate=0.01, decay="constant"
        ),
    },
    paper=PAPER,
    departures=why_fast("network", "steps", "batch"),
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    needs_model=True,
    learning=LEARNING,
)
