"""Self2Self: predict hidden pixels of one noisy picture from the others, and average many predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor, nn

from pellucid import checks, devices, engine, networks, seeds
from pellucid.steps import Method, Step, Task, Tiling

NETWORKS = ("partial", "quick")
SCHEDULES = ("constant", "cosine")
LEAST = 0.02
"""share of the learning rate that a cosine ends at"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of Self2Self; the defaults are those of its authors' code."""

    iterations: int = 150_000
    """steps of the fit, where no budget is given (the paper says 450000)"""
    learning_rate: float = 1e-4
    """step size of Adam (the paper says 1e-5)"""
    schedule: str = "constant"
    """how it goes on: constant or cosine (falls to a fiftieth)"""
    network: str = "partial"
    """network: partial (the paper's) or quick (normalised, starts from a blur of what is not hidden)"""
    width: int = 48
    """channels of the network; partial has twice that on the way up"""
    keep: float = 0.7
    """probability of a pixel of a channel to be shown; the loss sees the others"""
    dropout: float = 0.3
    """share of values that dropout takes away, in the fit and after it"""
    predictions: int = 100
    """predictions that are averaged in the end (the paper says 50); their spread is the uncertainty"""
    precision: str = "float32"
    """how it multiplies: float32, bfloat16, or auto (bfloat16 where the processor has it)"""

    def __post_init__(self) -> None:
        checks.in_range("iterations", self.iterations, 1)
        checks.in_range("learning_rate", self.learning_rate, 0, low_open=True)
        checks.one_of("schedule", self.schedule, SCHEDULES)
        checks.one_of("network", self.network, NETWORKS)
        checks.in_range("width", self.width, 2)
        checks.in_range("keep", self.keep, 0, 1, low_open=True, high_open=True)
        checks.in_range("dropout", self.dropout, 0, 1, high_open=True)
        checks.in_range("predictions", self.predictions, 1)
        checks.one_of("precision", self.precision, devices.PRECISIONS)


def flipped(image: Tensor, way: int) -> Tensor:
    """(..., H, W) as it is (0), left to right (1) or upside down (2); twice the same way is as it was."""
    return image if way == 0 else image.flip(-way)


def hidden_loss(prediction: Tensor, target: Tensor, known: Tensor) -> Tensor:
    """The loss sum (1 - m)(f - y)² / sum (1 - m) over the pixels that were hidden; 0 where none was.

    >>> hidden_loss(torch.tensor([1.0, 5.0]), torch.tensor([3.0, 0.0]), torch.tensor([0.0, 1.0]))
    tensor(4.)
    """
    hidden = 1 - known
    return (hidden * (prediction - target).square()).sum() / hidden.sum().clamp_min(1)


def _prediction(
    network: nn.Module, noisy: Tensor, config: Config, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """One prediction f(m y) (C, H, W) with its own mask, dropout and flip, and the mask m."""
    way = int(torch.randint(0, 3, (), generator=draws, device=draws.device))
    image = engine.packed(flipped(noisy, way)[None])
    known = engine.packed(torch.empty_like(image).bernoulli_(config.keep, generator=draws))
    with devices.arithmetic(config.precision, noisy.device):
        raw = network(image, known, draws)
    return flipped(raw[0].float(), way), flipped(known[0], way)


@torch.no_grad()
def _ensemble(network: nn.Module, noisy: Tensor, config: Config, seed: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C, H, W) of the predictions; the same draws whenever it is asked for."""
    draws = seeds.generator(seed, "ensemble", device=noisy.device)
    total, squares = torch.zeros_like(noisy), torch.zeros_like(noisy)
    first = None
    for _ in range(config.predictions):
        value = _prediction(network, noisy, config, draws)[0]
        first = value if first is None else first
        # Sums of differences to one prediction, as a variance from squares of large numbers loses its digits.
        total += value - first
        squares += (value - first).square()
    mean = total / config.predictions
    variance = (squares / config.predictions - mean.square()).clamp_min(0)
    return mean + (0 if first is None else first), variance.sqrt()


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Fit f(m ⊙ y) to the hidden pixels (1 - m) ⊙ y, with new Bernoulli masks m in every step.

    A hidden pixel can be predicted from its neighbours, its noise cannot, where noise is independent from
    pixel to pixel. Dropout stays on, so that every prediction is that of another network; their mean is the
    estimate and their standard deviation says where they disagree. No early stop is needed. With several
    shots their mean is taken.

    Args:
        task: shots (S, C, H, W); budget is heeded.
        config: the configuration.
        seed: its children weights, draws and ensemble draw everything that is random.
        device: where to compute.

    Yields:
        Steps whose output is the prediction of the step. Their estimate is the ensemble, which costs as much
        as `predictions` forward passes whenever it is asked for, and so does ``extras["uncertainty"]``.

    Source: Quan, Chen, Pang, Ji, "Self2Self With Dropout: Learning Self-Supervised Denoising From Single
    Image", CVPR 2020.
    """
    noisy = task.shots.mean(0).to(device, torch.float32)
    with seeds.fixed(seed, "weights"):
        build = networks.builder(config.network)
        network = build(noisy.shape[0], noisy.shape[0], width=config.width, dropout=config.dropout).train()
    network = engine.placed(network, device)
    optimizer = engine.adam(network.parameters(), config.learning_rate)
    draws = seeds.generator(seed, "draws", device=device)
    total = task.budget.iterations or config.iterations

    for iteration in range(1, total + 1):
        # A caller's no_grad must not stop the fit; the contexts end before the step is yielded.
        with torch.enable_grad():
            prediction, known = _prediction(network, noisy, config, draws)
            loss = hidden_loss(prediction, noisy, known)
            engine.descend(optimizer, loss, learning_rate=_rate(config, iteration, total))
        ensemble = cache(partial(_ensemble, network, noisy, config, seed))
        yield Step(
            iteration=iteration,
            phase="fit",
            loss=loss.detach(),
            output=prediction.detach(),
            estimate=lambda ensemble=ensemble: ensemble()[0].clone(),  # type: ignore[misc]
            extras=lambda ensemble=ensemble: {"uncertainty": ensemble()[1].clone()},  # type: ignore[misc]
            total=total,
        )


def _rate(config: Config, iteration: int, total: int) -> float:
    """The learning rate of a step."""
    if config.schedule == "constant":
        return config.learning_rate
    share = 0.5 * (1 + math.cos(math.pi * (iteration - 1) / total))
    return config.learning_rate * max(share, LEAST)


SELF2SELF = Method(
    name="self2self",
    title="Self2Self: predicts hidden pixels of this one image from the others; says how unsure it is",
    citation="Quan, Chen, Pang, Ji, CVPR 2020",
    needs="one image",
    family="single image",
    iterative=True,
    config=Config,
    steps=steps,
    presets={
        "paper": Config(),
        # On a 128x128 crop (kodim12, sigma 25) normalised layers that start from a blur had 28.3 dB after 150
        # steps, the same without normalisation 26.9, the paper's network at half width 26.3 after 600 steps
        # of the same cost. Dropout of 0.1 cost 0.3 dB against none in so short a fit; 0.05 keeps the spread
        # that it is there for.
        "fast": Config(
            iterations=250,
            learning_rate=0.005,
            schedule="cosine",
            network="quick",
            width=32,
            dropout=0.05,
            predictions=40,
            precision="auto",
        ),
    },
    stochastic=True,
    tiling=Tiling(kind="approximate", halo=64),
    stop="none",
    cost="3 min",
    uses_noise=False,
    uncertainty=True,
)
