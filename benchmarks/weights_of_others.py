"""DnCNN and FFDNet with their public weights against the published PSNR.

    python benchmarks/weights_of_others.py [NAME ...]

Protocol of the papers: white Gaussian noise added to the 8-bit image and not clipped, one frozen seed per
image; the level is told where the network takes one; the estimate is clipped and rounded to 8 bits, PSNR per
image, mean over the set. NAMEs select rows (default: all). Writes benchmarks/results/weights_of_others.json.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import record
from pellucid import methods, metrics, seeds
from pellucid.noise import models
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task

ZHANG = "DnCNN: Zhang et al., TIP 2017, table II (BSD68) and III (Set12); colour: FFDNet paper, table V"
FFD = "FFDNet: Zhang et al., TIP 2018, tables III, IV and V"

# row: method, weights, set, sigma, published PSNR
ROWS: dict[str, tuple[str, str, str, int, float]] = {
    "set12-dncnn-s15": ("dncnn", "cszn/dncnn_specifics_sigma15.npz", "Set12", 15, 32.859),
    "set12-dncnn-s25": ("dncnn", "cszn/dncnn_specifics_sigma25.npz", "Set12", 25, 30.436),
    "set12-dncnn-s50": ("dncnn", "cszn/dncnn_specifics_sigma50.npz", "Set12", 50, 27.178),
    "set12-dncnn-s25-kair": ("dncnn", "dncnn_gray/dncnn_25.pth", "Set12", 25, 30.436),
    "set12-dncnn-s25-saoyan": ("dncnn", "dncnn_gray/DnCNN-S-25/net.pth", "Set12", 25, 30.436),
    "set12-ffdnet-15": ("ffdnet", "ffdnet/net_gray.pth", "Set12", 15, 32.75),
    "set12-ffdnet-25": ("ffdnet", "ffdnet/net_gray.pth", "Set12", 25, 30.43),
    "set12-ffdnet-50": ("ffdnet", "ffdnet/net_gray.pth", "Set12", 50, 27.32),
    "cbsd68-ffdnet-25": ("ffdnet", "ffdnet/net_rgb.pth", "CBSD68", 25, 31.21),
    "bsd68-ffdnet-25": ("ffdnet", "ffdnet/net_gray.pth", "BSD68_gray", 25, 29.19),
    "bsd68-dncnn-s25": ("dncnn", "cszn/dncnn_specifics_sigma25.npz", "BSD68_gray", 25, 29.23),
    "cbsd68-dncnn-blind-25": ("dncnn", "cszn/dncnn_top_GD_Color_Blind.npz", "CBSD68", 25, 31.23),
}


def score(data: Path, method: str, weights: str, folder: str, sigma: int) -> tuple[float, int, float]:
    """Mean PSNR over a set, the number of images, and seconds."""
    found, start = methods.load(method), time.perf_counter()
    values = []
    for path in record.pictures(data, f"clean/{folder}", None):
        with Image.open(path) as image:
            array = np.asarray(image)
        clean = torch.from_numpy(array.astype(np.float32) / 255)
        clean = clean.permute(2, 0, 1) if clean.ndim == 3 else clean[None]
        generator = seeds.generator(0, "awgn", folder, path.stem, sigma)
        noisy = models.parse(f"gaussian:{sigma}").apply(clean, generator)
        task = Task(
            shots=noisy[None],
            noise=NoiseReport.white(sigma / 255, len(clean)),
            model=str(data / "weights" / weights),
        )
        (step,) = found.steps(task, found.presets["paper"], seed=0, device=torch.device("cpu"))
        rounded = models.Clip(bits=8).apply(step.estimate(), generator)
        values.append(metrics.psnr(clean, rounded, data_range=1.0))
    return float(np.mean(values)), len(values), time.perf_counter() - start


def main() -> None:
    parser = record.arguments(__doc__, "weights_of_others")
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(ROWS), help=", ".join(ROWS))
    given = parser.parse_args()
    record.limit_threads(given.threads)
    out = given.out or record.HERE / "results" / "weights_of_others.json"
    rows = json.loads(out.read_text())["rows"] if out.exists() else {}
    about = record.about(given, __doc__) | {
        "protocol": (__doc__ or "").split("\n\n")[2].replace("\n", " "),
        "seed": 'seeds.generator(0, "awgn", set, image, sigma), 8-bit units',
        "published": [ZHANG, FFD],
    }
    for name in given.names:
        method, weights, folder, sigma, published = ROWS[name]
        psnr, images, seconds = score(given.data_root, method, weights, folder, sigma)
        rows[name] = {
            "method": method,
            "weights": weights,
            "set": folder,
            "sigma": sigma,
            "images": images,
            "psnr": round(psnr, 3),
            "published": published,
            "difference": round(psnr - published, 3),
            "seconds": round(seconds, 1),
        }
        print(name, rows[name], flush=True)
        record.save(out, about | {"rows": rows})


if __name__ == "__main__":
    main()
