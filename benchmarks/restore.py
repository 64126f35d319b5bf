"""Inpainting and upscaling against biharmonic and bicubic in the same run.

    python benchmarks/restore.py
        fast presets, two processes, 256 x 256 crops: half of the pixels missing in the pictures of the DIP
        paper, and Set14 enlarged four times
    python benchmarks/restore.py --size 128 --limit 5
        a trial; nothing is kept
    python benchmarks/restore.py --preset paper --method dip --device cuda --workers 1
        the authors' recipes, with an accelerator

Inpainting: gray pictures of GP-DIP (those of Papyan et al.), a Bernoulli mask with half of the pixels, seed
0, no noise; PSNR over all pixels, the known ones as given. Upscaling: centre crops of Set14, reduced by the
Lanczos operator and rounded to 8 bits; PSNR of the luma without a border of `factor` pixels. Nothing here is
told to a method; the numbers of iterations are those of the preset.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skimage.io import imread

import pellucid
import record
from pellucid import seeds
from pellucid.degradation import Downsample
from pellucid.metrics import psnr

MASKED, SMALL = "restore/GPDIP/inpainting/Dataset_Bernoulli", "clean/Set14"
RIVALS = {"mask": ["biharmonic", "idbp"], "downsample": ["bicubic", "lanczos", "zssr"]}
LUMA = np.array([65.481, 128.553, 24.966]) / 255


def crop(path: Path, size: int, multiple: int) -> np.ndarray:
    """The centre, at most `size` pixels a side and a multiple of `multiple`: floats (H, W) or (H, W, 3)."""
    whole = imread(path).astype(np.float32) / 255
    sides = [min(size, n) // multiple * multiple for n in whole.shape[:2]]
    top, left = ((n - s) // 2 for n, s in zip(whole.shape[:2], sides, strict=True))
    return whole[top : top + sides[0], left : left + sides[1], ...]


def inpainted(path: Path, size: int, method: str, given: dict[str, Any]) -> record.Row:
    clean = crop(path, size, 1)
    draw = torch.rand(clean.shape[:2], generator=seeds.generator(0, "missing", path.stem)).numpy()
    hidden = draw < given.pop("missing")
    holed = np.where(hidden, np.float32(0), clean)
    started = time.process_time()
    result = pellucid.inpaint(holed, hidden, method, data_range=1.0, return_result=True, **given)
    return row(psnr(clean, result.estimate[0, 0], data_range=1.0), result, started)


def upscaled(path: Path, size: int, method: str, given: dict[str, Any]) -> record.Row:
    factor = given.pop("factor")
    clean = crop(path, size, factor)
    axis = -1 if clean.ndim == 3 else None
    planes = torch.from_numpy(np.moveaxis(clean, -1, 0) if axis else clean[None])
    small = (Downsample(factor).apply(planes) * 255).round().clamp(0, 255).byte().numpy()
    small = np.moveaxis(small, 0, -1) if axis else small[0]
    started = time.process_time()
    result = pellucid.upscale(small, factor, method, channel_axis=axis, return_result=True, **given)
    large = np.moveaxis(np.clip(result.estimate[0], 0, 1), 0, -1) if axis else result.estimate[0, 0]
    truth, ours = ((p @ LUMA if axis else p)[factor:-factor, factor:-factor] for p in (clean, large))
    return row(psnr(truth, ours, data_range=1.0), result, started)


def row(value: float, result: Any, started: float) -> record.Row:
    return {
        "psnr": round(value, 3),
        "cpu_seconds": round(time.process_time() - started, 1),
        "iterations": result.iterations,
        "stopped_by": result.stopped_by,
    }


def restored(kind: str, path: Path, size: int, method: str, given: dict[str, Any]) -> record.Row:
    return (inpainted if kind == "mask" else upscaled)(path, size, method, dict(given))


def name(kind: str, path: Path, size: int, method: str, given: dict[str, Any]) -> str:
    task = f"inpaint {given['missing']:g}" if kind == "mask" else f"upscale x{given['factor']}"
    return f"{task}, {size} | {path.stem} | {method} {given.get('preset', 'fast')}"


def summary(rows: dict[str, record.Row]) -> dict[str, Any]:
    """Mean PSNR and seconds of every method, and its mean gain over the plainest, on the pictures of both."""
    groups: dict[str, dict[str, dict[str, record.Row]]] = {}
    for key, value in rows.items():
        task, picture, method = key.split(" | ")
        groups.setdefault(task, {}).setdefault(method, {})[picture] = value
    found: dict[str, Any] = {}
    for task, methods in groups.items():
        plain = methods.get("biharmonic fast") or methods.get("bicubic fast") or {}
        for method, pictures in methods.items():
            gains = [v["psnr"] - plain[p]["psnr"] for p, v in pictures.items() if p in plain]
            found[f"{task}: {method}"] = {
                "pictures": len(pictures),
                "mean_psnr": round(float(np.mean([v["psnr"] for v in pictures.values()])), 3),
                "mean_gain": round(float(np.mean(gains)), 3) if gains else None,
                "least_gain": round(min(gains), 3) if gains else None,
                "mean_cpu_seconds": round(float(np.mean([v["cpu_seconds"] for v in pictures.values()])), 1),
            }
    return found


def main() -> None:
    parser = record.arguments(__doc__, "restore")
    parser.add_argument("--part", choices=["inpaint", "upscale", "both"], default="both")
    parser.add_argument("--size", type=int, default=256, help="side of the crops, in pixels")
    parser.add_argument("--factor", type=int, default=4)
    parser.add_argument("--only", nargs="*", help="pictures, by the start of their names")
    parser.add_argument("--missing", type=float, default=0.5)
    parser.add_argument("--preset", help="fast, half, sparse … of --method; the rivals keep their fast")
    parser.add_argument("--method", action="append", help="beside the rivals, e.g. dip")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=2)
    parser.set_defaults(threads=1)
    given = parser.parse_args()
    out, about = record.destination(given), record.about(given, __doc__)
    rows = record.kept(out, about["source"])
    jobs: list[tuple[Any, ...]] = []
    for kind, folder in (("mask", MASKED), ("downsample", SMALL)):
        if given.part not in ("both", "inpaint" if kind == "mask" else "upscale"):
            continue
        extra = {"missing": given.missing} if kind == "mask" else {"factor": given.factor}
        for path in record.pictures(given.data_root, folder, given.limit):
            if given.only and not path.stem.startswith(tuple(given.only)):
                continue
            jobs += [(kind, path, given.size, method, extra) for method in RIVALS[kind]]
            own = {"device": given.device} | ({"preset": given.preset} if given.preset else {})
            jobs += [(kind, path, given.size, method, extra | own) for method in given.method or []]

    def each() -> None:
        ordered = dict(sorted(rows.items()))
        record.save(out, about | {"summary": summary(ordered), "rows": ordered})

    record.fill(rows, jobs, restored, name=name, workers=given.workers, threads=given.threads, each=each)
    each()
    for key, value in summary(rows).items():
        print(key, value)


if __name__ == "__main__":
    main()
