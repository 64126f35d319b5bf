"""The training advice of a blog post for Deep Image Prior, measured: one thing changed at a time.

    python benchmarks/dip_tricks.py                 # three training crops of 64x64, sigma 25
    python benchmarks/dip_tricks.py --size 128 --folder clean/Set9

All start from `fast` and run to its last iteration, seed 0. `psnr` is where ES-EMV stops, `oracle` the best
step by the clean picture, `last` the end. Noise: Gaussian, sigma 25 of 255, not clipped. The seed row is
`fast` with another seed.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import torch

import record
from ms_dip import picture
from pellucid import methods, stopping

CHANGES: dict[str, dict[str, Any]] = {
    "fast": {},
    "cosine": {"schedule": "cosine"},
    "l1": {"loss": "l1"},
    "l1+l2": {"loss": "l1+l2"},
    "l1+perceptual": {"loss": "l1", "perceptual": 1.0},
    "perceptual": {"perceptual": 1.0},
    "plain-5": {"network": "plain", "layers": 5},
    "plain-9": {"network": "plain", "layers": 9},
    "plain-15": {"network": "plain", "layers": 15},
    "other seed": {},
}


def scored(path: Path, size: int, change: str) -> record.Row:
    clean, task = picture("set9", path, size)
    method = methods.load("dip")
    config = replace(method.presets["fast"], **CHANGES[change])
    rule, fired, scores = stopping.parse(method.stop), False, []
    started = time.process_time()
    seed = 1 if change == "other seed" else 0
    for step in method.steps(task, config, seed=seed, device=torch.device("cpu")):
        scores.append(record.psnr(clean, step.estimate(), digits=3))
        fired = fired or rule.update(step)
    best = rule.best()
    assert best is not None
    seconds = round(time.process_time() - started, 1)
    return {
        "image": path.stem,
        "change": change,
        "psnr": record.psnr(clean, best[1], digits=3),
        "oracle": max(scores),
        "last": scores[-1],
        "cpu_seconds": seconds,
    }


def main() -> None:
    parser = record.arguments(__doc__, "dip_tricks")
    parser.add_argument("--folder", default="train/BSDS500_train_test")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--every", type=int, default=67, help="take every so-manieth picture of the folder")
    parser.add_argument("--images", type=int, default=3)
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    result: record.Row = head | {"rows": rows}
    files = record.pictures(given.data_root, given.folder, None)[7 :: given.every][: given.images]

    def each() -> None:
        result["summary"] = {
            change: {
                figure: round(mean(row[figure] for row in found), 2)
                for figure in ("psnr", "oracle", "last", "cpu_seconds")
            }
            | {"images": len(found)}
            for change in CHANGES
            if (found := [row for row in rows.values() if row["change"] == change])
        }
        record.save(out, result)

    jobs = [(path, given.size, change) for path in files for change in CHANGES]
    record.fill(
        rows,
        jobs,
        scored,
        name=lambda path, size, change: f"{path.stem} {size} {change}",
        workers=given.workers,
        threads=given.threads,
        each=each,
    )
    print(result.get("summary"))


if __name__ == "__main__":
    main()
