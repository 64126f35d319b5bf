"""Zero-Shot Noise2Noise: our `paper` and `fast` against a plain loop written from the paper alone.

    python benchmarks/zs_n2n.py                    # steps per second, then PSNR on four crops
    python benchmarks/zs_n2n.py speed --size 256   # steps per second only
    python benchmarks/zs_n2n.py psnr --names 13 kodim12
    python benchmarks/zs_n2n.py fast               # `fast` alone, into the rows that are there: a minute

The plain loop is what one writes first: convolutions with the two kernels in every step, three calls of the
network, Adam and a scheduler as torch gives them, the loss read in every step. It shares no code with
pellucid. Published (best iteration, Kodak24, sigma 25): 29.54 dB; here the plain loop itself, run on the same
crops, stands for it. Its best iteration, looked up every 100 steps with the clean picture, is called oracle.

Speed: each loop runs in turn, `--steps` steps at a time, five rounds; the fastest round of each counts, in
processor seconds where there is one thread. "same" computes what the paper's step computes, in float32;
"auto" does so in bfloat16 where the processor has it. Noise: Gaussian, sigma 25 of 255, not clipped, seed 0.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, mse_loss

import record
from pellucid import methods
from pellucid.steps import Budget, Task

SIGMA = 25 / 255
CPU = torch.device("cpu")


def plain(noisy: Tensor, iterations: int) -> Iterator[tuple[nn.Module, float]]:
    """The method as its paper words it, on (1, C, H, W); yields the network and the loss of every step."""
    channels = noisy.shape[1]
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(channels, 48, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(48, 48, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(48, channels, 1),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3 * iterations // 4, gamma=0.5)

    def down(image: Tensor) -> tuple[Tensor, Tensor]:
        one = torch.tensor([[0.0, 0.5], [0.5, 0.0]]).repeat(channels, 1, 1, 1)
        two = torch.tensor([[0.5, 0.0], [0.0, 0.5]]).repeat(channels, 1, 1, 1)
        return (
            conv2d(image, one, stride=2, groups=channels),
            conv2d(image, two, stride=2, groups=channels),
        )

    for _ in range(iterations):
        optimizer.zero_grad()
        first, second = down(noisy)
        clean_first, clean_second = first - network(first), second - network(second)
        residual = 0.5 * (mse_loss(first, clean_second) + mse_loss(second, clean_first))
        again_first, again_second = down(noisy - network(noisy))
        consistency = 0.5 * (mse_loss(clean_first, again_first) + mse_loss(clean_second, again_second))
        loss = residual + consistency
        loss.backward()
        optimizer.step()
        scheduler.step()
        yield network, loss.item()


def ours(task: Task, config: Any) -> Iterator[Any]:
    return methods.load("zs-n2n").steps(task, config, seed=0, device=CPU)


def speed(task: Task, size: int, steps: int, threads: int) -> dict[str, Any]:
    """Steps per second of each loop, the best of five rounds in turn."""
    paper = methods.load("zs-n2n").presets["paper"]
    endless = replace(task, budget=Budget(iterations=10**6))
    loops: dict[str, Iterator[Any]] = {
        "plain": plain(task.shots, 10**6),
        "same": ours(endless, paper),
        "auto": ours(endless, replace(paper, precision="auto")),
    }
    clock = time.process_time if threads == 1 else time.perf_counter
    best = dict.fromkeys(loops, 0.0)
    for _ in range(6):  # the first round warms up and is often the slowest
        for name, loop in loops.items():
            started = clock()
            for _ in itertools.islice(loop, steps):
                pass
            best[name] = max(best[name], steps / (clock() - started))
    rounded = {f"{name}_steps_per_second": round(value, 2) for name, value in best.items()}
    ratios = {f"{name}_over_plain": round(best[name] / best["plain"], 2) for name in ("same", "auto")}
    return {"size": size, **rounded, **ratios}


def quality(path: Path, size: int, iterations: int) -> dict[str, Any]:
    """PSNR of the plain loop (last and oracle) and of both presets."""
    clean, task = record.white(path, size, SIGMA)
    row: dict[str, Any] = {"noisy": record.psnr(clean, task.shots[0], digits=3)}
    curve = []
    started = time.process_time()
    for step, (network, _) in enumerate(plain(task.shots, iterations), 1):
        if step % 100 == 0 or step == iterations:
            with torch.no_grad():
                curve.append(record.psnr(clean, (task.shots - network(task.shots))[0], digits=3))
    row["plain"] = {
        "last": curve[-1],
        "oracle": max(curve),
        "cpu_seconds": round(time.process_time() - started, 1),
    }
    for name in ("paper", "fast"):
        row[name] = preset(clean, task, name, iterations)
    row["paper_minus_plain_oracle"] = round(row["paper"]["psnr"] - row["plain"]["oracle"], 3)
    return row


def preset(clean: Tensor, task: Task, name: str, iterations: int) -> dict[str, Any]:
    """PSNR and processor seconds of a preset; `paper` takes the iterations that are given."""
    config = methods.load("zs-n2n").presets[name]
    config = replace(config, iterations=iterations) if name == "paper" else config
    started = time.process_time()
    last = list(ours(task, config))[-1]
    return {
        "psnr": record.psnr(clean, last.estimate(), digits=3),
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def main() -> None:
    parser = record.arguments(__doc__, "zs_n2n")
    parser.add_argument("part", nargs="?", choices=["speed", "psnr", "both", "fast"], default="both")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=10, help="per round, for speed")
    parser.add_argument("--iterations", type=int, default=2000, help="of the plain loop and of paper")
    parser.add_argument("--names", nargs="+", default=["kodim12", "image_House256rgb", "13", "17"])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    found = [
        p
        for folder in ("clean/Set9", "clean/McMaster")
        for p in (given.data_root / folder).glob("*")
        if p.stem in given.names
    ]
    # Set9 is PNG and McMaster TIFF.
    paths = sorted(found, key=lambda p: given.names.index(p.stem))[: given.limit]
    if not paths:
        raise SystemExit(f"skipped: no pictures in {given.data_root}. Give --data-root or set PELLUCID_DATA.")
    out = record.destination(given)
    result: dict[str, Any] = record.about(given, __doc__)
    if given.part == "fast":
        result = {"rows": {}} if out is None else json.loads(out.read_text())
        result["fast"] = record.about(given, __doc__)
        for path in paths:
            fresh = preset(*record.white(path, given.size, SIGMA), "fast", given.iterations)
            result["rows"].setdefault(path.stem, {})["fast"] = fresh
            print(path.stem, fresh, flush=True)
        record.save(out, result)
    if given.part in ("speed", "both"):
        result["speed"] = speed(
            record.white(paths[0], given.size, SIGMA)[1], given.size, given.steps, given.threads
        )
        print(result["speed"], flush=True)
        record.save(out, result)
    if given.part in ("psnr", "both"):
        result["rows"] = {}
        for path in paths:
            result["rows"][path.stem] = quality(path, given.size, given.iterations)
            print(path.stem, result["rows"][path.stem], flush=True)
            record.save(out, result)
        gaps = [row["paper_minus_plain_oracle"] for row in result["rows"].values()]
        print(f"paper - plain oracle: {np.mean(gaps):+.2f} dB on average, {min(gaps):+.2f} at worst")


if __name__ == "__main__":
    main()
