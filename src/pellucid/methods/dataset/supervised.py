"""Training with clean targets: the anchor that methods without them are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from pellucid import checks
from pellucid.learning import Batch, Learning, Loss, Progress, Recipe, apply
from pellucid.methods.dataset.distances import distance
from pellucid.methods.dataset.plain import build, predict, required
from pellucid.models import steps_of
from pellucid.steps import Method, Tiling


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """Configuration of training with clean targets; the defaults are those of Noise2Noise, to compare."""

    steps: int = 300_000
    """steps of the optimiser"""
    patch: int = 256
    """side of the crops, pixels"""
    beta2: float = 0.99
    """of Adam: how slowly the mean of the squares of the gradients follows"""
    decay: str = "ramp"
    """learning rate in time: constant, linear, ramp (cosine in the last 30 %), halves (each fifth), cosine"""
    loss: str = "l2"
    """l2 or l1"""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.one_of("loss", self.loss, ("l2", "l1"))


def objective(
    network: nn.Module, batch: Batch, config: Config, *, progress: Progress, generator: torch.Generator
) -> Loss:
    """Mean of |f(y) - x|² or |f(y) - x|, x the clean picture; nothing is drawn."""
    clean = required("clean", batch.clean, "This method learns from clean targets: give --clean, or --noise.")
    output = apply(network, batch.noisy, batch.sigma)
    value = distance(output, clean, config.loss)
    pictures = {"noisy": batch.noisy, "output": output.detach()}
    return Loss(value=value, parts={config.loss: value.detach()}, pictures=pictures)


LEARNING = Learning(
    sees="clean pairs", build=build, objective=objective, predict=predict, halo=64, stride=32, direct=True
)

SUPERVISED = Method(
    name="supervised",
    title="Training with clean targets, to compare with (`pellucid train supervised`)",
    citation="textbook; network and schedule of Lehtinen and others, ICML 2018",
    needs="clean pairs",
    family="data set",
    config=Config,
    steps=steps_of("supervised", LEARNING, Config),
    presets={
        "paper": Config(),
        "fast": Config(
            network="swift-tiny",
            steps=5000,
            batch=8,
            patch=64,
            learning_rate=1e-3,
            decay="cosine",
            beta2=0.999,
        ),
    },
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    cost="0.3 s to 4 s, by network",
    needs_model=True,
    # A clean target says what the brightness is: that of a stained page is not the page's.
    keeps_mean=False,
    learning=LEARNING,
)
