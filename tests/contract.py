"""What the contract suite needs: a picture, a task for any method, and a short run."""

from __future__ import annotations

import tempfile
from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from pellucid import stopping
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Method, Task

SIGMA = 0.1
BUDGET = 4
"""iterations of a stochastic method in the suite: enough to run all of its code"""

MARGIN: dict[str, tuple[float | None, int]] = {
    "bm3d": (8.0, 1),
    "nlm": (5.0, 1),
    "tv": (5.0, 1),
    "wavelet": (3.0, 1),
    "median": (8.0, 1),
    "dncnn": (None, 1),
    "ffdnet": (None, 1),
    "dip": (3.0, 300),
    "zs-n2n": (5.0, 150),
}
"""dB that a method gains on the picture below, and its iterations; None where weights of others are needed"""


def noisy_clean(shape: tuple[int, int, int], *, impulses: bool = False) -> tuple[Tensor, Tensor]:
    """A piecewise smooth picture (C, H, W) with white noise, or a tenth of its pixels black or white."""
    channels, height, width = shape
    y = torch.linspace(0, 1, height).view(1, -1, 1)
    x = torch.linspace(0, 1, width).view(1, 1, -1)
    phase = torch.arange(channels).view(-1, 1, 1)
    disk = ((x - 0.4) ** 2 + (y - 0.6) ** 2 < 0.07).float()
    clean = 0.3 + 0.25 * x * y + 0.3 * disk + 0.05 * torch.sin(12 * x + 5 * y + phase)
    draws = torch.Generator().manual_seed(7)
    if impulses:
        hit = torch.rand(shape, generator=draws)
        return torch.where(hit < 0.05, 0.0, torch.where(hit > 0.95, 1.0, clean)), clean
    return clean + SIGMA * torch.randn(shape, generator=draws), clean


def task_for(method: Method, noisy: Tensor) -> Task:
    """A task as `run` would give it."""
    channels = noisy.shape[0]
    count = 2 if method.needs == "shots of a scene" else 1
    return Task(
        shots=noisy[None].repeat(count, 1, 1, 1),
        noise=NoiseReport.white(SIGMA, channels),
        model=weights(method.name, channels) if method.needs_model else None,
        color=channels == 3,
    )


def drive(method: Method, task: Task, *, seed: int = 0, iterations: int = BUDGET) -> Tensor:
    """The estimate after a few iterations of the fast preset."""
    steps = method.steps(task, method.presets["fast"], seed=seed, device=torch.device("cpu"))
    return stopping.until(steps, None, budget=Budget(iterations=iterations)).estimate


@cache
def weights(name: str, channels: int) -> str:
    """A small weight file that the method accepts: DnCNN at random, FFDNet as a mean over 2 x 2 pixels."""
    channels = 3 if channels == 3 else 1
    draws = torch.Generator().manual_seed(1)
    convolutions: list[Tensor]
    if name == "dncnn":
        sizes = [channels] + [8] * 14 + [channels]
        convolutions = [0.05 * torch.randn(b, a, 3, 3, generator=draws) for a, b in pairwise(sizes)]
    else:
        inside = 4 * channels + 1
        convolutions = [
            torch.zeros(b, a, 3, 3) for a, b in pairwise([inside] + [channels] * 7 + [inside - 1])
        ]
        for channel in range(channels):
            phases = slice(4 * channel, 4 * channel + 4)
            convolutions[0][channel, phases, 1, 1] = 0.25
            convolutions[-1][phases, channel, 1, 1] = 1.0
        for middle in convolutions[1:-1]:
            middle[:, :, 1, 1] = torch.eye(channels)
    state = {}
    for i, weight in enumerate(convolutions):
        state |= {f"layers.{i}.weight": weight, f"layers.{i}.bias": torch.zeros(weight.shape[0])}
    path = Path(tempfile.mkdtemp(prefix="pellucid-weights-")) / f"{name}.pth"
    torch.save(state, path)
    return str(path)
