"""Learns from what weights a fit to one picture best begins: Reptile over noisy pictures.

    python recipes/start/fit.py learn zs-n2n pictures/ -o start.safetensors --tasks 4000 --inner 1
    python recipes/start/fit.py compare zs-n2n start.safetensors held-out/ --whole 600 --few 150

Each picture has one noisy version, white noise of a level between 5 and 60 of 255 drawn once and for ever;
the picture itself is never shown. A task is a crop of one of them: the method fits it for a few steps from
the weights of today, and these move a share of the way to what came out (Nichol, Achiam, Schulman, "On
First-Order Meta-Learning Algorithms", 2018). With --inner 1 a task is a single step
and the optimiser is kept. `compare` fits pictures that nothing was learnt from, many steps with the method's
own stop rule from random weights and few from either, and prints PSNR and processor seconds.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from skimage.io import imread
from torch import Tensor, nn

from pellucid import devices, engine, methods, metrics, networks, seeds, stopping
from pellucid.methods.single_image import codes, zs_n2n
from pellucid.methods.single_image.dip import equations
from pellucid.noise.report import NoiseReport
from pellucid.steps import Budget, Method, Task

CPU = torch.device("cpu")
LOW, HIGH = 5 / 255, 60 / 255
"""levels of the noise, drawn evenly by their logarithm"""
MOST = 384
"""pixels a side that are taken of a picture"""


def picture(path: Path, channels: int, most: int) -> Tensor:
    """The middle of a picture, (C, H, W) in [0, 1]."""
    pixels = imread(path)
    pixels = np.repeat(pixels[..., None], 3, 2) if pixels.ndim == 2 else pixels[..., :3]
    top, left = (max(0, (side - most) // 2) for side in pixels.shape[:2])
    values = torch.from_numpy(pixels[top : top + most, left : left + most].astype(np.float32) / 255)
    values = values.permute(2, 0, 1)
    return values if channels == 3 else values.mean(0, keepdim=True)


def noisy(clean: Tensor, name: str, sigma: float | None = None) -> tuple[Tensor, float]:
    """The one noisy version of a picture, and its level."""
    draws = seeds.generator(0, "noise", name)
    share = float(torch.rand((), generator=draws))
    level = LOW * (HIGH / LOW) ** share if sigma is None else sigma
    return clean + level * torch.randn(clean.shape, generator=draws), level


def fitted(
    method: Method,
    shot: Tensor,
    sigma: float,
    start: Mapping[str, Tensor] | None,
    *,
    count: int,
    seed: int,
    rule: str = "",
) -> tuple[dict[str, Tensor], Tensor]:
    """The weights after some iterations, but for what belongs to the picture alone, and the estimate."""
    task = Task(
        shots=shot[None],
        noise=NoiseReport.white(sigma, len(shot)),
        initial=start,
        budget=Budget(iterations=count),
    )
    config = method.presets["fast"]
    if hasattr(config, "start"):
        config = replace(config, start="random")
    stop = stopping.parse(rule, sigma=sigma) if rule else None
    done = stopping.until(method.steps(task, config, seed=seed, device=CPU), stop, budget=task.budget)
    return {n: v for n, v in (done.state or {}).items() if n != "code"}, done.estimate


def toward(now: Mapping[str, Tensor], then: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """A share of the way; whole numbers are taken as they come."""
    return {
        name: value.lerp(then[name], share) if value.is_floating_point() else then[name]
        for name, value in now.items()
    }


def drawn(shots: list[tuple[Tensor, float]], side: int, draws: torch.Generator) -> tuple[Tensor, float]:
    """A crop of one of the noisy pictures, and its level."""
    shot, sigma = shots[int(torch.randint(len(shots), (), generator=draws))]
    top, left = (int(torch.randint(0, max(n - side, 0) + 1, (), generator=draws)) for n in shot.shape[-2:])
    return shot[:, top : top + side, left : left + side], sigma


def learn(given: argparse.Namespace) -> None:
    """The outer loop; the weights are written every 50 tasks."""
    method = methods.load(given.method)
    paths = sorted(given.pictures.glob("*.png"))
    shots = [noisy(picture(path, given.channels, MOST), path.stem) for path in paths]
    draws = seeds.generator(given.seed, "tasks")
    if given.inner == 1:
        together(given, shots, draws)
        return
    weights: dict[str, Tensor] | None = None
    began = time.process_time()
    for number in range(1, given.tasks + 1):
        part, sigma = drawn(shots, given.side, draws)
        then, _ = fitted(method, part, sigma, weights, count=given.inner, seed=number)
        share = 1 - 0.9 * (number - 1) / given.tasks
        weights = then if weights is None else toward(weights, then, share)
        if number % 50 == 0 or number == given.tasks:
            save_file({k: v.contiguous() for k, v in weights.items()}, given.out)
            print(number, f"{time.process_time() - began:.0f} s", flush=True)


Step = Callable[[Tensor], Tensor]
"""The loss of a method on a noisy crop (C, H, W)."""


def halves(given: argparse.Namespace) -> tuple[nn.Module, float, Step]:
    """The network of zs-n2n, its learning rate and its loss."""
    config = methods.load("zs-n2n").presets["fast"]
    with seeds.fixed(given.seed, "weights"):
        network = networks.builder("shallow")(given.channels, given.channels, width=config.width).train()
    network = engine.placed(network, CPU)

    def step(crop: Tensor) -> Tensor:
        part = engine.packed(crop[None])
        with devices.arithmetic("auto", CPU):
            loss, _ = zs_n2n.objective(network, part, engine.packed(zs_n2n.halves(part)), config.consistency)
        return loss

    return network, config.learning_rate, step


def from_code(given: argparse.Namespace) -> tuple[nn.Module, float, Step]:
    """The same of dip: the code of each crop is made as a fit would make it."""
    config = methods.load("dip").presets["fast"]
    draws = seeds.generator(given.seed, "code")
    inputs = config.code_channels + len(codes.BLURS) * given.channels
    with seeds.fixed(given.seed, "weights"):
        network = networks.builder(config.network)(inputs, given.channels).train()

    def step(crop: Tensor) -> Tensor:
        code = codes.make(
            config.code,
            crop,
            known=torch.ones(crop.shape[1:]),
            guide=None,
            channels=config.code_channels,
            scale=config.code_scale,
            generator=draws,
        )
        return equations.energy(network(equations.perturbed(code, config.jitter, draws))[0], crop)

    return network, config.learning_rate, step


def together(given: argparse.Namespace, shots: list[tuple[Tensor, float]], draws: torch.Generator) -> None:
    """Reptile with fits of one step, which is training on all pictures at once: the optimiser is kept."""
    network, highest, step = (halves if given.method == "zs-n2n" else from_code)(given)
    prefix = "" if given.method == "zs-n2n" else "network."
    optimizer = engine.adam(network.parameters(), highest)
    began, total = time.process_time(), 0.0
    for number in range(1, given.tasks + 1):
        loss = step(drawn(shots, given.side, draws)[0])
        rate = highest * 0.5 * (1 + math.cos(math.pi * (number - 1) / given.tasks))
        engine.descend(optimizer, loss, learning_rate=rate)
        total += float(loss.detach())
        if number % 500 == 0 or number == given.tasks:
            save_file(
                {prefix + name: _half(value) for name, value in network.state_dict().items()}, given.out
            )
            print(number, f"{total / 500:.5f}", f"{time.process_time() - began:.0f} s", flush=True)
            total = 0.0


def _half(value: Tensor) -> Tensor:
    """As 16 bits; counts stay whole."""
    return (value.half() if value.is_floating_point() else value).contiguous()


def compare(given: argparse.Namespace) -> None:
    """PSNR and seconds on pictures that nothing was learnt from."""
    method = methods.load(given.method)
    start = {
        name: value.float() if value.is_floating_point() else value
        for name, value in load_file(given.start).items()
    }
    ways = {
        **({} if given.learnt_only else {"random": (None, given.whole)}),
        **({"random, few": (None, given.few)} if given.also_few else {}),
        "learnt": (start, given.few),
    }
    for sigma in given.sigma:
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for path in sorted(given.pictures.glob("*.png"))[:: given.every]:
            clean = picture(path, given.channels, given.side)
            shot, _ = noisy(clean, path.stem, sigma / 255)
            for way, (weights, count) in ways.items():
                began = time.process_time()
                rule = method.stop.replace("none", "") if way == "random" else ""
                _, estimate = fitted(method, shot, sigma / 255, weights, count=count, seed=0, rule=rule)
                found[way].append(
                    (metrics.psnr(clean, estimate, data_range=1.0), time.process_time() - began)
                )
        for way, (_, count) in ways.items():
            score, seconds = (mean(column) for column in zip(*found[way], strict=True))
            print(f"sigma {sigma:g} {way}: {count} steps {score:.2f} dB {seconds:.2f} s", flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    learning, comparing = verbs.add_parser("learn"), verbs.add_parser("compare")
    for verb in (learning, comparing):
        verb.add_argument("method", choices=["zs-n2n", "dip"])
    comparing.add_argument("start", type=Path)
    for verb in (learning, comparing):
        verb.add_argument("pictures", type=Path)
        verb.add_argument("--channels", type=int, choices=[1, 3], default=3)
        verb.add_argument("--side", type=int, default=128, help="of a crop, pixels")
    learning.add_argument("-o", "--out", type=Path, required=True)
    learning.add_argument("--tasks", type=int, default=400)
    learning.add_argument("--inner", type=int, default=20, help="steps of a fit; 1: all together")
    learning.add_argument("--seed", type=int, default=0)
    comparing.add_argument("--whole", type=int, default=600, help="steps from random weights")
    comparing.add_argument("--few", type=int, default=150, help="steps from learnt ones")
    comparing.add_argument("--also-few", action="store_true", help="few steps from random weights as well")
    comparing.add_argument("--learnt-only", action="store_true", help="no fit from random weights")
    comparing.add_argument("--sigma", type=float, nargs="+", default=[10, 25, 50])
    comparing.add_argument("--every", type=int, default=1, help="take every so many-th picture")
    given = parser.parse_args()
    torch.set_num_threads(1)
    (learn if given.verb == "learn" else compare)(given)


if __name__ == "__main__":
    main()
