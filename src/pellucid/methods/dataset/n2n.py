"""Noise2Noise: learn from pairs of noisy pictures of one scene."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

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
from pellucid.losses import dissimilarity
from pellucid.methods.dataset.distances import DISTANCES, distance, slopes
from pellucid.methods.dataset.plain import build, predict, required
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of Noise2Noise; the defaults are those of preset fast."""

    loss: str = fields.option("l2", choices=DISTANCES)
    """l2 (noise of mean 0), l1 (outliers), l0 (impulses; annealed) or relative (high dynamic range)"""
    detail: float = fields.option(0.0, low=0)
    """weight of the same loss on the differences of neighbours, for more weight on fine structure"""
    ssim: float = fields.option(0.0, low=0, high=1)
    """share of 1 - SSIM in the loss, 0 to 1; against a noisy target it is no longer without bias"""
    data_range: float = fields.option(1.0, low=0, low_open=True)
    """what SSIM takes for the difference of white and black, in the units of the network"""
    draws: int = fields.option(1, low=1)
    """with --noise: the target is the mean of so many noisy versions; several have the level of the input"""
    sigma_0: float = fields.option(0.0, low=0)
    """crops weigh 1 / (1 + (sigma / sigma_0)²), so that strong noise does not drown the rest; in the units of
    the network, 0.04 is 10 of 255; 0 weighs all alike"""


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """Distance between what the network makes of one noisy picture and another one of the scene.

    With targets t = x + n', E[n'] = 0 and n' independent of the input, the mean of |f(y) - t|² is that of
    |f(y) - x|² plus the variance of n', which no network changes: the gradient is, on average, that of
    training with clean targets (section 2). So it is with the mean of several independent t in place of one,
    which has less of that variance, and with weights that depend on sigma alone.

    Args:
        network: f.
        batch: noisy y, other t, and sigma where the network asks for the level.
        config: the configuration.
        progress: where the training stands, for l0.
        generator: nothing is drawn.

    Source: Lehtinen and others, "Noise2Noise: Learning Image Restoration without Clean Data", ICML 2018.
    """
    target = required("other", batch.other, "Noise2Noise learns from pairs: give --pairs, or --noise to add.")
    output = apply(network, batch.noisy, batch.sigma)
    weight = _weight(batch.sigma, config.sigma_0) if config.sigma_0 > 0 else None
    value = distance(output, target, config.loss, progress.fraction, weight)
    parts = {config.loss: value.detach()}
    if config.detail > 0:
        fine = distance(slopes(output), slopes(target), _fine(config.loss), progress.fraction, weight)
        value = value + config.detail * fine
        parts["detail"] = fine.detach()
    if config.ssim > 0:
        each = dissimilarity(output, target, data_range=config.data_range)
        unlike = (each if weight is None else each * weight).mean()
        value = (1 - config.ssim) * value + config.ssim * unlike
        parts["unlike"] = unlike.detach()
    return Loss(value=value, parts=parts, pictures={"noisy": batch.noisy, "output": output.detach()})


def _weight(sigma: Tensor | None, sigma_0: float) -> Tensor:
    """1 / (1 + (sigma / sigma_0)²) of every crop, (B,)."""
    level = required(
        "sigma", sigma, "sigma_0 weighs crops by the level of noise that is added (--noise): leave it at 0."
    )
    return 1 / (1 + (level.flatten() / sigma_0).square())


def _fine(loss: str) -> str:
    """The loss for differences, which may be 0 or less: relative has no meaning there."""
    return "l2" if loss == "relative" else loss


LEARNING = Learning(
    sees="pairs", build=build, objective=objective, predict=predict, halo=64, stride=32, direct=True
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
        loss=("l2", "section 2; l1 and l0 for other noise, section 3"),
    ),
    ours=extras_off() | {"detail": 0.0, "ssim": 0.0, "data_range": 1.0, "draws": 1, "sigma_0": 0.0},
    elsewhere=(
        "The page on Noise2Noise (seed 002) recommends batches of 16 to 32, a rate of 1e-4 and 50 to 100 "
        "rounds; the authors' are taken.",
    ),
)

N2N = Method(
    **described("n2n"),
    config=Config,
    steps=steps_of("n2n", LEARNING, Config),
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures=why_fast()
    | {
        "beta2": "as the decay goes on to the end, the usual mean of squares will do",
    },
    tiling=Tiling(kind="approximate", halo=64, stride=32),
    needs_model=True,
    learning=LEARNING,
)
