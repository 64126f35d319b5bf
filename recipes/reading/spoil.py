"""Spoils a clean scene: noise, then what happens to a picture until it is stored."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import noises
import numpy as np
import scenes
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.floating[Any]]
Draws = np.random.Generator
FILTERS = Image.Resampling
SMALLER = (FILTERS.LANCZOS, FILTERS.BICUBIC, FILTERS.BILINEAR, FILTERS.BOX, FILTERS.HAMMING)
LARGER = (FILTERS.LANCZOS, FILTERS.BICUBIC, FILTERS.BILINEAR)
SIDES = (128, 160, 192, 256, 256, 320)
LEVELS = (0.7, 60.0)
"""standard deviations of the noise that is added, of values from 0 to 255; their logarithms are uniform"""


@dataclass(frozen=True)
class Mix:
    """How often what is drawn.

    Attributes:
        drawn: scenes that are no photographs.
        clean: pictures to which no noise is added.
        camera: of the photographs with noise, those behind a Bayer mosaic.
        mixed: of the others with noise, those whose noise has a mixed spectrum.
        cored: of both, those that a camera has smoothed.
        smooth: of the photographs that are not reduced, those without detail at the pixel.
        photons: of the others with noise, those that count photons.
        dim: of the photographs, those that are dark but for a few bright parts, as fluorescence is.
        whole: pictures that are not resized after the noise came in.
        busy: photographs of which four crops are drawn, and the one with most fine detail is taken.
        webp: of the JPEG pictures, those that are WebP instead.
        grain: of the pictures with noise, those whose noise is the same in all channels.
        low: of the pictures with noise, those whose level is a third of what is drawn.
    """

    drawn: float = 0.2
    clean: float = 0.12
    camera: float = 0.22
    mixed: float = 0.35
    cored: float = 0.45
    smooth: float = 0.35
    photons: float = 0.0
    dim: float = 0.0
    whole: float = 0.55
    busy: float = 0.0
    webp: float = 0.0
    grain: float = 0.0
    low: float = 0.0


MIXES = {
    "first": Mix(camera=0.15, mixed=0, cored=0, smooth=0),
    "second": Mix(),
    "third": Mix(
        drawn=0.1,
        clean=0.04,
        camera=0.45,
        mixed=0.1,
        cored=0.5,
        smooth=0.15,
        photons=0.6,
        dim=0.3,
        whole=0.85,
    ),
    "busy": Mix(
        drawn=0.04, clean=0.25, camera=0.15, mixed=0.4, cored=0.3, smooth=0.05, busy=0.7, webp=0.2, low=0.5
    ),
    "grain": Mix(
        drawn=0.04, clean=0.15, camera=0.1, mixed=0.3, smooth=0.1, busy=0.4, webp=0.1, grain=0.7, low=0.3
    ),
}


@dataclass(frozen=True)
class Sample:
    """A spoilt picture.

    Attributes:
        noisy: (H, W, 3), values from 0 to 255 or a little beyond.
        noise: (H, W, 3) what there is of it beside the scene, errors of JPEG and rounding included.
        level: standard deviation of the noise when it was added.
        plain: whether it is a photograph at its own size and no JPEG, whatever its noise.
    """

    noisy: Floats
    noise: Floats
    level: float
    plain: bool


def sample(draws: Draws, pool: Sequence[Sequence[Path]], mix: Mix) -> Sample:
    """One spoilt picture of the photographs in `pool` or of a drawn scene."""
    side = int(draws.choice(SIDES))
    drawn = draws.random() < mix.drawn
    factor = _factor(draws, mix.whole)
    scene = _scene(draws, pool, mix, drawn, factor, min(round(side / factor), 640))
    contrast = float(draws.choice([1, 1, 1, draws.uniform(0.3, 1)]))
    if contrast < 1:
        scene = scene * contrast + draws.uniform(0, 255 * (1 - contrast))
    if draws.random() < 0.3:
        scene = np.repeat(scene.mean(-1, keepdims=True), 3, -1)
    level = float(np.exp(draws.uniform(*np.log(LEVELS)))) * contrast
    if mix.low and draws.random() < mix.low:
        level /= 3
    if draws.random() < mix.clean:
        level, noisy = 0.0, scene
    else:
        scene, noisy = _noisy(draws, scene, level, mix, drawn)
    if draws.random() < 0.6:
        noisy = np.clip(noisy, 0, 255)
        noisy = noisy.round() if draws.random() < 0.7 else noisy
    if factor != 1.0:
        how = FILTERS(draws.choice(SMALLER if factor < 1 else LARGER))
        scene, noisy = resized(scene, side, how), resized(noisy, side, how)
    scene, noisy = _filtered(draws, scene, noisy)
    scene, noisy, compressed = _stored(draws, scene, noisy, mix.webp)
    plain = factor == 1.0 and not drawn and not compressed
    return Sample(noisy.astype(np.float32), (noisy - scene).astype(np.float32), level, plain)


def _factor(draws: Draws, whole: float) -> float:
    """By which the picture is resized after the noise came in."""
    if draws.random() < whole:
        return 1.0
    if draws.random() < 0.5:
        return float(draws.choice([0.5, 0.5, 0.333, draws.uniform(0.4, 0.95)]))
    return float(draws.uniform(1.15, 2.2))


def _scene(
    draws: Draws, pool: Sequence[Sequence[Path]], mix: Mix, drawn: bool, factor: float, side: int
) -> Floats:
    if drawn:
        return scenes.drawn(draws, side)
    if mix.busy and draws.random() < mix.busy:
        scene = max((scenes.photograph(draws, pool, side) for _ in range(4)), key=_detail)
    else:
        scene = scenes.photograph(draws, pool, side)
    if factor >= 1 and draws.random() < mix.smooth:
        part = int(side / draws.uniform(1.2, 2.6)) + 1
        scene = np.clip(resized(scene[:part, :part], side, FILTERS.BICUBIC), 0, 255)
    if mix.dim and draws.random() < mix.dim:
        shown = scene if draws.random() < 0.5 else 255 - scene
        scene = (255 * (shown / 255) ** draws.uniform(1.5, 4)).astype(np.float32)
    return scene


def _detail(scene: Floats) -> float:
    """How much of the finest detail is everywhere: the least tenth of a picture's small parts is left out."""
    fine = gaussian_filter(np.abs(scene - gaussian_filter(scene, (1, 1, 0))).mean(-1), 8)
    return float(np.quantile(fine, 0.1))


def _noisy(draws: Draws, scene: Floats, level: float, mix: Mix, drawn: bool) -> tuple[Floats, Floats]:
    """The scene as it is without the noise, and with it."""
    if mix.grain and draws.random() < mix.grain:
        return scene, scene + noises.grain(draws, scene, level)
    if not drawn and draws.random() < mix.camera:
        scene, noisy = noises.camera(draws, scene, level)
    elif mix.photons and draws.random() < mix.photons:
        return scene, scene + noises.photons(draws, scene, level)
    elif draws.random() < mix.mixed:
        noisy = scene + noises.mixed(draws, scene, level)
    else:
        return scene, scene + noises.simple(draws, scene, level)
    return scene, noises.cored(draws, noisy, level) if draws.random() < mix.cored else noisy


def _filtered(draws: Draws, scene: Floats, noisy: Floats) -> tuple[Floats, Floats]:
    """Both sharpened, both blurred, or as they are."""
    kind = draws.random()
    if kind < 0.15:
        width, amount = draws.uniform(0.5, 2.5), draws.uniform(0.3, 1.8)
        both = [p + amount * (p - gaussian_filter(p, (width, width, 0))) for p in (scene, noisy)]
        return both[0], both[1]
    if kind < 0.22:
        width = draws.uniform(0.3, 0.9)
        return gaussian_filter(scene, (width, width, 0)), gaussian_filter(noisy, (width, width, 0))
    return scene, noisy


def _stored(draws: Draws, scene: Floats, noisy: Floats, webp: float = 0.0) -> tuple[Floats, Floats, bool]:
    """As JPEG (some of them twice, some WebP instead), as bytes, or as they are; last, whether it is JPEG."""
    kind = draws.random()
    if kind >= 0.85:
        return scene, noisy, False
    scene, stored = np.clip(scene, 0, 255), np.clip(noisy, 0, 255).round().astype(np.uint8)
    if kind >= 0.40:
        return scene, stored.astype(np.float32), False
    quality = draws.choice([draws.integers(30, 99), draws.integers(70, 99)])
    if webp and draws.random() < webp:
        return scene, lossy(stored, "WEBP", quality=int(quality)).astype(np.float32), True
    stored = jpeg(stored, int(quality), int(draws.choice([0, 2, 2, 1])))
    if draws.random() < 0.1:
        stored = jpeg(stored, int(draws.integers(60, 98)), int(draws.choice([0, 2])))
    return scene, stored.astype(np.float32), True


def jpeg(pixels: NDArray[np.uint8], quality: int, subsampling: int) -> NDArray[np.uint8]:
    """What is left of (H, W, 3) after JPEG; subsampling 0, 1, 2 is 4:4:4, 4:2:2, 4:2:0."""
    return lossy(pixels, "JPEG", quality=quality, subsampling=subsampling)


def lossy(pixels: NDArray[np.uint8], kind: str, **options: int) -> NDArray[np.uint8]:
    """(H, W, 3) written and read in a format of Pillow's."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    with Image.open(file) as picture:
        return np.asarray(picture)


def resized(pixels: Floats, side: int, how: Image.Resampling) -> Floats:
    """(H, W, C) at (side, side, C), each channel in floating point."""
    planes = [Image.fromarray(np.ascontiguousarray(p, np.float32)) for p in np.moveaxis(pixels, -1, 0)]
    return np.stack([np.asarray(p.resize((side, side), how)) for p in planes], -1)
