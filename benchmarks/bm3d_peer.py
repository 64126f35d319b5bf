"""Our BM3D and CBM3D against the `bm3d` wheel, both told the true sigma.

    python benchmarks/bm3d_peer.py              both parts, about 40 minutes on two cores
    python benchmarks/bm3d_peer.py speed        wall time and peak memory of whole processes
    python benchmarks/bm3d_peer.py quality      PSNR on Set9 (colour, 25) and Set12 (gray, 15, 25, 50)

Quality: white Gaussian noise from one frozen seed per image, not clipped, given as floats. `psnr` scores the
estimate as it is, `psnr_8bit` after clipping and rounding. Speed: each run is a fresh Python that loads a
noisy .npy, denoises it with its defaults and writes the result as .npy; ours and the wheel take turns, and
the ratio is taken in each pair of neighbours. Run it on an idle machine: two threads of torch that must
share one core wait for each other by spinning, and were seen to take 30 times longer. The wheel is licensed
for non-commercial use only, so it is no dependency of pellucid: without it, only our PSNR is measured.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import numpy as np
from skimage.io import imread

import record

SETS = (("Set9", 25), ("Set12", 15), ("Set12", 25), ("Set12", 50))
BAR = 0.05  # dB that ours may stay behind
PUBLISHED = {"Set9/25": 31.698}  # of the wheel, as issue 2 states it
SPEED_IMAGES = ("image_Lena512rgb", "image_F16_512rgb")
OURS = """
import sys, numpy, pellucid
noisy = numpy.load(sys.argv[1])
numpy.save(sys.argv[2], pellucid.denoise(noisy, "bm3d", sigma=25 / 255, data_range=1.0, channel_axis=2))
"""
WHEEL = """
import sys, numpy, bm3d
noisy = numpy.load(sys.argv[1])
numpy.save(sys.argv[2], bm3d.bm3d_rgb(noisy, 25 / 255))
"""


def quality(who: str, path: Path, sigma: int) -> record.Row:
    """One image through "fast" or "paper" (presets of ours) or "wheel"."""
    import torch

    import pellucid
    from pellucid import seeds

    clean = imread(path).astype(np.float32) / 255
    color = clean.ndim == 3
    draws = seeds.generator(0, "awgn", path.parent.name, path.stem, sigma)
    noise = torch.randn((*clean.shape[2:], *clean.shape[:2]), generator=draws).numpy()
    noisy = clean + np.float32(sigma / 255) * (noise.transpose(1, 2, 0) if color else noise)
    start = time.perf_counter()
    if who == "wheel":
        import bm3d

        estimate = (bm3d.bm3d_rgb if color else bm3d.bm3d)(noisy, sigma / 255)
    else:
        axis = 2 if color else None
        estimate = pellucid.denoise(
            noisy, "bm3d", preset=who, sigma=sigma / 255, data_range=1.0, channel_axis=axis
        )
    seconds = time.perf_counter() - start
    return {
        "psnr": record.psnr(clean, estimate),
        "psnr_8bit": record.psnr(clean, np.round(np.clip(estimate, 0, 1) * 255) / 255),
        "noisy_psnr": record.psnr(clean, noisy),
        "seconds": round(seconds, 2),
    }


def summary(rows: dict[str, record.Row]) -> record.Row:
    """Means by set, of the images that everyone has."""
    result = {}
    for folder, sigma in SETS:
        start = f"{folder}/{sigma}/"
        by: dict[str, dict[str, float]] = {}
        for key, row in rows.items():
            if key.startswith(start):
                image, who = key.removeprefix(start).split("/")
                by.setdefault(who, {})[image] = row["psnr"]
        shared = set.intersection(*(set(v) for v in by.values())) if by else set()
        if not shared:
            continue
        means: record.Row = {who: round(mean(v[i] for i in shared), 3) for who, v in sorted(by.items())}
        if "wheel" in by:
            for who in ("fast", "paper"):
                means[f"{who} - wheel"] = round(means[who] - means["wheel"], 3)
                means[f"{who} within {BAR} dB"] = means[f"{who} - wheel"] >= -BAR
        result[f"{folder}/{sigma}"] = {"images": len(shared), "published": PUBLISHED.get(start[:-1])} | means
    return result


def process(code: str, noisy: Path, out: Path, threads: int) -> record.Row:
    """Wall seconds and peak memory of a fresh Python that runs `code`."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", code, noisy, out], env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"a run ended with code {child.returncode}; its message is above.")
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
        "peak_mb": round(usage.ru_maxrss * unit / 1e6, 1),
    }


def speed(root: Path, pairs: int, threads: int) -> record.Row:
    """Alternating runs; this process loads no torch, whose memory a child's peak would begin with."""
    images: record.Row = {}
    load = [round(v, 2) for v in os.getloadavg()]
    if hasattr(os, "sched_setaffinity"):  # the wheel knows no other limit: it takes every core it sees
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    with tempfile.TemporaryDirectory(prefix="pellucid-bm3d-") as folder:
        for stem in SPEED_IMAGES:
            (path,) = record.pictures(root, "clean/Set9", None, f"{stem}.png")
            clean = imread(path).astype(np.float32) / 255
            noise = np.random.default_rng(0).standard_normal(clean.shape, dtype=np.float32)
            noisy, out = Path(folder, "noisy.npy"), Path(folder, "out.npy")
            np.save(noisy, clean + np.float32(25 / 255) * noise)
            runs: dict[str, list[record.Row]] = {"ours": [], "wheel": []}
            for turn in range(pairs):
                both = [("ours", OURS), ("wheel", WHEEL)]
                for who, code in both if turn % 2 == 0 else both[::-1]:
                    row = process(code, noisy, out, threads)
                    row["psnr"] = record.psnr(clean, np.load(out), digits=3)
                    runs[who].append(row)
                    print(stem, who, row, file=sys.stderr, flush=True)
            ratios = [w["seconds"] / o["seconds"] for o, w in zip(runs["ours"], runs["wheel"], strict=True)]
            images[stem] = {
                "shape": list(clean.shape),
                "ratio_per_pair": [round(r, 2) for r in ratios],
            } | runs
    return {"images": images, "load_before": load} | verdict(images)


def verdict(images: record.Row) -> record.Row:
    ratios = [r for row in images.values() for r in row["ratio_per_pair"]]
    peak = max(run["peak_mb"] for row in images.values() for run in row["ours"])
    return {
        "times_faster": {"median": median(ratios), "least": min(ratios), "most": max(ratios)},
        "at_least_4_times": median(ratios) >= 4,
        "peak_mb": peak,
        "under_2_gb": peak < 2000,
        "seconds": {
            who: median(run["seconds"] for row in images.values() for run in row[who])
            for who in ("ours", "wheel")
        },
    }


def main() -> None:
    parser = record.arguments(__doc__, "bm3d_peer")
    parser.add_argument("part", nargs="?", choices=["speed", "quality"], help="else both")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each per image, for speed")
    parser.add_argument("--workers", type=int, default=1, help="images at a time, for quality")
    parser.add_argument("--sets", nargs="+", help="for quality, e.g. Set9/25 Set12/15; else all")
    given: argparse.Namespace = parser.parse_args()
    wheel = record.has("bm3d")
    if not wheel:
        print("The bm3d wheel is not installed (non-commercial licence): ours alone is measured.")
    out, head = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, head["source"])
    result: record.Row = head | {"rows": rows}
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if given.part != "quality" and wheel:
        result["speed"] = speed(given.data_root, given.pairs, given.threads)
        if cores is not None:
            os.sched_setaffinity(0, cores)
        record.save(out, result)
        print({key: value for key, value in result["speed"].items() if key != "images"})
    if given.part != "speed":
        jobs = [
            (who, path, sigma)
            for folder, sigma in SETS
            if not given.sets or f"{folder}/{sigma}" in given.sets
            for path in record.pictures(given.data_root, f"clean/{folder}", given.limit)
            for who in ("fast", "paper", *(["wheel"] if wheel else []))
        ]

        def each() -> None:
            result["summary"] = summary(rows)
            record.save(out, result)

        record.fill(
            rows,
            jobs,
            quality,
            name=lambda who, path, sigma: f"{path.parent.name}/{sigma}/{path.stem}/{who}",
            workers=given.workers,
            threads=given.threads,
            each=each,
        )
        each()
        for name, row in result["summary"].items():
            print(name, row)


if __name__ == "__main__":
    main()
