"""Self2Self fast against DIP fast with ES-EMV, and how its uncertainty map goes with the true error.

    python benchmarks/self2self.py
        three 128x128 centre crops of Set9, Gaussian noise of sigma 25 of 255, not clipped, seed 0
    python benchmarks/self2self.py --names kodim12 --preset paper --iterations 2000

PSNR against the clean picture is only for the table; no method and no stop rule sees it. r is Pearson's
correlation of the map with |estimate - clean| per pixel (mean over channels), r_8 after averaging both over
blocks of 8x8 pixels: the error of a single pixel is a draw, its size over a block is what a map can foretell.
Seconds are those of the processor, which other programs disturb least.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

import record
from pellucid import methods
from pellucid.steps import Budget, Task
from pellucid.stopping import parse, until

SIGMA = 25 / 255
NAMES = ("image_House256rgb", "image_Lena512rgb", "kodim12")


def correlation(spread: Tensor, error: Tensor, side: int) -> float:
    """Pearson's r of two maps (H, W), averaged over blocks first."""
    pair = torch.stack([avg_pool2d(x[None, None], side).flatten() for x in (spread, error)])
    return float(torch.corrcoef(pair)[0, 1])


def run(name: str, task: Task, preset: str, clean: Tensor) -> tuple[dict[str, Any], dict[str, Any]]:
    method = methods.load(name)
    started = time.process_time()
    outcome = until(
        method.steps(task, method.presets[preset], seed=0, device=torch.device("cpu")),
        parse(method.stop),
        budget=task.budget,
    )
    row = {
        "psnr": record.psnr(clean, outcome.estimate, digits=3),
        "iterations": outcome.iterations,
        "cpu_seconds": round(time.process_time() - started, 1),
    }
    if "uncertainty" in outcome.extras:
        spread = outcome.extras["uncertainty"].mean(0)
        error = (outcome.estimate - clean).abs().mean(0)
        row |= {f"r_{side}": round(correlation(spread, error, side), 3) for side in (1, 8)}
    return row, outcome.extras


def main() -> None:
    parser = record.arguments(__doc__, "self2self")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--iterations", type=int, help="of self2self; else those of the preset")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    paths = {p.stem: p for p in record.pictures(given.data_root, "clean/Set9", None)}
    out = record.destination(given)
    rows: dict[str, Any] = {}
    for name in given.names[: given.limit]:
        clean, task = record.white(paths[name], given.size, SIGMA)
        row: dict[str, Any] = {"noisy": record.psnr(clean, task.shots[0], digits=3)}
        row["dip"] = run("dip", task, "fast", clean)[0]
        limited = Task(shots=task.shots, noise=task.noise, budget=Budget(iterations=given.iterations))
        row["self2self"] = run("self2self", limited, given.preset, clean)[0]
        row["gain_over_dip"] = round(row["self2self"]["psnr"] - row["dip"]["psnr"], 3)
        rows[name] = row
        print(name, row, flush=True)
        record.save(out, record.about(given, __doc__) | {"size": given.size, "rows": rows})
    gains = [row["gain_over_dip"] for row in rows.values()]
    print(f"self2self {given.preset} - dip fast: {np.mean(gains):+.2f} dB, {min(gains):+.2f} at worst")


if __name__ == "__main__":
    main()
