"""Noise2Self: hide a grid of pixels, predict them from the others."""

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
    """Configuration of Noise2Self.

    Network, grid and loss are those of the authors' notebook on a single picture; preset `notebook` has its
    schedule too. For sets of pictures the schedule is ours.
    """

    network: str = "dncnn-8"
    """network, by its name in `pellucid.networks`"""
    steps: int = 50_000
    """steps of the optimiser"""
    batch: int = 16
    """crops per step"""
    patch: int = 64
    """side of the crops, pixels"""
    learning_rate: float = 1e-3
    """of Adam"""
    decay: str = "cosine"
    """learning rate in time: constant, linear, ramp (cosine in the last 30 %), halves (each fifth), cosine"""
    grid: int = 4
    """side of the cells; one pixel of each is hidden at a time"""
    inference: str = "blind"
    """blind (every pixel is predicted from the others alone; grid² passes) or whole (one pass)"""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.in_range("grid", self.grid, 2, 16)
        checks.one_of("inference", self.inference, ("blind", "whole"))


def objective(
    network: nn.Module, batch: Batch, config: Config, *, progress: Progress, generator: torch.Generator
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

N2S = Method(
    name="n2s",
    title="Noise2Self: predicts a grid of hidden pixels from the others (`pellucid train n2s`)",
    citation="Batson, Royer, ICML 2019",
    needs="a folder",
    family="data set",
    config=Config,
    steps=steps_of("n2s", LEARNING, Config),
    presets={
        "paper": Config(),
        "fast": Config(network="swift-tiny", steps=5000, batch=8),
        "notebook": Config(steps=500, batch=1, patch=256, learning_rate=0.01, decay="constant"),
    },
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    cost="4 s to 60 s, by network",
    needs_model=True,
    learning=LEARNING,
)
