"""Whether an exported graph does what its model does, on pictures of three sizes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pellucid import learning, methods, models, seeds
from pellucid.models.exported import Exported, network

SIZES = ((64, 64), (97, 131), (250, 199))
"""height and width: a power of two, odd ones, neither a multiple of anything"""
LEAST = {"float32": 90.0, "bfloat16": 45.0, "int8": 32.0}
"""dB between both that a precision must reach: 10 log10(1 / mean square of the difference)"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Both on pictures of one size.

    Attributes:
        size: height, width.
        largest: difference of a value, of white 1.
        decibels: 10 log10(1 / mean square of the difference); 200 where there is none.
        torch_ms: milliseconds of the network in torch.
        ms: those of the exported one, the second time.
    """

    size: tuple[int, int]
    largest: float
    decibels: float
    torch_ms: float
    ms: float

    def __str__(self) -> str:
        height, width = self.size
        return (
            f"{height} x {width}: largest difference {self.largest:.1e}, {self.decibels:.0f} dB; "
            f"{self.torch_ms:.0f} ms in torch, {self.ms:.0f} ms exported"
        )


def rows(model: Path, exported: Path) -> list[Row]:
    """Run a model and what was exported of it side by side, each on a picture of every size.

    The pictures are smooth with white noise of the levels that the card names, told to both.

    Args:
        model: the file of the model.
        exported: that of the graph.
    """
    card = models.read_card(model)
    method = methods.load(card.method)
    if method.learning is None:
        raise ValueError(f"{card.method} is not trained.")
    ours = models.load(model, method.name, method.learning, method.config)
    theirs, mean_std = network(exported), models.factors(card)
    low, high = card.sigma or (0.1, 0.1)
    found: list[Row] = []
    for number, size in enumerate(SIZES):
        level = low + (high - low) * (number + 1) / len(SIZES)
        noisy = _picture(card.channels, size, level, seed=number)
        found.append(_row(ours.network, mean_std, theirs, noisy, level))
    return found


def faults(rows: list[Row], precision: str) -> str:
    """What is wrong, in words; "" where nothing is."""
    least = LEAST[precision]
    bad = [row for row in rows if not row.decibels >= least]
    if not bad:
        return ""
    return (
        f"the exported graph differs from the model: {bad[0]}, where {least:.0f} dB are the least for "
        f"{precision}. No file was written; tell the developers of pellucid which network it is"
    )


def _row(
    ours: torch.nn.Module, mean_std: tuple[Tensor, Tensor], theirs: Exported, noisy: Tensor, level: float
) -> Row:
    mean, std = mean_std
    sigma = torch.full((1, 1, 1, 1), level)
    unit = float(std.square().mean().sqrt())

    def seen() -> Tensor:
        return learning.apply(ours, (noisy - mean) / std, sigma / unit) * std + mean

    with torch.no_grad():
        wanted, torch_ms = _timed(seen)
        made, ms = _timed(lambda: theirs(noisy, sigma))
    difference = made - wanted
    square = float(difference.double().square().mean())
    return Row(
        size=(noisy.shape[-2], noisy.shape[-1]),
        largest=float(difference.abs().max()),
        decibels=min(10 * math.log10(1 / square), 200.0)
        if square > 0
        else 200.0
        if square == 0
        else math.nan,
        torch_ms=torch_ms,
        ms=ms,
    )


def _timed(run: Callable[[], Tensor]) -> tuple[Tensor, float]:
    """What comes of the second of two runs, and its milliseconds."""
    run()
    started = time.perf_counter()
    made = run()
    return made, 1000 * (time.perf_counter() - started)


def _picture(channels: int, size: tuple[int, int], level: float, *, seed: int) -> Tensor:
    """(1, C, H, W): slow waves and an edge, with white noise."""
    rows, columns = (torch.linspace(0, 6.28 * (2 + i), side) for i, side in enumerate(size))
    clean = 0.5 + 0.2 * rows.sin().view(-1, 1) + 0.2 * columns.cos()
    clean[size[0] // 2 :] -= 0.15
    draws = torch.randn(1, channels, *size, generator=seeds.generator(seed, "parity"))
    return clean + level * draws
