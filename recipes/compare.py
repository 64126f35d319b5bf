"""Compares models on the pictures that a training held out; no test set is looked at.

    python recipes/compare.py pictures/ swift-color color.safetensors --seed 10

`--seed` and `--held-out` are those of the training, so that the held-out pictures are the same. White noise,
not clipped, one frozen seed per picture and level, on the middle of each picture; the level is told.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

import numpy as np
import torch

import pellucid
from pellucid import metrics, seeds
from pellucid.data import Data, Options, open_data

SIDE = 256
"""pixels of the middle that is looked at, at most"""
LEVELS = (15, 25, 50)


def middles(data: Data) -> dict[str, torch.Tensor]:
    """The middle (C, H, W) of every held-out picture, by name."""
    found = {}
    for region in data.parts.held_out:
        height, width = region.bottom - region.top, region.right - region.left
        side = min(SIDE, height, width)
        top, left = region.top + (height - side) // 2, region.left + (width - side) // 2
        views = data.pool.views(region, region.first, top, left, side, seeds.generator(0))
        if views is not None:
            found[data.pool.name(region)] = views[0]
    return found


def psnr(clean: torch.Tensor, level: int, name: str, model: str) -> float:
    """Of what the model makes of the picture with noise, in dB."""
    draws = seeds.generator(0, "compare", name, level)
    noisy = clean + level / 255 * torch.randn(clean.shape, generator=draws)
    estimate = pellucid.denoise(noisy.numpy(), model=model, sigma=level / 255, data_range=1.0, channel_axis=0)
    return metrics.psnr(clean, torch.from_numpy(np.asarray(estimate)), data_range=1.0)


def scores(
    pictures: Path, models: list[str], *, seed: int, held_out: float = 0.1, gray: bool = False
) -> list[list[float]]:
    """Mean PSNR of each model at each level, on the pictures that a training with this seed held out."""
    options = Options(
        patch=64, batch=1, seed=seed, noise="gaussian:0-75", scales=(0.5, 1.0), gray=gray, held_out=held_out
    )  # fmt: skip
    clean = middles(open_data(pictures, options, "pairs"))
    print(f"{len(clean)} held-out pictures; sigma {', '.join(map(str, LEVELS))}")
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
    parser.add_argument("pictures", type=Path)
    parser.add_argument("models", nargs="+", help="files, or names of shipped ones")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--held-out", type=float, default=0.1)
    parser.add_argument("--gray", action="store_true")
    given = parser.parse_args()
    scores(given.pictures, given.models, seed=given.seed, held_out=given.held_out, gray=given.gray)


if __name__ == "__main__":
    main()
