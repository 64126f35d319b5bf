"""By how much slices gain by each other: a method tried on some of them, against each by itself."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from pellucid import methods, seeds
from pellucid.auto import Choice
from pellucid.auto.choice import stabiliser
from pellucid.run.state import State
from pellucid.series.stacks import Run
from pellucid.steps import Task

SHARE = 0.5
"""standard deviation of the noise that the trial adds, over that of the noise that is there"""
SLICES = {"T": 5, "Z": 8}
"""slices of the trial"""
SIDE = 128
"""pixels a side of the part on which it is made"""
SURE = 2.0
"""standard errors by which the trial must speak for the neighbours"""


def gain(
    state: State, alone: Choice, run: Run, kind: str, name: str, config: object = None
) -> tuple[float, float]:
    """By how much the squared error falls where some frames are filtered together, and its standard error.

    With n the noise of y and m drawn like it, y + a m is filtered and compared with y - m / a, whose noise is
    independent of that. The expected squared difference is the squared error and a constant, so that two
    filters compare as by their true errors (Oliveira, Lei, Tibshirani, "Unbiased risk estimation in the
    normal means problem via coupled bootstrap techniques", 2022).

    Args:
        state: whose slices they are.
        alone: the method of each slice by itself, the noise and the change of values in which it is.
        run: slices that follow each other; those in the middle are tried.
        kind: "T" or "Z", which says how many.
        name: of the method that takes them together.
        config: of that method, None for its defaults.

    Returns:
        0 with an infinite error where the pictures are too small to tell.
    """
    middle = len(run) // 2
    first = max(0, middle - SLICES[kind] // 2)
    some = run[first : first + SLICES[kind]]
    rows, columns = (
        slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in state.noisy.shape[-2:]
    )
    change = alone.stabilise
    seen = [state.noisy[i] if change is None else change.forward(state.noisy[i]) for i in some]
    film = torch.stack(seen, 1)[..., rows, columns].float()
    told = alone.noise if change is None else change.noise
    even = stabiliser(told)  # the method changes the values itself: here it is told that they are even
    if even is not None:
        film, told = torch.stack([even.forward(one) for one in film.unbind(1)], 1), even.noise
    levels = torch.ones(len(some))
    if state.reports and change is None and state.noise.level > 0:
        levels = torch.tensor([state.reports[i].level for i in some]) / state.noise.level
    unit = torch.tensor(told.sigma).view(-1, 1, 1, 1) * levels.view(1, -1, 1, 1)
    drawn = torch.randn(film.shape, generator=seeds.generator(state.request.seed, "film")) * unit
    more, other = film + SHARE * drawn, film - drawn / SHARE
    report = told.times(math.sqrt(1 + SHARE**2))
    task = Task(shots=more[None], noise=report, color=state.color, relative=levels.float())

    def made(method: str, own: Task, config: object) -> Tensor:
        (step,) = methods.load(method).steps(own, config, seed=0, device=torch.device("cpu"))
        return step.estimate()

    ours = made(name, task, methods.load(name).presets["fast"] if config is None else config)
    apart = [
        made(
            alone.method,
            replace(task, shots=more[None, :, t], noise=report.times(float(level))),
            alone.config,
        )
        for t, level in enumerate(levels)
    ]
    fall = ((torch.stack(apart, 1) - other).square() - (ours - other).square()).mean(0).double()
    height, width = (size // 8 * 8 for size in fall.shape[-2:])
    parts = fall[:, :height, :width].reshape(len(some), height // 8, 8, width // 8, 8).mean((2, 4)).flatten()
    if parts.numel() < 2:
        return 0.0, math.inf
    return float(parts.mean()), float(parts.std()) / math.sqrt(parts.numel())
