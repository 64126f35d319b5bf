"""Scores a trained colour model beside CBM3D and puts it among the shipped ones, figures and log with it.

    python recipes/ship.py swift-color.safetensors --name swift-color --data-root DATA

White noise of sigma 25 on every sixth picture of CBSD68, not clipped, one frozen seed per picture, the level
told to all: the model, CBM3D, and `photo`, which is the mean of the two. The card gets the mean PSNR of each;
`auto` may take the model alone for white noise only where it is better than `photo`.
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
from skimage.io import imread

import pellucid
from pellucid import models
from pellucid.models import shelf

SIGMA = 25 / 255


def scores(path: Path, model: Path) -> list[float]:
    """PSNR of the model, of CBM3D and of `photo` with the model; processor seconds of each."""
    clean = imread(path).astype(np.float32) / 255
    draws = np.random.default_rng(int(path.stem))
    noisy = (clean + SIGMA * draws.standard_normal(clean.shape)).astype(np.float32)
    ways: tuple[dict[str, Any], ...] = (
        {"model": str(model)},
        {"method": "bm3d"},
        {"method": "photo", "set": {"network": str(model)}},
    )
    found, spent = [], []
    for given in ways:
        start = time.process_time()
        result = pellucid.denoise(noisy, sigma=SIGMA, data_range=1.0, channel_axis=-1, **given)
        found.append(float(-10 * np.log10(np.square(result - clean).mean())))
        spent.append(time.process_time() - start)
    return found + spent


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
    columns = zip(*(scores(p, given.model) for p in pictures), strict=True)
    ours, filtered, both, *seconds = (mean(column) for column in columns)
    card, weights = models.read(given.model)
    quality = dict(card.quality) | {
        "PSNR at sigma 25, 12 of CBSD68": round(ours, 3),
        "CBM3D on the same": round(filtered, 3),
        "photo, the mean of both": round(both, 3),
    }
    card = dataclasses.replace(
        card, quality=quality, kinds=("white",) if ours >= both else (), notes=given.notes or card.notes
    )
    # Trained models are kept in 16 bits (--half), so that nothing is lost here.
    models.write(shelf.shipped() / f"{given.name}.safetensors", card, weights, half=True)
    log = given.model.with_suffix(".run") / "metrics.csv"
    if log.exists():
        shutil.copy(log, Path(__file__).parent / f"{given.name}.csv")
    print(
        f"model {ours:.3f} dB, CBM3D {filtered:.3f} dB, photo {both:.3f} dB; "
        f"{', '.join(f'{s:.2f}' for s in seconds)} s each (one thread); {card.kinds}"
    )


if __name__ == "__main__":
    main()
