"""What the benchmarks of small networks beside a whole one do alike: PSNR on CBSD68, and time in turns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from skimage.io import imread
from torch import nn

import record
from pellucid import learning, methods, models
from pellucid.exporting import pictures

LEVEL = 25 / 255
SIGMA = torch.full((1, 1, 1, 1), LEVEL)
TURNS = 4
"""of which the first warms up"""


def network(path: Path) -> nn.Module:
    n2n = methods.load("n2n")
    return models.load(path, "n2n", n2n.learning, n2n.config).network


def picture(path: Path, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Clean and noisy, (1, C, H, W)."""
    clean = torch.from_numpy(imread(path).copy()).float().permute(2, 0, 1)[None] / 255
    return clean, pictures.noisy(clean, LEVEL, seed=seed)


def scores(networks: Mapping[str, nn.Module], root: Path, limit: int | None) -> tuple[dict[str, float], int]:
    """Mean PSNR on every sixth picture of CBSD68, of the noisy ones too, and how many these are."""
    found: dict[str, list[float]] = {name: [] for name in ("noisy", *networks)}
    for number, path in enumerate(record.pictures(root, "clean/CBSD68", None)[::6][:limit]):
        clean, noisy = picture(path, number)
        found["noisy"].append(record.psnr(clean, noisy))
        for name, one in networks.items():
            with torch.no_grad():
                found[name].append(record.psnr(clean, learning.apply(one, noisy, SIGMA)))
    return {name: round(float(np.mean(v)), 2) for name, v in found.items()}, len(found["noisy"])


def shares(networks: Mapping[str, nn.Module], whole: str) -> dict[str, float]:
    """Time on 512 x 512 over that of the whole network, the median of turns."""
    noisy = pictures.noisy(pictures.clean(3), LEVEL)
    times: dict[str, list[float]] = {name: [] for name in networks}
    for _ in range(TURNS):
        for name, one in networks.items():
            started = time.perf_counter()
            with torch.no_grad():
                learning.apply(one, noisy, SIGMA)
            times[name].append(time.perf_counter() - started)
    ratio = {name: np.divide(taken[1:], times[whole][1:]) for name, taken in times.items()}
    return {name: round(float(np.median(values)), 3) for name, values in ratio.items()}
