"""Compares models on pictures that are kept from the trainings and are in no test set.

    python recipes/compare.py held-out/ swift-color color.safetensors

`pictures.py` makes the folder. White noise, not clipped, one frozen seed per picture and level, on the middle
of each picture; the level is told.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from PIL import Image

import pellucid
from pellucid import metrics, seeds

SIDE = 256
"""pixels of the middle that is looked at, at most"""
LEVELS = (15, 25, 50)


def middle(path: Path, *, gray: bool = False) -> torch.Tensor:
    """The middle (C, H, W) of a picture, white at 1."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("L" if gray else "RGB"), dtype=np.float32) / 255
    planes = pixels[None] if gray else np.moveaxis(pixels, -1, 0)
    top, left = (max(0, (side - SIDE) // 2) for side in planes.shape[1:])
    return torch.from_numpy(planes[:, top : top + SIDE, left : left + SIDE].copy())


def psnr(clean: torch.Tensor, level: int, name: str, model: str) -> float:
    """Of what the model makes of the picture with noise, in dB."""
    draws = seeds.generator(0, "compare", name, level)
    noisy = clean + level / 255 * torch.randn(clean.shape, generator=draws)
    estimate = pellucid.denoise(noisy.numpy(), model=model, sigma=level / 255, data_range=1.0, channel_axis=0)
    return metrics.psnr(clean, torch.from_numpy(np.asarray(estimate)), data_range=1.0)


def scores(folder: Path, models: Sequence[str], *, gray: bool = False) -> list[list[float]]:
    """Mean PSNR of each model at each level."""
    clean = {path.stem: middle(path, gray=gray) for path in sorted(folder.glob("*.png"))}
    if not clean:
        raise SystemExit(f"no pictures in {folder}. Make them with pictures.py.")
    print(f"{len(clean)} pictures of {folder.name}; sigma {', '.join(map(str, LEVELS))}")
    found = []
    for model in models:
        found.append([mean(psnr(c, level, name, model) for name, c in clean.items()) for level in LEVELS])
        print(f"{model}: {', '.join(f'{value:.3f}' for value in found[-1])}; mean {mean(found[-1]):.3f} dB")
    return found


def main() -> None:
    """Open, denoise, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+", help="files, or names of shipped ones")
    parser.add_argument("--gray", action="store_true")
    given = parser.parse_args()
    scores(given.folder, given.models, gray=given.gray)


if __name__ == "__main__":
    main()
