"""A small student of swift-color, taught on noisy pictures alone.

    python benchmarks/distil.py --steps 600

16 pictures of BSDS500, cut to 256 x 256, with white noise of sigma 25 are all that teacher and student see.
PSNR on every sixth picture of CBSD68 at the same level; time on 512 x 512 in turns, as a ratio.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from skimage.io import imread

import record
from pellucid import files, learning, methods, models
from pellucid.exporting import pictures
from pellucid.production.distil import distil
from pellucid.request import Distil

LEVEL = 25 / 255
COUNT = 16


def network(path: Path) -> torch.nn.Module:
    n2n = methods.load("n2n")
    return models.load(path, "n2n", n2n.learning, n2n.config).network


def picture(path: Path, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Clean and noisy, (1, C, H, W)."""
    clean = torch.from_numpy(imread(path).copy()).float().permute(2, 0, 1)[None] / 255
    return clean, pictures.noisy(clean, LEVEL, seed=seed)


def main() -> None:
    parser = record.arguments(__doc__, "distil")
    parser.add_argument("--steps", type=int, default=600)
    given = parser.parse_args()
    out, head = record.destination(given), record.about(given, __doc__)
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory(prefix="pellucid-distil-") as name:
        folder = Path(name, "noisy")
        folder.mkdir()
        for number, path in enumerate(record.pictures(given.data_root, "train/BSDS500_train_test", COUNT)):
            _, noisy = picture(path, 1000 + number)
            pixels = (noisy[0, :, :256, :256].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
            files.write(files.from_array(pixels, channel_axis=2), folder / f"{path.stem}.png")
        student = Path(name, "student.safetensors")
        done = distil(Distil(teachers=("swift-color",), data=folder, out=student, steps=given.steps))
        networks = {"swift-color": network(models.locate("swift-color")), "student": network(student)}
    sigma = torch.full((1, 1, 1, 1), LEVEL)
    scores: dict[str, list[float]] = {name: [] for name in ("noisy", *networks)}
    for number, path in enumerate(record.pictures(given.data_root, "clean/CBSD68", None)[::6][: given.limit]):
        clean, noisy = picture(path, number)
        scores["noisy"].append(record.psnr(clean, noisy))
        for name, one in networks.items():
            with torch.no_grad():
                scores[name].append(record.psnr(clean, learning.apply(one, noisy, sigma)))
    noisy = pictures.noisy(pictures.clean(3), LEVEL)
    times: dict[str, list[float]] = {name: [] for name in networks}
    for turn in range(4):
        for name, one in networks.items():
            started = time.perf_counter()
            with torch.no_grad():
                learning.apply(one, noisy, sigma)
            if turn:
                times[name].append(time.perf_counter() - started)
    ratio = median(s / t for s, t in zip(times["student"], times["swift-color"], strict=True))
    result = {
        "psnr": {name: round(float(np.mean(values)), 2) for name, values in scores.items()},
        "time_of_student": round(ratio, 3),
        "teaching_s": round(done.seconds),
        "training_s": round(done.trained.seconds),
        "steps": done.trained.steps,
    }
    record.save(out, head | result)
    print(result)


if __name__ == "__main__":
    main()
