"""A film fitted frame by frame: every fit anew, begun from the frame before, and as short but anew.

    python benchmarks/warm_start.py                # zs-n2n, dip, ms-dip
    python benchmarks/warm_start.py zs-n2n --frames 4

The film: a crop of a picture of Set9 that moves by two pixels a frame, with white noise of sigma 25 of 255,
drawn anew for each frame. PSNR and processor seconds are means over the frames after the first. `cold` is
preset fast with its own stop rule; `warm` is --warm-start; `short` has the iterations of `warm` and begins
as `cold` does.
"""

from __future__ import annotations

import time
from statistics import mean
from typing import Any

import numpy as np
from skimage.io import imread

import pellucid
import record
from pellucid import methods, seeds
from pellucid.run import warm

SIGMA = 25 / 255
METHODS = ("zs-n2n", "dip", "ms-dip")


def film(path: Any, frames: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Clean and noisy frames (T, H, W, 3)."""
    pixels = imread(path)[..., :3].astype(np.float32) / 255
    top, left = (max(0, (n - side - 2 * frames) // 2) for n in pixels.shape[:2])
    clean = np.stack(
        [pixels[top + 2 * t : top + 2 * t + side, left + t : left + t + side] for t in range(frames)]
    )
    draws = np.random.default_rng(seeds.child(0, "noise", path.stem))
    return clean, (clean + SIGMA * draws.standard_normal(clean.shape)).astype(np.float32)


def fits(noisy: np.ndarray, clean: np.ndarray, name: str, **more: Any) -> tuple[list[float], float]:
    """PSNR of every frame, and the processor seconds of all."""
    began = time.process_time()
    axes = {"axes": "TYXS"} if more.get("warm_start") else {}
    made = pellucid.denoise(noisy, name, channel_axis=-1, **axes, **more)
    seconds = time.process_time() - began
    return [record.psnr(c, e) for c, e in zip(clean, made, strict=True)], seconds


def main() -> None:
    parser = record.arguments(__doc__, "warm_start")
    parser.add_argument("methods", nargs="*", default=list(METHODS), metavar="METHOD")
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--pictures", type=int, default=2)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    out, result = record.destination(given), record.about(given, __doc__)
    result["rows"] = {}
    for name in given.methods:
        method = methods.load(name)
        few = warm.iterations(method, method.presets["fast"])
        ways: dict[str, dict[str, Any]] = {"cold": {}, "warm": {"warm_start": True}}
        if not method.staged:
            ways["short"] = {"iterations": few, **({"stop": "none"} if method.stop != "none" else {})}
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for path in record.pictures(given.data_root, "clean/Set9", given.pictures):
            clean, noisy = film(path, given.frames, given.side)
            fits(noisy[:1], clean[:1], name, iterations=2)  # what is loaded on first use
            first = fits(noisy[:1], clean[:1], name)[1]
            for way, more in ways.items():
                scores, seconds = fits(noisy, clean, name, **more)
                one = seconds / given.frames if way != "warm" else (seconds - first) / (given.frames - 1)
                found[way].append((mean(scores[1:]), one))
        result["rows"][name] = {
            way: {
                "psnr": round(mean(p for p, _ in rows), 2),
                "seconds_a_frame": round(mean(s for _, s in rows), 2),
            }
            for way, rows in found.items()
        } | {"iterations_warm": None if method.staged else few}
        print(name, result["rows"][name], flush=True)
        record.save(out, result)


if __name__ == "__main__":
    main()
