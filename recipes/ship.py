"""Scores a trained model beside (C)BM3D and puts it among the shipped ones, figures and log with it.

    python recipes/ship.py swift-color.safetensors --name swift-color --data-root DATA
    python recipes/ship.py grain.safetensors --name swift-grain --data-root DATA --noise correlated:15,1,0.5

Noise on every sixth picture of CBSD68 (of BSD68 in gray for a model of one channel), not clipped, one frozen
seed per picture: the model, (C)BM3D, and `photo`, which is the mean of the two. The level of white noise is
told to all; other noise is measured by all. The card gets the mean PSNR of each; `auto` may take the model
alone for white noise only where it is better than `photo`.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import time
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from skimage.io import imread

import pellucid
from pellucid import metrics, models, seeds
from pellucid.models import shelf
from pellucid.noise import models as noise_models

WHITE = "gaussian:"


def scores(path: Path, model: Path, noise: str) -> list[float]:
    """PSNR of the noisy picture, the model, (C)BM3D and `photo`; processor seconds of the three."""
    clean = imread(path).astype(np.float32) / 255
    planes = torch.from_numpy(clean[None] if clean.ndim == 2 else np.moveaxis(clean, -1, 0).copy())
    forward = noise_models.parse(noise)
    noisy = forward.apply(planes, seeds.generator(0, "ship", path.stem)).numpy()
    truth = planes.numpy()
    shared: dict[str, Any] = {"data_range": 1.0, "channel_axis": 0}
    if noise.startswith(WHITE):
        shared["sigma"] = float(noise.removeprefix(WHITE)) / 255
    ways: tuple[dict[str, Any], ...] = (
        {"model": str(model)},
        {"method": "bm3d"},
        {"method": "photo", "set": {"network" if len(planes) == 3 else "gray": str(model)}},
    )
    found, spent = [psnr(noisy, truth)], []
    for given in ways:
        start = time.process_time()
        found.append(psnr(pellucid.denoise(noisy, **shared, **given), truth))
        spent.append(time.process_time() - start)
    return found + spent


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
    parser.add_argument("--noise", default="gaussian:25")
    parser.add_argument("--every", type=int, default=6, help="every so many of the pictures; 1: all")
    parser.add_argument("--notes", default="")
    given = parser.parse_args()
    card, weights = models.read(given.model)
    folder = "CBSD68" if card.channels == 3 else "BSD68_gray"
    pictures = sorted((given.data_root / "clean" / folder).glob("*.*"))[:: given.every]
    if not pictures:
        raise SystemExit(
            f"no pictures in {given.data_root}/clean/{folder}. Give the folder of the test data."
        )
    columns = zip(*(scores(p, given.model, given.noise) for p in pictures), strict=True)
    noisy, ours, filtered, both, *seconds = (mean(column) for column in columns)
    quality = dict(card.quality) | {
        f"PSNR at {given.noise}, {len(pictures)} of {folder}": round(ours, 3),
        "noisy": round(noisy, 3),
        "BM3D on the same": round(filtered, 3),
        "photo, the mean of both": round(both, 3),
    }
    white = given.noise.startswith(WHITE)
    kinds = ("white",) if white and ours >= both else ()
    card = dataclasses.replace(card, quality=quality, kinds=kinds, notes=given.notes or card.notes)
    # Trained models are kept in 16 bits (--half), so that nothing is lost here.
    models.write(shelf.shipped() / f"{given.name}.safetensors", card, weights, half=True)
    log = given.model.with_suffix(".run") / "metrics.csv"
    if log.exists():
        shutil.copy(log, Path(__file__).parent / f"{given.name}.csv")
    print(
        f"noisy {noisy:.3f} dB, model {ours:.3f}, (C)BM3D {filtered:.3f}, photo {both:.3f}; "
        f"{', '.join(f'{s:.2f}' for s in seconds)} s each (one thread); {card.kinds}"
    )


if __name__ == "__main__":
    main()
