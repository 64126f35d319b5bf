"""Scores a trained model beside (C)BM3D and puts it among the shipped ones, figures and log with it.

    python recipes/ship.py color.safetensors --name swift-color --data-root DATA \\
        --better-on held-out/
    python recipes/ship.py grain.safetensors --name swift-grain --data-root DATA --noise correlated:15,1,0.5

With `--better-on`, the shipped model of that name is replaced only where the new one is better on pictures
that are kept from the trainings (compare.py). Then, for the card: noise on every sixth picture of CBSD68 (of
BSD68 in gray for a model of one channel), not clipped, one frozen seed per picture: the model, (C)BM3D, and
for white noise `photo`, which is the mean of the two. The level of white noise (`gaussian:25`) is told to
all; other noise is measured by all. The card gets the mean PSNR of each.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import time
from pathlib import Path
from statistics import mean
from typing import Any

import compare
import numpy as np
import torch
from skimage.io import imread

import pellucid
from pellucid import metrics, models, seeds
from pellucid.models import shelf
from pellucid.noise import models as noise_models

WHITE = "gaussian:"
MEAN = "photo, the mean of both"


def scores(path: Path, model: Path, noise: str) -> list[float]:
    """PSNR of the noisy picture, the model, (C)BM3D and, for white noise, `photo`; processor seconds."""
    clean = imread(path).astype(np.float32) / 255
    planes = torch.from_numpy(clean[None] if clean.ndim == 2 else np.moveaxis(clean, -1, 0).copy())
    forward = noise_models.parse(noise)
    noisy = forward.apply(planes, seeds.generator(0, "ship", path.stem)).numpy()
    truth = planes.numpy()
    shared: dict[str, Any] = {"data_range": 1.0, "channel_axis": 0}
    ways: list[dict[str, Any]] = [{"model": str(model)}, {"method": "bm3d"}]
    if noise.startswith(WHITE):
        shared["sigma"] = level(noise)
        name = "network" if len(planes) == 3 else "gray"
        ways.append({"method": "photo", "set": {name: str(model)}})
    found, spent = [psnr(noisy, truth)], []
    for given in ways:
        start = time.process_time()
        found.append(psnr(pellucid.denoise(noisy, **shared, **given), truth))
        spent.append(time.process_time() - start)
    return found + spent


def measured(pictures: list[Path], model: Path, noise: str) -> dict[str, float]:
    """Mean PSNR by name, in dB."""
    means = [mean(column) for column in zip(*(scores(p, model, noise) for p in pictures), strict=True)]
    names = ["noisy", "model", "BM3D", *([MEAN] if noise.startswith(WHITE) else [])]
    found = dict(zip(names, means, strict=False))
    seconds = ", ".join(f"{s:.2f}" for s in means[len(names) :])
    print(f"{noise}: {', '.join(f'{name} {value:.3f} dB' for name, value in found.items())}")
    print(f"  {seconds} s each (one thread)", flush=True)
    return found


def level(noise: str) -> float:
    """The standard deviation that is told, white at 1."""
    try:
        return float(noise.removeprefix(WHITE)) / 255
    except ValueError:
        raise SystemExit(f"white noise must be of one level, such as gaussian:25, got {noise}.") from None


def psnr(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Of floats with white at 1."""
    return metrics.psnr(torch.from_numpy(truth), torch.from_numpy(estimate), data_range=1.0)


def main() -> None:
    """Score, add to the card, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--noise", nargs="+", default=["gaussian:15", "gaussian:25", "gaussian:50"])
    parser.add_argument("--every", type=int, default=6, help="every so many of the pictures; 1: all")
    parser.add_argument("--notes", default="")
    parser.add_argument(
        "--log", help="name of the CSV file beside this script; that of the model if not given"
    )
    parser.add_argument("--better-on", type=Path, help="folder of held-out pictures")
    given = parser.parse_args()
    card, weights = models.read(given.model)
    if given.better_on is not None:
        both = [str(shelf.shipped() / f"{given.name}.safetensors"), str(given.model)]
        old, new = compare.scores(given.better_on, both, gray=card.channels == 1)
        if mean(new) <= mean(old):
            raise SystemExit(f"{given.name} stays: {given.model.name} is not better.")
    folder = "CBSD68" if card.channels == 3 else "BSD68_gray"
    pictures = sorted((given.data_root / "clean" / folder).glob("*.png"))[:: given.every]
    if not pictures:
        raise SystemExit(
            f"no pictures in {given.data_root}/clean/{folder}. Give the folder of the test data."
        )
    quality = dict(card.quality)
    for noise in given.noise:
        where = f"{noise}, {len(pictures)} of {folder}"
        found = measured(pictures, given.model, noise)
        quality |= {f"PSNR, {where}: {name}": round(value, 3) for name, value in found.items()}
    card = dataclasses.replace(card, quality=quality, notes=given.notes or card.notes)
    # Trained models are kept in 16 bits (--half), so that nothing is lost here.
    models.write(shelf.shipped() / f"{given.name}.safetensors", card, weights, half=True)
    log = given.model.with_suffix(".run") / "metrics.csv"
    if log.exists():
        shutil.copy(log, Path(__file__).parent / f"{given.log or given.name}.csv")


if __name__ == "__main__":
    main()
