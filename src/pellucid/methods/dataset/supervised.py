"""Training with clean targets: the anchor that methods without them are compared with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from pellucid import fields
from pellucid.learning import (
    Batch,
    Learning,
    Loss,
    TrainingConfig,
    TrainingProgress,
    apply,
    extras_off,
    why_fast,
)
from pellucid.methods.dataset.distances import distance
from pellucid.methods.dataset.plain import build, predict, required
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of training with clean targets; the defaults are those of Noise2Noise."""

    loss: str = fields.option("l2", choices=("l2", "l1"))
    """l2 or l1"""


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
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

PAPER = Paper(
    citation="Lehtinen, Munkberg, Hasselgren, Laine, Karras, Aittala, Aila, ICML 2018, and their code",
    states=stated(
        network=("n2n-unet", "text and code"),
        steps=(300_000, "code"),
        batch=(4, "code"),
        patch=(256, "code"),
        learning_rate=(3e-4, "code"),
        beta1=(0.9, "code"),
        beta2=(0.99, "code"),
        decay=("ramp", "code: down over the last 30 per cent"),
        loss=("l2", "section 2"),
    ),
    ours=extras_off(),
    elsewhere=("This is the training with clean targets that their paper compares with.",),
)

SUPERVISED = Method(
    **described("supervised"),
    config=Config,
    steps=steps_of("supervised", LEARNING, Config),
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures=why_fast()
    | {
        "beta2": "as the decay goes on to the end, the usual mean of squares will do",
    },
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    needs_model=True,
    # A clean target says what the brightness is: that of a stained page is not the page's.
    keeps_mean=False,
    learning=LEARNING,
)
