"""Scores a trained colour model against CBM3D and puts it among the shipped ones, figures and log beside it.

    python recipes/ship.py swift-color.safetensors --name swift-color --data-root DATA

White noise of sigma 25 on every sixth picture of CBSD68, not clipped, one frozen seed per picture, the level
told to both. The card gets the mean PSNR of both; `auto` may take the model for white noise only where it is
the better one.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import time
from pathlib import Path
from statistics import mean

import numpy as np
from skimage.io import imread

import pellucid
from pellucid import models
from pellucid.models import shelf

SIGMA = 25 / 255


def scores(path: Path, model: Path) -> tuple[float, float, float, float]:
    """PSNR and processor seconds of the model, then of CBM3D."""
    clean = imread(path).astype(np.float32) / 255
    draws = np.random.default_rng(int(path.stem))
    noisy = (clean + SIGMA * draws.standard_normal(clean.shape)).astype(np.float32)
    found: list[float] = []
    for given in ({"model": str(model)}, {"method": "bm3d"}):
        start = time.process_time()
        result = pellucid.denoise(noisy, sigma=SIGMA, data_range=1.0, channel_axis=-1, **given)
        found += [float(-10 * np.log10(np.square(result - clean).mean())), time.process_time() - start]
    return found[0], found[1], found[2], found[3]


def main() -> None:
    """Score, add to the card, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--data-root", type=Path, required=True)
    parser.add_argument("--notes", default="")
    given = parser.parse_args()
    pictures = sorted((given.data_root / "clean/CBSD68").glob("*.png"))[::6]
    if not pictures:
        raise SystemExit(f"no pictures in {given.data_root}/clean/CBSD68. Give the folder of the test data.")
    ours, spent, theirs, others = (
        mean(column) for column in zip(*(scores(p, given.model) for p in pictures), strict=True)
    )
    card, weights = models.read(given.model)
    quality = dict(card.quality) | {
        "PSNR at sigma 25, 12 of CBSD68": round(ours, 3),
        "CBM3D on the same": round(theirs, 3),
    }
    card = dataclasses.replace(
        card, quality=quality, kinds=("white",) if ours >= theirs else (), notes=given.notes or card.notes
    )
    models.write(shelf.shipped() / f"{given.name}.safetensors", card, weights)
    log = given.model.with_suffix(".run") / "metrics.csv"
    if log.exists():
        shutil.copy(log, Path(__file__).parent / f"{given.name}.csv")
    print(
        f"{ours:.3f} dB in {spent:.2f} s, CBM3D {theirs:.3f} dB in {others:.2f} s (one thread); {card.kinds}"
    )


if __name__ == "__main__":
    main()
