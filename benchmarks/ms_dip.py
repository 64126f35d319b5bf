"""MS-DIP against DIP with the same generator, and what each of its parts is worth; truth-free stops.

    python benchmarks/ms_dip.py                                 # Set9 and CC15, 128x128 centre crops
    python benchmarks/ms_dip.py --size 256 --sets set9
    python benchmarks/ms_dip.py --sets set9 --variants 1500 3000 --size 64 --images 2 --out …   # convergence
    python benchmarks/ms_dip.py --folder train/BSDS500_train_test --limit 4 --out fitted.json

set9 (or --folder): Gaussian noise of sigma 25 of 255, not clipped, seed 0; the level is stated to all. cc15:
the noise of cameras, analysed as `pellucid denoise` does; truth is the mean of many shots. Every variant but
the two long ones is `fast` of its method with one thing changed:

dip          ES-EMV; the best step by the clean picture stands beside it and is called oracle
ms-dip       as it is; its finest scale alone (no ensemble) and the paper's halves come from the same fit
no-tie       consistency=none          pixels    consistency=pixels         fixed     weight=0.5 at all scales
l1-l2        loss=l1-l2, switch=40
1500, 3000   so many steps per scale of `paper` with the compact generator and scales down to 32 pixels
bm3d         CBM3D at the true level: on cc15 the standard deviation of noisy less truth, an oracle

PSNR is against the clean picture, which no method and no rule sees. Rows are kept as they come; a second call
goes on where the first ended. Seconds are of the processor, in one process of --threads.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor

import record
from pellucid import methods, stopping
from pellucid.methods.single_image.ms_dip.equations import fuse
from pellucid.noise import analysis
from pellucid.noise.report import NoiseReport
from pellucid.steps import Step, Task

SIGMA = 25 / 255
CPU = torch.device("cpu")
CHANGES: dict[str, dict[str, Any]] = {
    "ms-dip": {},
    "no-tie": {"consistency": "none"},
    "pixels": {"consistency": "pixels"},
    "fixed": {"weight": 0.5},
    "l1-l2": {"loss": "l1-l2", "switch": 40},
    "1500": {"iterations": 1500},
    "3000": {"iterations": 3000},
}
PAPER = {
    "network": "compact", "minimum": 32, "stop": "none", "level": "report", "features": "random"
}  # fmt: skip
DEFAULT = ("bm3d", "dip", "ms-dip", "no-tie", "fixed")


def picture(name: str, path: Path, size: int) -> tuple[Tensor, Task]:
    """The clean crop and the task with the noisy one."""
    if name == "cc15":
        clean = record.centre(path.with_name(path.name.replace("_real", "_mean")), size)
        noisy = record.centre(path, size)
        return clean, Task(shots=noisy[None], noise=analysis.analyse(noisy[None], color=True, scale=255))
    return record.white(path, size, SIGMA)


def run(method: str, task: Task, **changes: Any) -> Iterator[Step]:
    record_ = methods.load(method)
    long = changes.get("iterations", 0) >= 1500
    config = replace(record_.presets["paper"], **PAPER) if long else record_.presets["fast"]
    return record_.steps(task, replace(config, **changes), seed=0, device=CPU)


def dip(task: Task, clean: Tensor) -> record.Row:
    """One run to its end: where ES-EMV stops, and the best step."""
    rule, stopped, scores = stopping.parse(methods.load("dip").stop), None, []
    for step in run("dip", task):
        scores.append(record.psnr(clean, step.estimate(), digits=3))
        if stopped is None and rule.update(step):
            stopped = step.iteration
    best = rule.best()
    assert best is not None
    return {
        "psnr": record.psnr(clean, best[1], digits=3),
        "iteration": best[0],
        "oracle": max(scores),
        "behind_oracle": round(max(scores) - record.psnr(clean, best[1], digits=3), 3),
        "stopped": stopped,
    }


def ms_dip(task: Task, clean: Tensor, **changes: Any) -> record.Row:
    """The ensemble, and what its finest scale is alone."""
    (step,) = deque(run("ms-dip", task, **changes), maxlen=1)
    scales = step.extras()["scales"]
    return {
        "psnr": record.psnr(clean, step.estimate(), digits=3),
        "finest": record.psnr(clean, scales[0], digits=3),
        "halves": record.psnr(clean, fuse(scales), digits=3),
        "iterations": step.iteration,
        "scales": len(scales),
    }


def scored(name: str, path: Path, size: int, variant: str, features: str | None = None) -> record.Row:
    clean, task = picture(name, path, size)
    noisy = task.shots[0]
    started = time.process_time()
    if variant == "bm3d":
        level = SIGMA if name != "cc15" else float((noisy - clean).std())
        known = replace(task, noise=NoiseReport.white(level, 3))
        row: record.Row = {"psnr": record.psnr(clean, next(run("bm3d", known)).estimate(), digits=3)}
    elif variant == "dip":
        row = dip(task, clean)
    else:
        named = {} if features is None else {"features": features}
        row = ms_dip(task, clean, **CHANGES[variant], **named)
    seconds = round(time.process_time() - started, 1)
    return (
        {"set": name, "image": path.stem, "variant": variant, "noisy": record.psnr(clean, noisy, digits=3)}
        | row
        | {"cpu_seconds": seconds}
    )


def summary(rows: dict[str, record.Row]) -> record.Row:
    """Means per set over the pictures that have a row of dip and of ms-dip."""
    result: record.Row = {}
    for name in sorted({row["set"] for row in rows.values()}):
        by: dict[str, dict[str, record.Row]] = {}
        for row in rows.values():
            if row["set"] == name:
                by.setdefault(row["variant"], {})[row["image"]] = row
        both = set(by.get("dip", {})) & set(by.get("ms-dip", {}))
        if "3000" in by:
            result[f"{name}, 3000 minus 1500 steps"] = {
                i: round(row["psnr"] - by["1500"][i]["psnr"], 3) for i, row in by["3000"].items()
            }
        if not both:
            continue
        part: record.Row = {"images": len(both)}
        for variant, images in by.items():
            if both <= set(images):
                part[variant] = round(mean(images[i]["psnr"] for i in both), 3)
        ours = by["ms-dip"]
        for field in ("finest", "halves"):
            part[f"ms-dip {field}"] = round(mean(ours[i][field] for i in both), 3)
        part["dip oracle"] = round(mean(by["dip"][i]["oracle"] for i in both), 3)
        part["gain over dip"] = round(part["ms-dip"] - part["dip"], 3)
        part["dip within 0.7 of oracle"] = sum(by["dip"][i]["behind_oracle"] <= 0.7 for i in both)
        result[name] = part
    return result


def main() -> None:
    parser = record.arguments(__doc__, "ms_dip")
    parser.add_argument("--sets", nargs="+", choices=["set9", "cc15"], default=["set9", "cc15"])
    parser.add_argument("--folder", help="a folder of clean pictures instead of the sets")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--features", help="of the tie, for 1500 and 3000: a file of VGG weights")
    parser.add_argument("--variants", nargs="+", choices=["bm3d", "dip", *CHANGES], default=DEFAULT)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--images", type=int, help="so many pictures of each set, and the results are kept")
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    result: record.Row = head | {"rows": rows}
    folders = {"set9": ("clean/Set9", "*"), "cc15": ("real/CC15", "*_real.*")}
    wanted = {given.folder: (given.folder, "*")} if given.folder else {s: folders[s] for s in given.sets}
    jobs = [
        (name, path, given.size, variant, given.features)
        for name, (folder, pattern) in wanted.items()
        for path in record.pictures(given.data_root, folder, given.limit or given.images, pattern)
        for variant in given.variants
    ]

    def each() -> None:
        result["summary"] = summary(rows)
        record.save(out, result)

    record.fill(
        rows,
        jobs,
        scored,
        name=lambda name, path, size, variant, features: (
            f"{name} {path.stem} {size} {variant}" + (f" {Path(features).stem}" if features else "")
        ),
        workers=given.workers,
        threads=given.threads,
        each=each,
    )
    print(summary(rows))


if __name__ == "__main__":
    main()
