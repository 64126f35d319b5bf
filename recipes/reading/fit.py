"""Fits the network of `pellucid.noise.reading`, which reads the spectrum of the noise, to spoilt pictures.

    python recipes/reading/fit.py pictures/ more-pictures/ -o reading.safetensors \\
        --first 12000 --second 8000 --third 8000 --jobs 2

Pictures are those of pictures.py and any others; of several folders the first gives 60 %. scenes.py makes
scenes of them and draws others, noises.py and spoil.py spoil them, and what was added is known. The network
sees what `pellucid.noise.reading.read` shows it: a linear map beside two hidden layers. One is fitted to
luminance and two chromas, one to the green channel alone. README.md says what was run for the shipped file.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scenes
import spoil
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from pellucid import seeds
from pellucid.noise import reading, values
from pellucid.noise.colour import matrix

WIDTH, BATCH, RATE, DROPOUT = 160, 256, 2e-3, 0.1
JITTER = 0.02
"""standard deviation of what is added to the features, of their own, in each step"""
HELD_OUT = 12
"""one sample of so many is kept from the fit"""


@dataclass(frozen=True)
class Example:
    """What the network sees of one picture, and what it should say.

    Attributes:
        features: (F,).
        logs: (P, 36) logarithms of the variance of each pair of coefficients, relative as the features are.
    """

    features: Tensor
    logs: Tensor


def example(noisy: NDArray[np.floating[Any]], noise: NDArray[np.floating[Any]], *, color: bool) -> Example:
    """Of a picture (H, W, C) and the noise in it, in the frame in which `pellucid.noise.analysis` reads."""
    pixels, added = (torch.from_numpy(np.moveaxis(a, -1, 0).copy()).float() for a in (noisy, noise))
    looked = values.look([pixels])
    mixing = matrix(len(pixels), color=color)
    planes = torch.einsum("dc,chw->dhw", mixing, (pixels - looked.low) / looked.span)
    if not looked.usable[0].any():
        raise ValueError("expected blocks that can tell of noise, got a picture of one value: draw another")
    view = reading.seen([planes], looked.usable, 1.0, looked.step / looked.span)
    residual = torch.einsum("dc,chw->dhw", mixing, added / looked.span)
    residual = residual - residual.mean((1, 2), keepdim=True)
    variance = reading.blocks_of(residual)[:, looked.usable[0].flatten()].square().mean(1)
    folded = torch.zeros(len(planes), reading.PAIRS).index_add_(1, reading.pairs(), variance)
    folded = folded / reading.pairs().bincount()
    return Example(view.features, (folded + view.floor**2).log() - view.reference)


@dataclass(frozen=True)
class Set:
    """Examples (N, F) -> (N, P, 36), and which of them are `plain` noise above LEAST: see README.md."""

    features: Tensor
    logs: Tensor
    plain: Tensor


LEAST = 3.0
"""level from which a plain sample counts in the last of the figures"""


def draw(folders: Sequence[Path], counts: dict[str, int], seed: int, jobs: int = 1) -> dict[int, Set]:
    """Sets of examples of three planes and of one, of so many samples of each mix, by so many processes.

    A sample is drawn from its number alone: the sets do not depend on the number of processes.
    """
    found, plain = {3: list[Example](), 1: list[Example]()}, []
    start = time.monotonic()
    tasks = [(name, (seed, number, i)) for number, name in enumerate(counts) for i in range(counts[name])]
    make = partial(_drawn, scenes.folders(folders))
    with multiprocessing.get_context("spawn").Pool(jobs) if jobs > 1 else nullcontext() as pool:
        made = map(make, tasks) if pool is None else pool.imap(make, tasks, chunksize=20)
        for i, (examples, counted) in enumerate(made):
            found[3].append(examples[0])
            found[1].append(examples[1])
            plain.append(counted)
            if i % 200 == 199 or i == len(tasks) - 1:
                print(f"{i + 1} of {len(tasks)} samples, {time.monotonic() - start:.0f} s", flush=True)
    return {
        planes: Set(
            torch.stack([e.features for e in some]), torch.stack([e.logs for e in some]), torch.tensor(plain)
        )
        for planes, some in found.items()
    }


def _drawn(
    pool: Sequence[Sequence[Path]], task: tuple[str, tuple[int, ...]]
) -> tuple[tuple[Example, Example], bool]:
    """The examples of one sample of a mix, and whether it is plain noise above LEAST."""
    torch.set_num_threads(1)
    name, numbers = task
    draws = np.random.default_rng(numbers)
    while True:
        spoilt = spoil.sample(draws, pool, spoil.MIXES[name])
        examples = _examples(spoilt)
        if examples is not None:
            return examples, spoilt.plain and spoilt.level > LEAST


def _examples(spoilt: spoil.Sample) -> tuple[Example, Example] | None:
    """The example in colour and that of the green channel, or none of a picture that shows nothing."""
    green = slice(1, 2)
    try:
        return (
            example(spoilt.noisy, spoilt.noise, color=True),
            example(spoilt.noisy[..., green], spoilt.noise[..., green], color=False),
        )
    except ValueError:
        return None


class Network(nn.Module):
    """A linear map (skip) beside two hidden layers (a, b, c), from standardised features to P (36 + 1)."""

    def __init__(self, features: int, planes: int) -> None:
        super().__init__()
        self.planes = planes
        self.a, self.b = nn.Linear(features, WIDTH), nn.Linear(WIDTH, WIDTH // 2)
        self.c = nn.Linear(WIDTH // 2, planes * (reading.PAIRS + 1))
        self.skip = nn.Linear(features, planes * (reading.PAIRS + 1), bias=False)
        nn.init.zeros_(self.skip.weight)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithms (N, P, 36) of the variances less their mean, and (N, P) of the doubt in each plane."""
        hidden = functional.dropout(functional.silu(self.a(x)), DROPOUT, self.training)
        out = self.c(functional.silu(self.b(hidden))) + self.skip(x)
        return out[:, : self.planes * reading.PAIRS].view(-1, self.planes, reading.PAIRS), out[
            :, self.planes * reading.PAIRS :
        ]


def loss(found: Tensor, doubt: Tensor, logs: Tensor) -> tuple[Tensor, Tensor]:
    """What is made small, and the errors (N, P) of the logarithm of each plane's variance.

    Huber losses of each logarithm and of that of the sum, and the negative logarithm of a Laplace density of
    the latter, whose width is the doubt.
    """
    level = torch.logsumexp(found, -1) - torch.logsumexp(logs, -1)
    width = doubt.clamp(-4, 2)
    likely = (level.abs() / width.exp() + width).mean()
    each = functional.smooth_l1_loss(found, logs, beta=0.5)
    whole = functional.smooth_l1_loss(level, torch.zeros_like(level), beta=0.3)
    return each + 0.5 * whole + 0.1 * likely, level


def fit(data: Set, steps: int, seed: int) -> dict[str, Tensor]:
    """The tensors of the network, as `pellucid.noise.reading` names them, without the number of planes."""
    with seeds.fixed(seed):
        order = torch.randperm(len(data.features))
        held, kept = order.tensor_split([max(1, len(order) // HELD_OUT)])
        mean, spread = data.features[kept].mean(0), data.features[kept].std(0) + 1e-3
        middle = data.logs[kept].mean(0)
        x = ((data.features - mean) / spread).clamp(-4, 4)
        network = Network(x.shape[1], len(middle))
        optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-5
            some = kept[torch.randint(len(kept), (BATCH,))]
            shaken = x[some] + JITTER * torch.randn(BATCH, x.shape[1])
            optimizer.zero_grad()
            loss(*_with_middle(network(shaken), middle), data.logs[some])[0].backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        _, errors = loss(*_with_middle(network(x[held]), middle), data.logs[held])
    _tell(errors, data.plain[held])
    weights = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    return {**weights, "mean": mean, "spread": spread, "middle": middle}


def _with_middle(out: tuple[Tensor, Tensor], middle: Tensor) -> tuple[Tensor, Tensor]:
    return out[0] + middle, out[1]


def _tell(errors: Tensor, plain: Tensor) -> None:
    """Mean absolute errors of the logarithm of the variance in each plane, of what was held out."""
    for name, some in (("held out", errors), ("of them plain", errors[plain])):
        figures = ", ".join(f"{e:.3f}" for e in some.abs().mean(0)) if len(some) else "none"
        print(f"{name}: {len(some)} samples, error of the logarithm of the variance {figures}", flush=True)


def write(networks: dict[int, dict[str, Tensor]], path: Path) -> None:
    """The file that `pellucid.noise.reading` reads."""
    save_file({f"{planes}.{k}": t for planes, tensors in networks.items() for k, t in tensors.items()}, path)


def main() -> None:
    """Draw, fit, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="of photographs with next to no noise")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--first", type=int, default=12_000, help="samples of the first mix")
    parser.add_argument("--second", type=int, default=8_000, help="samples of the second mix")
    parser.add_argument("--third", type=int, default=8_000, help="samples of the third mix")
    parser.add_argument("--jobs", type=int, default=1, help="processes that draw")
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    counts = {"first": given.first, "second": given.second, "third": given.third}
    data = draw(given.folders, counts, given.seed, given.jobs)
    write({planes: fit(some, given.steps, given.seed) for planes, some in data.items()}, given.output)


if __name__ == "__main__":
    main()
