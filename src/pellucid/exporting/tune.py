"""Which runtime and precision is fastest for a model on this machine, among those that are as good."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from pellucid import devices, extras, learning, methods, metrics, models
from pellucid.engine import placed
from pellucid.exporting import pictures
from pellucid.exporting.runtime import Choice, keep, ready
from pellucid.models import exported

CHOICES = (
    Choice(),
    Choice(precision="bfloat16"),
    Choice(runtime="onnx"),
    Choice(runtime="onnx", precision="int8"),
    Choice(runtime="openvino"),
    Choice(runtime="openvino", precision="bfloat16"),
    Choice(runtime="openvino", precision="int8"),
)
ROUNDS = 5


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One choice on one picture.

    Attributes:
        choice: what ran.
        ms: milliseconds, the median of the rounds.
        psnr: dB against the clean picture.
    """

    choice: Choice
    ms: float
    psnr: float


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """What was measured, and kept.

    Attributes:
        rows: every choice that could be tried, the first in float32 and torch.
        best: what was kept.
        left_out: what could not be tried, with the reason.
        file: where it is kept.
    """

    rows: tuple[Measured, ...]
    best: Choice
    left_out: dict[str, str]
    file: Path | None


def tune(
    model: str,
    *,
    loss: float = 0.05,
    rounds: int = ROUNDS,
    side: int = 512,
    store: bool = True,
    progress: Callable[[str], object] = lambda text: None,
) -> Tuned:
    """Run a model by everything that is installed, in turns, and keep what is fastest.

    Args:
        model: a name or a file.
        loss: dB that a precision may cost against float32.
        rounds: how often each runs.
        side: of the picture, pixels.
        store: whether the choice is kept.
        progress: told what is being done.

    Raises:
        ValueError: for a model that only torch can run.
    """
    path = models.locate(model)
    if models.of_others(path) or exported.is_exported(path):
        raise ValueError(f"model {path.name!r} is none that `pellucid train` wrote. Name one.")
    card = models.read_card(path)
    clean = pictures.clean(card.channels, side=side)
    level = pictures.levels(card, 2)[0]
    noisy = pictures.noisy(clean, level)
    runs: dict[Choice, Callable[[], Tensor]] = {}
    left_out: dict[str, str] = {}
    for choice in CHOICES:
        progress(f"preparing {choice}")
        try:
            runs[choice] = _ready(path, choice, noisy, level)
        except (extras.MissingExtra, ValueError) as error:
            left_out[str(choice)] = str(error)
    times: dict[Choice, list[float]] = {choice: [] for choice in runs}
    made: dict[Choice, Tensor] = {}
    for number in range(rounds + 1):
        progress(f"round {number} of {rounds}")
        for choice, run in runs.items():
            started = time.perf_counter()
            made[choice] = run()
            if number:  # the first is for the caches
                times[choice].append(1000 * (time.perf_counter() - started))
    rows = tuple(
        Measured(
            choice=choice, ms=median(times[choice]), psnr=metrics.psnr(clean, made[choice], data_range=1.0)
        )
        for choice in runs
    )
    good = [row for row in rows if row.psnr >= rows[0].psnr - loss]
    best = min(good, key=lambda row: row.ms).choice
    file = keep(path, best, {str(row.choice): round(row.ms, 2) for row in rows}) if store else None
    return Tuned(rows=rows, best=best, left_out=left_out, file=file)


def _ready(path: Path, choice: Choice, noisy: Tensor, level: float) -> Callable[[], Tensor]:
    """A function that denoises the picture by a choice."""
    card = models.read_card(path)
    method = methods.load(card.method)
    if method.learning is None or not method.learning.direct:
        raise ValueError(f"the estimate of {card.method} is not one pass of its network: torch runs it")
    cpu = torch.device("cpu")
    if choice.runtime == "torch" and choice.precision == "bfloat16" and not devices.multiplies_bfloat16(cpu):
        raise ValueError("this processor does not multiply bfloat16")
    file = path if choice.runtime == "torch" else ready(path, choice)
    model = models.load(file, method.name, method.learning, method.config)
    mean, std = models.factors(model.card)
    sigma = torch.full((1, 1, 1, 1), level) / std.square().mean().sqrt()
    network = placed(model.network, cpu)

    def run() -> Tensor:
        with torch.no_grad(), devices.arithmetic(choice.precision if file == path else "float32", cpu):
            return learning.apply(network, (noisy - mean) / std, sigma).float() * std + mean

    return run
