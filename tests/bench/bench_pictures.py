"""Small data sets for the tests of the benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from skimage.data import chelsea

SIDE = 40


def truth(place: int = 0, side: int = SIDE) -> np.ndarray:
    return np.ascontiguousarray(chelsea()[60 + 20 * place : 60 + 20 * place + side, 120 : 120 + side])


def save(pixels: np.ndarray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(path)
    return path


def noisy(place: int = 0, sigma: float = 20.0, seed: int = 0, side: int = SIDE) -> np.ndarray:
    clean = truth(place, side)
    noise = np.random.default_rng(100 * seed + place).normal(0, sigma, clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def clean_set(root: Path, count: int = 2, name: str = "clean/Set9", side: int = SIDE) -> Path:
    for i in range(count):
        save(truth(i, side), root / name / f"picture{i}.png")
    return root


def pair_set(root: Path, count: int = 2, name: str = "real/CC15") -> Path:
    for i in range(count):
        save(noisy(i), root / name / f"scene{i}_real.png")
        save(truth(i), root / name / f"scene{i}_mean.png")
    return root
