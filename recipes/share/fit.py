"""Fits the networks of `pellucid.noise.share`, which say how much of a change is noise, to spoilt pictures.

    python recipes/share/fit.py samples pictures/ more-pictures/ -o samples/ --count 1500 --seed 0
    python recipes/share/fit.py fit samples/ -o share.safetensors

Pictures are spoilt as for the reading of the noise (recipes/reading: noises.py, scenes.py, spoil.py), a sixth
of them is gray, and the default denoises each, without a last look. What is kept of a sample are the features
of the change and three sums: of the squares of the noise, of the change, and of their product, which give the
error for every share. The networks learn the share for which the logarithm of the error is least on average,
where a result that is worse than its input counts more. `samples` goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

import pellucid
from pellucid.noise import residual
from pellucid.noise import share as shares

sys.path.insert(0, str(Path(__file__).parent.parent / "reading"))
import scenes
import spoil

SIDE = 256
"""pixels of a side at most"""
FLOOR = 10 ** (-4.8)
"""mean square error below which nobody sees a difference, white at 1"""
HARM = 3.0
"""weight of what is lost against the input, beside what is lost against the best share"""
NETWORKS, WIDTHS, STEPS, RATE, DROPOUT, DECAY = 8, (32, 16), 1500, 3e-3, 0.2, 0.02


def sample(seed: int, pool: list[list[Path]], mixes: Sequence[str], white: bool) -> dict[str, Any] | None:
    """Features and sums of one spoilt picture; None where nothing was changed, or no pixels shared noise.

    With `white` None where pixels shared it.
    """
    mix = spoil.MIXES[mixes[seed % len(mixes)]]
    one = spoil.sample(np.random.default_rng(seed), pool, mix)
    noisy, clean = (a[:SIDE, :SIDE] for a in (one.noisy, one.noisy - one.noise))
    noisy = np.clip(noisy, 0, 255).round().astype(np.uint8)
    gray = seed // len(mixes) % 6 == 0
    if gray:
        noisy, clean = np.ascontiguousarray(noisy[..., 1]), clean[..., 1]
    axis = None if gray else -1
    # the last look asks only about noise that pixels share
    if pellucid.inspect(noisy, channel_axis=axis).correlated == white:
        return None
    result = pellucid.denoise(noisy, channel_axis=axis, return_result=True, force=True)
    planes = noisy[None] if gray else np.moveaxis(noisy, -1, 0)
    truth = clean[None] if gray else np.moveaxis(clean, -1, 0)
    before, after = planes.astype(np.float32) / 255, np.clip(result.estimate[0], 0, 1)
    found = residual.measure(before, after)
    if result.method == "none" or found is None:
        return None
    seen = shares.features(before, after, result.noise, found)
    noise, change = truth / 255 - before, after - before
    sums = {"noise": np.mean(noise**2), "change": np.mean(change**2), "both": np.mean(noise * change)}
    return (
        None if seen is None else {"seed": seed, **{k: float(v) for k, v in sums.items()}, "features": seen}
    )


def collect(folders: list[Path], out: Path, count: int, seed: int, mixes: Sequence[str], white: bool) -> None:
    """Samples, a line of JSON each."""
    pool = scenes.folders(folders)
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{seed}.jsonl"
    done = len(file.read_text().splitlines()) if file.exists() else 0
    with file.open("a") as lines:
        for number in range(seed + done, seed + count):
            lines.write(json.dumps(sample(number, pool, mixes, white)) + "\n")
            lines.flush()


def errors(share: Tensor, sums: Tensor) -> Tensor:
    """Logarithm of the error that remains, for each share and (noise, change, both) of a sample."""
    noise, change, both = sums.unbind(-1)
    return (noise - 2 * share * both + share**2 * change).clamp_min(0).add(FLOOR).log()


def loss(share: Tensor, sums: Tensor) -> Tensor:
    """What is lost against the best share and, weighted, against the input."""
    best = (sums[:, 2] / sums[:, 1]).clamp(0, 1)
    left, given = errors(share, sums), errors(torch.zeros_like(best), sums)
    return (left - errors(best, sums) + HARM * (left - given).clamp_min(0)).mean()


def fitted(x: Tensor, sums: Tensor, seed: int) -> dict[str, Tensor]:
    """Weights of one small network."""
    draws = torch.Generator().manual_seed(seed)
    sizes = (x.shape[1], *WIDTHS, 1)
    weights = {}
    for name, inside, outside in zip("abc", sizes[:-1], sizes[1:], strict=True):
        first = torch.randn(outside, inside, generator=draws) / inside**0.5
        weights[f"{name}.weight"] = first.requires_grad_()
        weights[f"{name}.bias"] = torch.zeros(outside).requires_grad_()
    optimiser = torch.optim.AdamW(weights.values(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        chosen = torch.randint(len(x), (256,), generator=draws)
        seen = x[chosen] + 0.1 * torch.randn(256, x.shape[1], generator=draws)
        for name in "ab":
            seen = torch.nn.functional.silu(seen @ weights[f"{name}.weight"].T + weights[f"{name}.bias"])
            kept = torch.rand(seen.shape, generator=draws) > DROPOUT
            seen = seen * kept / (1 - DROPOUT)
        said = (seen @ weights["c.weight"].T + weights["c.bias"])[:, 0].sigmoid()
        optimiser.zero_grad()
        loss(said, sums[chosen]).backward()
        optimiser.step()
        schedule.step()
    return {name: value.detach() for name, value in weights.items()}


def network(x: Tensor, sums: Tensor) -> dict[str, Tensor]:
    """Several networks of unlike starts, stacked, and how the features are brought to one scale."""
    mean, spread = x.mean(0), x.std(0).clamp_min(1e-3)
    framed = ((x - mean) / spread).clamp(-3, 3)
    all_of = [fitted(framed, sums, seed) for seed in range(NETWORKS)]
    stacked = {name: torch.stack([one[name] for one in all_of]) for name in all_of[0]}
    stacked["c.weight"], stacked["c.bias"] = stacked["c.weight"][:, 0], stacked["c.bias"][:, 0]
    return {"mean": mean, "spread": spread, **stacked}


def tell(name: str, share: Tensor, sums: Tensor) -> None:
    """Decibels against the input, and how often it is worse."""
    decibel = 10 / np.log(10)
    gain = (errors(torch.zeros(len(sums)), sums) - errors(share, sums)) * decibel
    lost = (errors(share, sums) - errors(torch.ones(len(sums)), sums)) * decibel
    worse = gain[gain < -0.1]
    print(
        f"{name:22} mean gain {gain.mean():.3f} dB; {len(worse)} of {len(gain)} below the input by 0.1 dB, "
        f"in all {worse.sum():.1f} dB, worst {gain.min():.2f}; {int((lost > 0.3).sum())} more than 0.3 dB "
        "behind all of it"
    )


def read(folders: list[Path]) -> tuple[Tensor, Tensor, tuple[str, ...], Tensor]:
    """Features, sums, the features' names, and the seeds; a folder that is named twice counts twice."""
    files = [file for folder in folders for file in sorted(folder.glob("*.jsonl"))]
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    rows = [row for row in rows if row]
    names = tuple(sorted(rows[0]["features"]))
    x = torch.tensor([[row["features"][name] for name in names] for row in rows])
    sums = torch.tensor([[row[name] for name in ("noise", "change", "both")] for row in rows])
    return x, sums, names, torch.tensor([row["seed"] for row in rows])


def judged(x: Tensor, sums: Tensor, seeds: Tensor, parts: int = 6) -> None:
    """What networks say that did not see a sample."""
    part = torch.tensor([int(np.random.default_rng(seed).integers(parts)) for seed in seeds.tolist()])
    said = torch.ones(len(x))
    for number in range(parts):
        weights = network(x[part != number], sums[part != number])
        said[part == number] = torch.tensor([shares.run(weights, one) for one in x[part == number]])
    once = torch.from_numpy(np.unique(seeds.numpy(), return_index=True)[1])
    sums, said = sums[once], said[once]
    tell("the whole change", torch.ones(len(sums)), sums)
    tell("the share that is told", said, sums)
    tell("the best (an oracle)", (sums[:, 2] / sums[:, 1]).clamp(0, 1), sums)


def main() -> None:
    """Collect or fit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("samples")
    one.add_argument("folders", type=Path, nargs="+")
    one.add_argument("--count", type=int, default=1500)
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--mix", nargs="+", choices=sorted(spoil.MIXES), default=["second", "third"])
    one.add_argument("--white", action="store_true", help="keep pictures whose pixels share no noise instead")
    two = verbs.add_parser("fit")
    two.add_argument("folders", type=Path, nargs="+")
    for verb in (one, two):
        verb.add_argument("-o", dest="out", type=Path, required=True)
    given = parser.parse_args()
    if given.verb == "samples":
        collect(given.folders, given.out, given.count, given.seed, given.mix, given.white)
        return
    x, sums, names, seeds = read(given.folders)
    judged(x, sums, seeds)
    save_file(network(x, sums), given.out, metadata={"features": ",".join(names)})


if __name__ == "__main__":
    main()
