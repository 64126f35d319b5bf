"""IDBP: fill what is missing by denoising again and again, and putting back what is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pellucid import fields
from pellucid.degradation import Mask
from pellucid.methods.filters import biharmonic, bm3d
from pellucid.methods.table import described
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Recipe, Step, Task

DENOISER = bm3d.Config(wiener_step=4, wiener_radius=15, noise="white")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of IDBP; the defaults are those of preset fast."""

    iterations: int = fields.option(20, low=1)
    """rounds of denoising, where no budget is given"""
    first: float = fields.option(0.06, low=0, high=1, low_open=True)
    """strength of the first round, as a standard deviation between 0 and 1"""
    last: float = fields.option(0.01, low=0, high=1, low_open=True)
    """strength of the last round; between them it falls by a constant factor (the paper keeps it)"""
    noise: float = fields.option(0.0, low=0, high=1)
    """standard deviation of the noise in the known pixels, between 0 and 1; it is added to the strength"""

    def __post_init__(self) -> None:
        fields.check(self)

    def strength(self, iteration: int, total: int) -> float:
        """The strength of a round, from 1 to ``total``.

        >>> [round(Config(first=0.08, last=0.02).strength(k, 3), 3) for k in (1, 2, 3)]
        [0.08, 0.04, 0.02]
        """
        share = (iteration - 1) / max(1, total - 1)
        return self.noise + math.exp((1 - share) * math.log(self.first) + share * math.log(self.last))


def denoised(image: Tensor, sigma: float, *, color: bool) -> Tensor:
    """(C, H, W) through BM3D at the standard deviation ``sigma``."""
    channels = image.shape[0]
    kernel = (sigma**2 * torch.eye(channels, device=image.device))[:, :, None, None]
    return bm3d.restore(image, kernel, DENOISER, color=color)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Repeat x = BM3D(z; sigma_k) and z = y where it is known, x where not; z starts as the biharmonic fill.

    The plug-and-play form of "a denoiser knows what pictures look like": each round draws the missing pixels
    towards what similar patches say, and the known ones hold it to this picture.

    Args:
        task: shots (S, C, H, W) whose degradation is a Mask; hidden pixels are not looked at.
        config: the configuration.
        seed: nothing is random.
        device: where to compute.

    Yields:
        Steps with x as output; the loss is the mean square of the change of the missing pixels.

    Raises:
        ValueError: when there is no mask.

    Source: Tirer, Giryes, "Image Restoration by Iterative Denoising and Backward Projections", IEEE TIP 2019,
    algorithm 1.
    """
    degradation = task.degradation.to(device)
    if not isinstance(degradation, Mask):
        raise ValueError("idbp needs a mask of what is missing, got none. Use it with inpaint.")
    picture, hidden = task.shots.mean(0).to(device, torch.float32), degradation.hidden
    filled = biharmonic.fill(picture.cpu(), hidden.cpu()).to(device)
    total = task.budget.iterations or config.iterations
    for iteration in range(1, total + 1):
        estimate = denoised(filled, config.strength(iteration, total), color=task.color)
        latest = torch.where(hidden, estimate, picture)
        loss = (latest - filled).square().sum() / (hidden.sum() * len(picture)).clamp_min(1)
        filled = latest
        yield Step(
            iteration=iteration,
            phase="fill",
            loss=loss,
            output=estimate,
            estimate=estimate.clone,
            total=total,
        )


PAPER = Paper(
    citation="Tirer, Giryes, IEEE TIP 2019",
    states=stated(
        iterations=(150, "inpainting without noise"),
        first=(5 / 255, "inpainting without noise: 5 of 255 in every round"),
        last=(5 / 255, "see first"),
        noise=(0.0, "inpainting without noise"),
    ),
)

_PRESETS = {"paper": PAPER.preset(Config), "fast": Config()}

IDBP = Method(
    **described("idbp"),
    config=Config,
    steps=steps,
    presets=_PRESETS,
    paper=PAPER,
    departures={
        "iterations": "a minute on two cores",
        "first": "a strength that falls gets there in fewer rounds",
        "last": "see first",
    },
    restores={"mask": Recipe(presets=_PRESETS, stop="plateau:patience=1000", cost="70 s")},
    stop="plateau:patience=1000",
    uses_noise=False,
)
