"""Self2Self: predict hidden pixels of one noisy picture from the others, and average many predictions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor, nn

from pellucid import devices, engine, fields, networks, seeds
from pellucid.methods.table import described
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Step, Task, Tiling, hurried

NETWORKS = ("partial", "quick")
SCHEDULES = ("constant", "cosine")
LEAST = 0.02
"""share of the learning rate that a cosine ends at"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of Self2Self; the defaults are those of preset fast."""

    iterations: int = fields.option(250, low=1)
    """steps of the fit, where no budget is given"""
    learning_rate: float = fields.option(0.005, low=0, low_open=True)
    """step size of Adam"""
    schedule: str = fields.option("cosine", choices=SCHEDULES)
    """how it goes on: constant or cosine (falls to a fiftieth)"""
    network: str = fields.option("quick", choices=NETWORKS)
    """network: partial (the paper's) or quick (normalised, starts from a blur of what is not hidden)"""
    width: int = fields.option(32, low=2)
    """channels of the network; partial has twice that on the way up"""
    keep: float = fields.option(0.7, low=0, high=1, low_open=True, high_open=True)
    """probability of a pixel of a channel to be shown; the loss sees the others"""
    dropout: float = fields.option(0.05, low=0, high=1, high_open=True)
    """share of values that dropout takes away, in the fit and after it"""
    predictions: int = fields.option(40, low=1)
    """predictions that are averaged in the end; their spread is the uncertainty"""
    precision: str = fields.option("auto", choices=devices.PRECISIONS)
    """how it multiplies: float32, bfloat16, or auto (bfloat16 where the processor has it)"""

    def __post_init__(self) -> None:
        fields.check(self)


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
            unfinished=hurried("self2self", iteration, config.iterations),
        )


def _rate(config: Config, iteration: int, total: int) -> float:
    """The learning rate of a step."""
    if config.schedule == "constant":
        return config.learning_rate
    share = 0.5 * (1 + math.cos(math.pi * (iteration - 1) / total))
    return config.learning_rate * max(share, LEAST)


PAPER = Paper(
    citation="Quan, Chen, Pang, Ji, CVPR 2020, and their code",
    states=stated(
        iterations=(150_000, "code; the text says 450000"),
        learning_rate=(1e-4, "code; the text says 1e-5"),
        schedule=("constant", "code"),
        network=("partial", "text and code"),
        width=(48, "text and code"),
        keep=(0.7, "text and code"),
        dropout=(0.3, "text and code"),
        predictions=(100, "code; the text says 50"),
    ),
    ours={"precision": "float32"},
)

SELF2SELF = Method(
    **described("self2self"),
    config=Config,
    steps=steps,
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures={
        "iterations": "minutes on two cores instead of hours",
        "learning_rate": "so short a fit needs larger steps",
        "schedule": "and must come to rest",
        "network": "normalised layers that start from a blur had 28.3 dB after 150 steps on a crop of 128 "
        "x 128 "
        "(kodim12, sigma 25), without normalisation 26.9, the paper's at half width 26.3 after 600",
        "width": "a step takes less than half the time",
        "dropout": "0.1 cost 0.3 dB against none in so short a fit; 0.05 keeps the spread it is there for",
        "predictions": "a shorter wait for the estimate",
        "precision": "twice as fast where the processor multiplies bfloat16, float32 elsewhere",
    },
    stochastic=True,
    tiling=Tiling(kind="approximate", halo=64),
    stop="none",
    uses_noise=False,
    uncertainty=True,
)
