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

import argparse
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.io import imread
from torch import Tensor

from pellucid import methods, seeds
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task
from pellucid.stopping import parse

SIGMA = 25 / 255


def picture(path: Path, size: int) -> tuple[Tensor, Task]:
    """The clean centre crop (3, size, size) and the task with its noisy version."""
    whole = torch.from_numpy(imread(path)[..., :3].astype(np.float32)).permute(2, 0, 1) / 255
    top, left = (whole.shape[1] - size) // 2, (whole.shape[2] - size) // 2
    clean = whole[:, top : top + size, left : left + size].contiguous()
    noise = torch.randn(clean.shape, generator=seeds.generator(0, "noise", path.stem))
    return clean, Task(shots=(clean + SIGMA * noise)[None], noise=NoiseReport.white(SIGMA, 3))


def psnr(estimate: Tensor, clean: Tensor) -> float:
    return float(-10 * torch.log10((estimate.double() - clean.double()).square().mean()))


def follow(
    clean: Tensor, task: Task, preset: str, rule_text: str, *, stop_when_fallen: float = 0.0
) -> dict[str, Any]:
    """Run a preset to its end, note where the rule would have stopped it, score every step from outside."""
    method = methods.load("dip")
    config = method.presets[preset]
    rule = parse(rule_text)
    fired: dict[str, Any] | None = None
    raw, average, seconds = [], [], []
    spent, wall = 0.0, 0.0
    steps = method.steps(task, config, seed=0, device=torch.device("cpu"))
    while True:
        start, start_wall = time.process_time(), time.monotonic()
        step = next(steps, None)
        if step is None:
            break
        stop = fired is None and rule.update(step)
        spent, wall = spent + time.process_time() - start, wall + time.monotonic() - start_wall
        seconds.append(spent)
        raw.append(psnr(step.output, clean))
        average.append(psnr(step.estimate(), clean))
        if stop:
            fired = {"iterations": step.iteration, "cpu_seconds": spent, "wall_seconds": wall}
        fallen = np.convolve(raw, np.ones(50) / 50, mode="valid") if len(raw) >= 400 else np.zeros(1)
        if stop_when_fallen and fallen.max() - fallen[-1] > stop_when_fallen:
            break
    chosen = rule.best()
    if chosen is None:
        raise RuntimeError(f"{rule_text} never began: {len(raw)} iterations are too few")
    oracle = int(np.argmax(average))
    return {
        "rule": rule_text,
        "iterations": len(raw),
        "cpu_seconds": spent,
        "wall_seconds": wall,
        "fired": fired
        or {"iterations": len(raw), "cpu_seconds": spent, "wall_seconds": wall, "by": "end of plan"},
        "returned": {"iteration": chosen[0], "psnr": psnr(chosen[1], clean)},
        "oracle": {"iteration": oracle + 1, "psnr": average[oracle]},
        "behind_oracle": average[oracle] - psnr(chosen[1], clean),
        "noisy_psnr": psnr(task.shots[0], clean),
        "last_psnr": average[-1],
        "every_10": {
            "psnr_estimate": [round(v, 3) for v in average[9::10]],
            "psnr_output": [round(v, 3) for v in raw[9::10]],
            "cpu_seconds": [round(v, 2) for v in seconds[9::10]],
        },
        "statistic_every_10": [float(f"{v:.4g}") for v in rule.statistic[9::10]],
    }


def mean(images: dict[str, Any], part: str, figure: str) -> float:
    return float(np.mean([image[part][figure] for image in images.values()]))


def scored(path: Path, size: int, rule: str) -> dict[str, Any]:
    torch.set_num_threads(1)
    return follow(*picture(path, size), "fast", rule)


def stop(folder: Path, size: int, limit: int, rule: str, out: Path, workers: int) -> None:
    files = sorted(p for p in folder.iterdir() if p.suffix in (".png", ".jpg"))
    files = files if not limit else files[5 :: max(1, len(files) // limit)][:limit]
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
    clean, task = picture(path, size)
    paper = follow(clean, task, "paper", "es-emv", stop_when_fallen=0.5)
    write(out, {"what": f"dip paper, {path.stem}, sigma 25, {size}x{size}", "paper": paper})
    fast = follow(clean, task, "fast", "es-emv")
    goal = fast["returned"]["psnr"]
    curve = paper["every_10"]
    reached = [s for s, p in zip(curve["cpu_seconds"], curve["psnr_estimate"], strict=True) if p >= goal]
    # Where paper never gets there, the time to its peak is a lower bound of the gain.
    cost = (
        reached[0] if reached else paper["cpu_seconds"] * paper["oracle"]["iteration"] / paper["iterations"]
    )
    result = {
        "goal_psnr": goal,
        "paper_reached_it": bool(reached),
        "paper_cpu_seconds": cost,
        "fast_cpu_seconds_to_stop": fast["fired"]["cpu_seconds"],
        "times_less_to_stop": cost / fast["fired"]["cpu_seconds"],
    }
    what = f"dip paper against fast, {path.stem}, sigma 25, {size}x{size}"
    write(out, {"what": what, "result": result, "paper": paper, "fast": fast})
    print(result, flush=True)


def write(out: Path, what: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(
        json.dumps({"threads": torch.get_num_threads(), "torch": torch.__version__, **what}, indent=1) + "\n"
    )


def main() -> None:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["stop", "race"])
    found = os.environ.get("PELLUCID_DATA", here.parent.parent / "shared" / "data")
    parser.add_argument("--data-root", type=Path, default=Path(found))
    parser.add_argument("--folder", default="clean/Set9")
    parser.add_argument("--image", default="image_House256rgb", help="for race")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--rule", default="es-emv")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each, for stop")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.data_root / given.folder
    if not folder.is_dir():
        raise SystemExit(f"skipped: no folder {folder}. Give --data-root or set PELLUCID_DATA.")
    out = given.out or here / "results" / f"dip_{given.part}.json"
    if given.part == "stop":
        stop(folder, given.size, given.limit, given.rule, out, given.workers)
    else:
        race(folder / f"{given.image}.png", given.size, out)


if __name__ == "__main__":
    main()
