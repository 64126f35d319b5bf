"""The frozen protocol: how noise is drawn, what is cut, rounded and stored, and how files are scored.

docs/protocol.md says the same in words, with the reasons. Any change here that moves a number raises
VERSION.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pellucid import files, metrics, seeds
from pellucid.bench.layouts import Array
from pellucid.bench.manifest import PROTOCOL as VERSION
from pellucid.bench.spec import SetSpec
from pellucid.noise import models

__all__ = ["VERSION", "Array", "add_noise", "crop", "in_units", "level", "score", "stored", "write"]


def crop(values: Array, side: int | None) -> Array:
    """The centre of (C, H, W), at most ``side`` pixels a side; an odd rest stays at the bottom and the right.

    >>> crop(np.arange(16).reshape(1, 4, 4), 2).tolist()
    [[[5, 6], [9, 10]]]
    """
    if side is None:
        return values
    top, left = (max(0, (length - side) // 2) for length in values.shape[-2:])
    return np.ascontiguousarray(values[:, top : top + side, left : left + side])


def level(spec: SetSpec, found: str, image: str, seed: int) -> str:
    """The level that an image gets, in the units of the text: as stated, or drawn evenly from its range.

    Args:
        spec: of the set.
        found: name of the set.
        image: name of the picture.
        seed: noise seed.
    """
    if "-" not in spec.level or "," in spec.level:
        return spec.level
    low, high = map(float, spec.level.split("-"))
    draw = torch.rand(1, generator=seeds.generator(seed, "bench", found, image, "level"), dtype=torch.float64)
    return f"{low + (high - low) * float(draw):.6f}"


def add_noise(
    clean: Array, spec: SetSpec, found: str, image: str, seed: int, *, shot: int = 1
) -> tuple[Array, float | None]:
    """The noisy version of a whole picture, before any crop.

    The stream of random numbers is a named child of the seed: of set, image and shot, and of nothing else. So
    neither the order of the images nor the crop, nor which others are run, changes the noise of one of them;
    two levels of one model scale the same draw.

    Args:
        clean: (C, H, W) working range, float32.
        spec: of the set, with a model.
        found: name of the set.
        image: name of the picture.
        seed: noise seed.
        shot: which of several independent noisy versions, from 1.

    Returns:
        (C, H, W) float32, clipped and rounded to 8 bits if the spec says so; and the standard deviation of
        the noise in the working range where the model states it (gaussian).
    """
    stated = level(spec, found, image, seed)
    names = ("bench", found, image, *(("shot", shot) if shot > 1 else ()))
    model = models.parse(f"{spec.model}:{stated}")
    noisy = model.apply(torch.from_numpy(clean), seeds.generator(seed, *names)).numpy().astype(np.float32)
    if spec.clip:
        noisy = stored(noisy, "uint8", 255.0).astype(np.float32) / np.float32(255)
    return noisy, float(stated) / 255 if spec.model == "gaussian" else None


def stored(pixels: Array, dtype: str, scale: float) -> Array:
    """Working values as a file holds them: rounded and clipped for integers, as they are for floats.

    >>> stored(np.array([0.5, 1.2]), "uint8", 255.0).tolist()
    [128, 255]
    """
    if not np.issubdtype(np.dtype(dtype), np.integer):
        return (pixels * np.float32(scale)).astype(dtype)
    top = min(float(np.iinfo(dtype).max), scale)
    low = max(float(np.iinfo(dtype).min), -scale)
    return np.clip(np.rint(pixels.astype(np.float64) * scale), low, top).astype(dtype)


def write(values: Array, stem: Path, scale: float) -> Path:
    """Write stored values (C, H, W): PNG for 8 and 16 bits of 1 or 3 channels, else TIFF.

    Returns:
        the path; its suffix is added to ``stem``.
    """
    channels = values.shape[0]
    array = values[0] if channels == 1 else np.moveaxis(values, 0, -1)
    plain = values.dtype in (np.uint8, np.uint16) and channels in (1, 3)
    path = stem.with_name(f"{stem.name}.{'png' if plain else 'tif'}")
    image = files.from_array(
        np.ascontiguousarray(array), channel_axis=None if channels == 1 else -1, data_range=scale
    )
    files.write(image, path)
    return path


def score(clean: Path, estimate: Path, scale: float) -> tuple[float | None, float | None]:
    """PSNR in dB and SSIM of a written file against a written truth; the data range is that of the set.

    Args:
        clean: file.
        estimate: file.
        scale: what white is in the files: 255 for 8 bits.

    Returns:
        PSNR, None when the two are equal (it is infinite); SSIM, None under 11 pixels a side.
    """
    truth, ours = (in_units(path, scale) for path in (clean, estimate))
    ratio = metrics.psnr(truth, ours, data_range=1.0)
    similar = metrics.ssim(truth, ours, data_range=1.0) if min(truth.shape[-2:]) >= 11 else None
    return ratio if math.isfinite(ratio) else None, similar


def in_units(path: Path, scale: float) -> Tensor:
    """The working values (C, H, W) in a file of integers of this white, or of floats."""
    image = files.read(path, data_range=scale)
    floats = np.dtype(image.dtype).kind == "f"
    return torch.from_numpy(image.pixels[0].astype(np.float64) * (scale if floats else 1.0))
