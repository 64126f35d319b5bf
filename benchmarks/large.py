"""Pictures too large for memory: the peak, the seam, and tiled against untiled.

    python benchmarks/large.py memory --size 4000 3000   # each method in a process of its own
    python benchmarks/large.py memory --size 1500 1200 --tile 512 --names dip
    python benchmarks/large.py seam                      # 1500x1200: tiled against untiled, bm3d and nlm
    python benchmarks/large.py seam --size 600 500 --tile 256

memory: peak resident memory of the whole process, in GB, with what Python and torch need before (`start`);
20 iterations a tile for methods that iterate. The seam figure compares how much the picture changes across
tile borders with how much it changes elsewhere (1 is no seam): root mean squares of differences between
neighbouring columns, of the removed part, so that edges of the picture do not hide it.
The picture is a mosaic of clean pictures with Gaussian noise of sigma 25 of 255, rounded to 8 bits.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.io import imread

import pellucid
import record
from pellucid import methods, seeds, tiles
from pellucid.run import fit

NAMES = ("bm3d", "nlm", "dip", "zs-n2n", "rs-dip")
ITERATIONS = 20


def mosaic(given: argparse.Namespace) -> NDArray[np.uint8]:
    """(H, W, 3): pictures side by side until the size is filled, with noise."""
    width, height = given.size
    paths = sorted((given.data_root / "clean/McMaster").glob("*.tif"))
    if not paths:
        raise SystemExit(f"skipped: no pictures in {given.data_root}. Give --data-root or set PELLUCID_DATA.")
    parts = [imread(p)[..., :3] for p in paths]
    side = min(min(p.shape[:2]) for p in parts)
    across, down = -(-width // side), -(-height // side)
    rows = [
        np.concatenate([parts[(r * across + c) % len(parts)][:side, :side] for c in range(across)], axis=1)
        for r in range(down)
    ]
    clean = np.concatenate(rows)[:height, :width].astype(np.float32)
    noise = torch.randn(clean.shape, generator=seeds.generator(0, "noise")).numpy()
    return np.clip(np.rint(clean + 25 * noise), 0, 255).astype(np.uint8)


def peak() -> float:
    """Largest resident memory of this process so far, GB (Linux counts in kB)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)


def one(given: argparse.Namespace) -> dict[str, Any]:
    """One method on the mosaic, in this process."""
    start, picture = peak(), mosaic(given)
    method = methods.load(given.one)
    more: dict[str, Any] = {"iterations": ITERATIONS} if method.stop else {}
    if given.tile:
        more["tile"] = given.tile
    started = time.perf_counter()
    result = pellucid.denoise(picture, given.one, channel_axis=-1, return_result=True, **more)
    row = {
        "size": list(given.size),
        "start_gb": start,
        "peak_gb": peak(),
        "seconds": round(time.perf_counter() - started, 1),
        "seconds_of_method": round(result.seconds, 1),
        "tiling": method.tiling.kind,
        "warnings": list(result.warnings),
    }
    removed = picture.astype(np.float32).transpose(2, 0, 1) / 255 - result.estimate[0]
    side = given.tile or (fit.SIDE_FIT if method.stop else None)
    if side and method.tiling.kind == "approximate":
        row["seam"] = seam(removed, side)
    return row


def seam(removed: NDArray[np.float32], side: int) -> float:
    """Change of the removed part across the borders of tiles, relative to that elsewhere."""
    spots = tiles.cut(*removed.shape[-2:], tile=side, margin=0)
    borders = sorted({spot.columns.start for spot in spots if spot.columns.start})
    change = np.square(np.diff(removed, axis=2)).mean((0, 1))
    at = np.zeros(len(change), bool)
    at[[b - 1 for b in borders]] = True
    return round(float(np.sqrt(change[at].mean() / change[~at].mean())), 3)


def memory(given: argparse.Namespace, out: Any, result: dict[str, Any]) -> None:
    result["rows"] = {}
    for name in given.names:
        if name not in methods.METHODS:
            continue
        words = [sys.executable, __file__, "memory", "--one", name, "--threads", str(given.threads)]
        words += ["--data-root", str(given.data_root), "--size", *map(str, given.size)]
        words += ["--tile", str(given.tile)] if given.tile else []
        done = subprocess.run(words, capture_output=True, text=True)
        row = json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr[-500:]}
        result["rows"][name] = row
        print(name, row, flush=True)
        record.save(out, result)


def compare(given: argparse.Namespace, out: Any, result: dict[str, Any]) -> None:
    picture, result["seam"] = mosaic(given), {}
    for name in given.names:
        if methods.load(name).tiling.kind != "exact":
            result["seam"][name] = "not cut: it sees the whole picture"
            continue
        given_level = {"sigma": 25, "data_range": 255, "channel_axis": -1, "return_result": True}
        whole = pellucid.denoise(picture, name, tile=10**5, **given_level)
        cut = pellucid.denoise(picture, name, tile=given.tile or 512, **given_level)
        result["seam"][name] = float(np.abs(whole.estimate - cut.estimate).max())
        print(name, result["seam"][name], flush=True)
    record.save(out, result)


def main() -> None:
    parser = record.arguments(__doc__, "large")
    parser.add_argument("part", choices=["memory", "seam"])
    parser.add_argument("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--tile", type=int)
    parser.add_argument("--names", nargs="+")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.size = given.size or ([4000, 3000] if given.part == "memory" else [1500, 1200])
    given.names = given.names or (NAMES if given.part == "memory" else ("bm3d", "nlm"))
    if given.one:
        print(json.dumps(one(given)))
        return
    out = record.destination(given)
    out = None if out is None else out.with_name(f"large_{given.part}.json")
    result = record.about(given, __doc__)
    (memory if given.part == "memory" else compare)(given, out, result)


if __name__ == "__main__":
    main()
