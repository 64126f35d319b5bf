"""The smallest trained methods there can be: two convolutions; pairs with L2, or a blur of the input.

Run as a program it is `pellucid` with these methods in its table.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, mse_loss

from pellucid import methods
from pellucid.learning import Batch, Learning, Loss, TrainingConfig, TrainingProgress
from pellucid.models import steps_of
from pellucid.steps import Method, Tiling


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of the toy."""

    steps: int = 20
    """steps of the optimiser"""
    batch: int = 2
    """crops per step"""
    patch: int = 16
    """side of the crops, pixels"""
    width: int = 8
    """channels between"""
    decay: str = "cosine"
    """learning rate in time"""
    plain: bool = False
    """no layer and no loss that draws or looks at the whole batch"""
    collapse: int = 0
    """step from which the guard complains; 0 for never"""


class Small(nn.Module):
    def __init__(self, channels: int, width: int, plain: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            *([] if plain else [nn.BatchNorm2d(width)]),
            nn.ReLU(),
            *([] if plain else [nn.Dropout2d(0.1)]),
            nn.Conv2d(width, channels, 3, padding=1),
        )

    def forward(self, noisy):
        return noisy - self.body(noisy)


def build(config: Config, channels: int) -> nn.Module:
    return Small(channels, config.width, config.plain)


def pairs(network, batch: Batch, config, *, progress: TrainingProgress, generator) -> Loss:
    if batch.other is None:
        raise ValueError("the toy needs pairs")
    jitter = 0.0 if config.plain else 0.01
    output = network(batch.noisy + jitter * torch.randn(batch.noisy.shape, generator=generator))
    value = mse_loss(output, batch.other)
    return Loss(value=value, parts={"l2": value.detach(), "done": torch.tensor(progress.fraction)})


def alone(network, batch: Batch, config, *, progress: TrainingProgress, generator) -> Loss:
    return Loss(value=mse_loss(network(batch.noisy), avg_pool2d(batch.noisy, 3, 1, 1)))


def predict(network, noisy, noise, config, *, generator):
    return network(noisy)


def guard(recent, config):
    collapsed = config.collapse and len(recent) >= config.collapse
    return "the network gives its input back. Lower learning_rate." if collapsed else None


def _method(name, objective, sees, needs):
    learning = Learning(
        sees=sees, build=build, objective=objective, predict=predict, halo=2, stride=1, guard=guard
    )
    return Method(
        name=name,
        title="a toy",
        citation="none",
        needs=needs,
        config=Config,
        steps=steps_of(name, learning, Config),
        presets={"paper": Config(), "fast": Config(), "long": Config(steps=100000)},
        tiling=Tiling(kind="exact", halo=2),
        cost="0.1 s",
        uses_noise=False,
        needs_model=True,
        learning=learning,
    )


TOY = _method("toy", pairs, "pairs", "pairs")
ALONE = _method("toy-alone", alone, "noisy", "a folder")


def entries():
    """Their entries of the table of methods."""
    targets = {"toy": "toy_method:TOY", "toy-alone": "toy_method:ALONE"}
    return {n: replace(methods.METHODS["n2n"], name=n, target=t) for n, t in targets.items()}


if __name__ == "__main__":
    from pellucid import cli

    methods.METHODS.update(entries())
    cli.main(sys.argv[1:])
