"""Claims of the papers that have no table: how MS-DIP enlarges, its two losses, and what takes how long.

    python benchmarks/claims.py --part fusion --size 64 --images 3        # 003, section 3.4
    python benchmarks/claims.py --part losses --size 64 --images 3        # 003, section 3.5
    python benchmarks/claims.py --part seconds --size 128 --images 2      # 000: RS-DIP is far faster than DIP
    python benchmarks/claims.py --part minutes                            # 003, section 4.6: 640 x 480

fusion       one fit a crop; its scales are put together by joint bilateral, bilinear and nearest enlargement
losses       three fits a crop: L1 first and then L2, L1 alone, L2 alone
seconds      DIP to the end of its rule, and RS-DIP with the time of its near-clean images, by both presets;
             `paper` is extrapolated from --probe steps to all of its iterations, the most that it may take
minutes      MS-DIP as printed but for its features (--features), on 640 x 480 (--shape): seconds of a step at
             every scale from --probe steps, times the 800 and 1000 steps after which the paper says it
             converges, and the 1500 of preset `paper`, the most that it may take

The fits of fusion and losses are `fast` with --steps at every scale and the paper's halves; those of `paper`
take too long for two cores. Crops are of Set9 with Gaussian noise of sigma 25, stated, and of CC15 as
recorded. PSNR is against the clean picture, which no method sees; seconds are of the processor.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

import torch

import record
from pellucid import methods, stopping
from pellucid.methods.single_image.ms_dip.equations import UPSAMPLING, fuse, sizes
from pellucid.noise import analysis
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task

SIGMA = 25 / 255
CPU = torch.device("cpu")
SETS = {"set9": ("clean/Set9", "*"), "cc15": ("real/CC15", "*_real.*")}
SHORT = {"stop": "none", "fusion": "halves"}
PARTS = ("fusion", "losses", "seconds", "minutes")


def picture(name: str, path: Path, size: int) -> tuple[Any, Task]:
    """The clean crop and the task with the noisy one."""
    if name == "cc15":
        clean = record.centre(path.with_name(path.name.replace("_real", "_mean")), size)
        noisy = record.centre(path, size)
        return clean, Task(shots=noisy[None], noise=analysis.analyse(noisy[None], color=True, scale=255))
    return record.white(path, size, SIGMA)


def fitted(task: Task, steps: int, **changes: Any) -> Any:
    """The last step of a short MS-DIP."""
    method = methods.load("ms-dip")
    config = replace(method.presets["fast"], iterations=steps, switch=steps // 2, **SHORT, **changes)
    (step,) = deque(method.steps(task, config, seed=0, device=CPU), maxlen=1)
    return step


def near_clean(task: Task) -> tuple[Any, float]:
    """What bm3d and nlm make of it, and their seconds."""
    started = time.process_time()
    made = []
    for name in ("bm3d", "nlm"):
        method = methods.load(name)
        (step,) = method.steps(task, method.config(), seed=0, device=CPU)
        made.append(step.estimate())
    return torch.stack(made), time.process_time() - started


def seconds_of(name: str, preset: str, task: Task, probe: int) -> tuple[float, int, Any]:
    """Processor seconds, iterations and estimate: `fast` to the end of its rule, `paper` extrapolated."""
    method = methods.load(name)
    config = method.presets[preset]
    started = time.process_time()
    steps = method.steps(task, config, seed=0, device=CPU)
    if preset == "paper":
        deque(islice(steps, probe), maxlen=1)
        return (time.process_time() - started) / probe * config.iterations, config.iterations, None
    outcome = stopping.until(steps, stopping.parse(method.stop, sigma=task.noise.level))
    return time.process_time() - started, outcome.iterations, outcome.estimate


def work(part: str, name: str, path: Path, size: int, steps: int, probe: int, features: str) -> record.Row:
    if part == "minutes":
        return minutes(features, probe, path.stem)
    clean, task = picture(name, path, size)
    row: record.Row = {"noisy": record.psnr(clean, task.shots[0], digits=3)}
    started = time.process_time()
    if part == "fusion":
        scales = fitted(task, steps).extras()["scales"]
        for kind in UPSAMPLING:
            row[kind] = record.psnr(clean, fuse(scales, upsampling=kind), digits=3)
        row |= {"finest": record.psnr(clean, scales[0], digits=3), "scales": len(scales)}
    elif part == "losses":
        for loss in ("l1-l2", "l1", "l2"):
            row[loss] = record.psnr(clean, fitted(task, steps, loss=loss).estimate(), digits=3)
    else:
        near, before = near_clean(task)
        for preset in ("fast", "paper"):
            dip = seconds_of("dip", preset, task, probe)
            rs_dip = seconds_of("rs-dip", preset, replace(task, near_clean=near), probe)
            row |= {
                f"dip {preset} seconds": round(dip[0], 1),
                f"dip {preset} iterations": dip[1],
                f"rs-dip {preset} seconds": round(rs_dip[0] + before, 1),
                f"rs-dip {preset} iterations": rs_dip[1],
            }
            if preset == "fast":
                row |= {"dip": record.psnr(clean, dip[2]), "rs-dip": record.psnr(clean, rs_dip[2])}
    return row | {"cpu_seconds": round(time.process_time() - started, 1)}


def minutes(features: str, probe: int, shape: str) -> record.Row:
    """Seconds of a step of MS-DIP at every scale of a picture of so many columns and rows, as 640x480."""
    method = methods.load("ms-dip")
    config = replace(method.presets["paper"], features=features, iterations=probe, stop="none")
    width, height = map(int, shape.split("x"))
    levels = sizes(height, width, ratio=config.ratio, minimum=config.minimum)
    picture = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    spent: list[float] = []
    started = time.process_time()
    for step in method.steps(
        Task(shots=picture, noise=NoiseReport.white(SIGMA, 3)), config, seed=0, device=CPU
    ):
        if step.iteration % probe == 0:
            spent.append((time.process_time() - started) / probe)
            started = time.process_time()
    whole = sum(spent)
    return {
        "scales": len(levels),
        "seconds a step, coarse to fine": [round(s, 3) for s in spent],
        "minutes, 800 steps a scale": round(800 * whole / 60, 1),
        "minutes, 1000 steps a scale": round(1000 * whole / 60, 1),
        "minutes, 1500 steps a scale": round(1500 * whole / 60, 1),
        "features": Path(features).stem,
    }


def summary(rows: dict[str, record.Row]) -> record.Row:
    """Means by part and set of every figure that all of its rows have."""
    groups: dict[str, list[record.Row]] = {}
    for key, row in rows.items():
        groups.setdefault(" ".join(key.split()[:2]), []).append(row)
    return {
        group: {
            field: round(mean(row[field] for row in found), 3)
            for field in found[0]
            if all(isinstance(row.get(field), int | float) for row in found)
        }
        for group, found in groups.items()
    }


def main() -> None:
    parser = record.arguments(__doc__, "claims")
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--images", type=int, default=3, help="pictures of each set")
    parser.add_argument("--steps", type=int, default=120, help="at every scale")
    parser.add_argument("--probe", type=int, default=3, help="steps that seconds are read from")
    parser.add_argument("--features", default="random", help="of minutes: vgg16, or a file of its weights")
    parser.add_argument("--shape", default="640x480", help="of minutes: columns and rows")
    given = parser.parse_args()
    if given.out is None:
        given.out = record.HERE / "results" / f"claims_{given.part}.json"
    out, head = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    result: record.Row = head | {"rows": rows}
    sets = {"none": [Path(given.shape)]} if given.part == "minutes" else {
        s: record.pictures(given.data_root, SETS[s][0], given.limit or given.images, SETS[s][1])
        for s in given.sets
    }  # fmt: skip
    jobs = [
        (given.part, name, path, given.size, given.steps, given.probe, given.features)
        for name, paths in sets.items()
        for path in paths
    ]

    def each() -> None:
        result["summary"] = summary(rows)
        record.save(out, result)

    record.fill(
        rows,
        jobs,
        work,
        name=lambda part, name, path, size, steps, probe, features: (
            f"{part} {name} {path.stem} {size} {steps if part in ('fusion', 'losses') else probe}"
        ),
        workers=1,
        threads=given.threads,
        each=each,
    )
    each()
    for group, figures in result["summary"].items():
        print(group, figures)


if __name__ == "__main__":
    main()
