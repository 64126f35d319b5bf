"""Deep Image Prior: what the stop rule costs against the oracle, and what `fast` saves against `paper`.

    python benchmarks/dip_stop.py stop
        fast with ES-EMV on Set9, 256x256 centre crops
    python benchmarks/dip_stop.py race --size 128
        paper against fast on one crop, paper until it has fallen
    python benchmarks/dip_stop.py stop --folder train/BSDS500_train_test --limit 4 --out fitted.json
        how the constants were chosen: never on Set9

Noise: Gaussian, sigma 25 of 255, not clipped, seed 0. Data: --data-root, else PELLUCID_DATA, else
../shared/data. Times are processor seconds of one thread, which other programs disturb least; wall seconds
stand beside them. PSNR against the clean image is never shown to a stop rule; its choices are called oracle.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import record
from pellucid import methods
from pellucid.steps import Task
from pellucid.stopping import parse

SIGMA = 25 / 255


def follow(
    clean: Tensor,
    task: Task,
    preset: str,
    rule_text: str,
    *,
    until_fallen: float = math.inf,
    save: Callable[[dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Run a preset to its end, note where the rule would have stopped it, score every step from outside.

    It ends earlier where the outputs have fallen by `until_fallen` dB from their peak (means of 50 steps).
    """
    method = methods.load("dip")
    rule = parse(rule_text)
    raw: list[float] = []
    average: list[float] = []
    seconds: list[float] = []
    row: dict[str, Any] = {"rule": rule_text}
    spent, wall = 0.0, 0.0
    steps = method.steps(task, method.presets[preset], seed=0, device=torch.device("cpu"))
    while True:
        start, start_wall = time.process_time(), time.monotonic()
        step = next(steps, None)
        if step is None:
            break
        stop = rule.update(step)  # it goes on after it has fired, for its curve only
        spent, wall = spent + time.process_time() - start, wall + time.monotonic() - start_wall
        seconds.append(spent)
        raw.append(record.psnr(clean, step.output, digits=6))
        average.append(record.psnr(clean, step.estimate(), digits=6))
        best = rule.best()
        if "by" not in row.get("fired", {}):
            row["fired"] = {"iterations": step.iteration, "cpu_seconds": spent, "wall_seconds": wall}
            if stop:
                row["fired"]["by"] = rule.name
            if best is not None:
                row["returned"] = {"iteration": best[0], "psnr": record.psnr(clean, best[1], digits=6)}
        if save is not None and step.iteration % 50 == 0:
            save(row | curves(raw, average, seconds, rule.statistic))
        smooth = np.convolve(raw, np.ones(50) / 50, mode="valid") if len(raw) >= 50 else np.zeros(1)
        if smooth.max() - smooth[-1] > until_fallen:
            break
    oracle = int(np.argmax(average))
    return row | {
        "iterations": len(raw),
        "cpu_seconds": spent,
        "wall_seconds": wall,
        "oracle": {"iteration": oracle + 1, "psnr": average[oracle]},
        "behind_oracle": average[oracle] - row["returned"]["psnr"],
        "noisy_psnr": record.psnr(clean, task.shots[0], digits=6),
        "last_psnr": average[-1],
        **curves(raw, average, seconds, rule.statistic),
    }


def curves(
    raw: list[float], average: list[float], seconds: list[float], statistic: list[float]
) -> dict[str, Any]:
    return {
        "every_10": {
            "psnr_estimate": [round(v, 3) for v in average[9::10]],
            "psnr_output": [round(v, 3) for v in raw[9::10]],
            "cpu_seconds": [round(v, 2) for v in seconds[9::10]],
            "statistic": [None if math.isnan(v) else float(f"{v:.4g}") for v in statistic[9::10]],
        }
    }


def mean(images: dict[str, Any], part: str, figure: str) -> float:
    return float(np.mean([image[part][figure] for image in images.values()]))


def scored(path: Path, size: int, rule: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    return follow(*record.white(path, size, SIGMA), "fast", rule)


def stop(files: Sequence[Path], size: int, rule: str, out: Path, workers: int) -> None:
    images: dict[str, Any] = {}
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        jobs = {pool.submit(scored, path, size, rule): path.stem for path in files}
        for job in as_completed(jobs):
            images[jobs[job]] = job.result()
            report(images, f"dip fast with {rule}, sigma 25, {size}x{size}", out)
            row = images[jobs[job]]
            print(
                jobs[job], {k: row[k] for k in ("returned", "oracle", "behind_oracle", "fired")}, flush=True
            )


def report(images: dict[str, Any], what: str, out: Path) -> None:
    behind = [image["behind_oracle"] for image in images.values()]
    summary = {
        "images": len(images),
        "within_0.7_dB_of_oracle": sum(b <= 0.7 for b in behind),
        "mean_behind_oracle": float(np.mean(behind)),
        "mean_psnr_returned": mean(images, "returned", "psnr"),
        "mean_cpu_seconds_to_stop": mean(images, "fired", "cpu_seconds"),
    }
    write(out, {"what": what, "summary": summary, "images": dict(sorted(images.items()))})
    print(summary, flush=True)


def race(path: Path, size: int, out: Path) -> None:
    clean, task = record.white(path, size, SIGMA)
    fast = follow(clean, task, "fast", methods.load("dip").stop)
    goal, cost = fast["returned"]["psnr"], fast["fired"]["cpu_seconds"]

    def save(paper: dict[str, Any]) -> None:
        curve = paper["every_10"]
        times = [s for s, p in zip(curve["cpu_seconds"], curve["psnr_estimate"], strict=True) if p >= goal]
        result = {"goal_psnr": goal, "fast_cpu_seconds_to_stop": cost, "paper_reached_it": bool(times)}
        # Where paper has not reached it yet, the time so far is a lower bound of its cost.
        spent = times[0] if times else curve["cpu_seconds"][-1]
        result |= {"paper_cpu_seconds_to_goal": spent, "times_less": spent / cost}
        what = f"dip paper against fast, {path.stem}, sigma 25, {size}x{size}"
        write(out, {"what": what, "result": result, "paper": paper, "fast": fast})
        print(10 * len(curve["psnr_output"]), curve["psnr_output"][-1], result, flush=True)

    save(follow(clean, task, "paper", "es-emv", until_fallen=0.5, save=save))


def write(out: Path, what: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    run = {"threads": torch.get_num_threads(), "torch": torch.__version__}
    out.write_text(json.dumps({**run, **what}) + "\n")


def main() -> None:
    parser = record.arguments(__doc__, "dip_stop")
    parser.add_argument("part", choices=["stop", "race"])
    parser.add_argument("--folder", default="clean/Set9")
    parser.add_argument("--image", default="image_House256rgb", help="for race")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rule", default=methods.load("dip").stop)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each, for stop")
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.data_root / given.folder
    files = record.pictures(given.data_root, given.folder, None)
    out = given.out or record.HERE / "results" / f"dip_{given.part}.json"
    if given.part == "stop":
        files = files if not given.limit else files[5 :: max(1, len(files) // given.limit)][: given.limit]
        stop(files, given.size, given.rule, out, given.workers)
    else:
        race(folder / f"{given.image}.png", given.size, out)


if __name__ == "__main__":
    main()
