"""The noise that is added to clean scenes (H, W, 3) of values from 0 to 255, and what cameras do with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve, gaussian_filter

Floats = NDArray[np.floating[Any]]
Draws = np.random.Generator
BAYER = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], float)[..., None]
"""weights of bilinear interpolation of the pixels of one colour"""


def _gauss(draws: Draws, scene: Floats, channels: int = 3) -> Floats:
    return draws.standard_normal((*scene.shape[:2], channels), dtype=np.float32)


def _partly_shared(draws: Draws, scene: Floats, share: float) -> Floats:
    """Standard noise of which a share (of the variance) is the same in all channels."""
    return math.sqrt(1 - share) * _gauss(draws, scene) + math.sqrt(share) * _gauss(draws, scene, 1)


def _unit(field: Floats) -> Floats:
    return field / field.std()


def white(draws: Draws, scene: Floats, level: float) -> Floats:
    """Independent in each pixel and channel, standard deviation `level`."""
    return level * _gauss(draws, scene)


def per_channel(draws: Draws, scene: Floats, level: float) -> Floats:
    """White, each channel with a level of its own."""
    return white(draws, scene, level) * draws.uniform(0.6, 1.6, 3)


def shared(draws: Draws, scene: Floats, level: float) -> Floats:
    """White between pixels, common to the channels in part."""
    return level * _partly_shared(draws, scene, draws.uniform(0, 1))


def poisson_like(draws: Draws, scene: Floats, level: float) -> Floats:
    """White, its variance a line in the brightness."""
    light = np.clip(scene, 0, 255) / 128
    return white(draws, scene, level) * np.sqrt(light * draws.uniform(0.5, 1) + draws.uniform(0.02, 0.5))


def photons(draws: Draws, scene: Floats, level: float) -> Floats:
    """Poisson counts above black, white noise of the reading on top; `level` in the middle of the range."""
    black = draws.choice([0.0, 0.0, draws.uniform(0, 30)])
    unit = level**2 / 128  # of one count: its variance is unit² n = unit signal
    light = np.clip(scene - black, 0, None)
    counted: Floats = (unit * draws.poisson(light / unit)).astype(np.float32)
    return counted - light + white(draws, scene, level) * draws.choice([0.0, draws.uniform(0, 0.4)])


def blurred(draws: Draws, scene: Floats, level: float) -> Floats:
    """Blurred white noise, unlike in rows and columns, some of it with white noise on top."""
    width = draws.uniform(0.3, 2.0)
    share = draws.choice([0, 0, draws.uniform(0, 1)])
    widths = (width * draws.uniform(0.8, 1.25), width, 0)
    field = level * _unit(gaussian_filter(_partly_shared(draws, scene, share), widths))
    if draws.random() < 0.3:
        field = math.sqrt(0.7) * field + 0.5 * math.sqrt(0.3) * white(draws, scene, level)
    return field


def grain(draws: Draws, scene: Floats, level: float) -> Floats:
    """Blurred, the same in all channels, as the grain of a film."""
    width = draws.uniform(0.4, 1.5)
    field = level * _unit(gaussian_filter(_gauss(draws, scene, 1), (width, width, 0)))
    return np.repeat(field, 3, -1)


SIMPLE: tuple[tuple[float, Callable[[Draws, Floats, float], Floats]], ...] = (
    (0.55, white), (0.10, per_channel), (0.07, shared), (0.08, poisson_like), (0.13, blurred), (0.07, grain),
)  # fmt: skip
"""kinds of noise and how often each is drawn"""


def simple(draws: Draws, scene: Floats, level: float) -> Floats:
    """Noise of one of the kinds in SIMPLE."""
    kind = SIMPLE[draws.choice(len(SIMPLE), p=[share for share, _ in SIMPLE])][1]
    return kind(draws, scene, level)


def mixed(draws: Draws, scene: Floats, level: float) -> Floats:
    """Noise of any spectrum: white, fine and coarse together, the chroma often coarser than the luminance."""
    width, wide = draws.uniform(0.3, 2.2), draws.uniform(2, 8)
    coarse = 0.7 * draws.uniform(0, 1) ** 2
    plain = (1 - coarse) * draws.uniform(0, 1) ** 3
    if draws.random() < 0.4:
        noise = _bands(draws, scene, 3, (plain, coarse), (width, wide))
    else:
        luminance = _bands(draws, scene, 1, (plain, coarse), (width, wide))
        more = min(coarse + draws.uniform(0, 0.3), 0.9)
        widths = (width * draws.uniform(1, 2.5), wide * draws.uniform(1, 1.5))
        chroma = _bands(draws, scene, 3, (0.0, more), widths)
        chroma = chroma - chroma.mean(-1, keepdims=True)
        noise = luminance * draws.uniform(0.5, 1.2) + chroma * draws.uniform(0.1, 1.2)
    noise = noise * draws.uniform(0.75, 1.3, 3)
    if draws.random() < 0.4:
        light = np.clip(gaussian_filter(scene.mean(-1, keepdims=True), (1.5, 1.5, 0)), 0, 255) / 128
        noise = noise * np.sqrt(light * draws.uniform(0.3, 1) + draws.uniform(0.05, 0.6))
    return level * _unit(noise)


def _bands(
    draws: Draws, scene: Floats, channels: int, shares: tuple[float, float], widths: tuple[float, float]
) -> Floats:
    """Shares (white, coarse) of the variance, the rest fine; widths (fine, coarse) of the blur."""
    (plain, coarse), (width, wide) = shares, widths
    fine = gaussian_filter(_gauss(draws, scene, channels), (width * draws.uniform(0.85, 1.2), width, 0))
    field = math.sqrt(max(1 - coarse - plain, 0)) * _unit(fine)
    field = field + math.sqrt(plain) * _gauss(draws, scene, channels)
    slow = gaussian_filter(_gauss(draws, scene, channels), (wide, wide, 0))
    return field + math.sqrt(coarse) * _unit(slow)


def camera(draws: Draws, scene: Floats, level: float) -> tuple[Floats, Floats]:
    """The scene without and with noise behind a Bayer mosaic: light, noise, interpolation, development."""
    gamma = 2.2
    balance = np.array([draws.uniform(1.2, 2.4), 1, draws.uniform(1.2, 2.4)], np.float32)
    light = np.clip(scene / 255, 0, 1) ** gamma / balance
    peak = 0.25 * (255 / level) ** 2
    reading = 0.3 * draws.uniform(0, 0.6) / math.sqrt(peak)
    noise = np.sqrt(light / peak) * _gauss(draws, scene) + reading * _gauss(draws, scene)
    interpolated = (_interpolated, _by_differences)[int(draws.integers(2))]
    colour, contrast = draws.choice([0, draws.uniform(0, 0.6)]), draws.choice([0, draws.uniform(0, 0.5)])

    def developed(raw: Floats) -> Floats:
        shown = np.clip(interpolated(raw), 0, None) * balance
        shown = shown + colour * (shown - shown.mean(-1, keepdims=True))
        shown = np.clip(shown, 0, 1) ** (1 / gamma)
        return 255 * (shown - contrast * np.sin(2 * math.pi * shown) / (2 * math.pi))

    return developed(light), developed(light + noise)


def _mosaic(light: Floats) -> Floats:
    """Where an RGGB mosaic sees (H, W, 3)."""
    mask = np.zeros_like(light)
    for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mask[row::2, column::2, channel] = 1
    return mask


def _interpolated(light: Floats) -> Floats:
    """What is left of (H, W, 3) in an RGGB mosaic, interpolated bilinearly."""
    mask = _mosaic(light)
    near = convolve(light * mask, BAYER) / np.maximum(convolve(mask, BAYER), 1e-6)
    return np.where(mask > 0, light, near)


def _by_differences(light: Floats) -> Floats:
    """The same, but red and blue by their differences to green, as most cameras do."""
    mask = _mosaic(light)
    green = _interpolated(light)[..., 1:2]
    away = convolve((light - green) * mask, BAYER) / np.maximum(convolve(mask, BAYER), 1e-6)
    return np.where(mask > 0, light, green + away)


def cored(draws: Draws, noisy: Floats, level: float) -> Floats:
    """What the noise reduction of a camera leaves: small detail is damped, in the chroma more."""
    width, size = draws.uniform(0.6, 2.5), draws.uniform(0.7, 2.5) * level
    strength = draws.uniform(0.3, 1)
    luminance = noisy.mean(-1, keepdims=True)
    if draws.random() < 0.4:
        soft = draws.uniform(0.5, 4)
        noisy = luminance + gaussian_filter(noisy - luminance, (soft, soft, 0))
    wider = width * draws.uniform(1, 2)
    chroma = _damped(noisy - luminance, wider, 1.5 * size, min(1.0, 1.3 * strength))
    return _damped(luminance, width, size, strength) + chroma


def _damped(plane: Floats, width: float, size: float, strength: float) -> Floats:
    low = gaussian_filter(plane, (width, width, 0))
    detail = plane - low
    damped: Floats = low + detail * (1 - strength * np.exp(-((detail / max(size, 1e-3)) ** 2)))
    return damped
