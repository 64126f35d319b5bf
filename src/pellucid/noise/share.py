"""How much of a change to keep: the share of it that is noise, told without truth by small networks.

Of y + s (x̂ - y) the error is least at s* = <x - y, x̂ - y> / <x̂ - y, x̂ - y>, x the truth: 1 where noise and
nothing else was removed, 0 or less where it was texture. No single figure tells which; the networks see those
of the last look (`noise.residual`), how they compare with what was read, how the energy of what was removed
lies beside the detail of the estimate, and the spectra of both. All stay the same when a picture is stored as
a y + b. They were fitted by recipes/share/fit.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from scipy import ndimage
from torch import Tensor

from pellucid import devices
from pellucid.noise.alive import framed
from pellucid.noise.report import NoiseReport
from pellucid.noise.residual import Residual
from pellucid.noise.strokes import Floats

WINDOW = 8  # side of the windows whose energies are compared
LEAST = 4 * WINDOW  # pixels of a side without which nothing is told
BANDS = (0.0, 0.06, 0.12, 0.2, 0.3, 0.4, 0.8)  # cycles per pixel
TINY = 1e-12
WEIGHTS = Path(__file__).with_name("share.safetensors")


def features(noisy: Floats, estimate: Floats, noise: NoiseReport, found: Residual) -> dict[str, float] | None:
    """What the network sees, by name; None where the part is too small.

    Args:
        noisy: (C, H, W) a part of a slice.
        estimate: the same shape.
        noise: what was read of it.
        found: the figures of the last look of the same part.
    """
    rows, columns = framed(noisy)
    noisy, estimate = (a[:, rows, columns].astype(np.float64) for a in (noisy, estimate))
    if min(noisy.shape[1:]) < LEAST or found.removed <= 0 or noise.level <= 0:
        return None
    gone = (noisy - estimate) / found.removed
    gone -= gone.mean((1, 2), keepdims=True)
    luminance, kept = gone.mean(0), estimate.mean(0) / found.removed
    told = {name: _log(getattr(found, name) / noise.level) for name in ("removed", "calm", "white")} | {
        "chen": _log(noise.chen / noise.level),
        "mad": _log(float(np.mean(noise.mad or (0.0,))) / noise.level),
        "quiet": _log(found.calm / found.removed),
        "contrast": _log(found.removed / max(found.span, TINY)),
        "step": _log(noise.step / noise.level),
        "shared": found.shared,
        "detail": found.detail,
        "uneven": math.log(min(max(found.uneven, 0.3), 30.0)),
        "direction": found.direction,
        "stroke": min(found.stroke, 60) / 60,
        "moved": min(found.moved, 0.2),
        "drift": min(found.drift, 0.5),
        "beyond": min(max(found.beyond, -0.5), 0.5),
        "specks": min(found.specks, 0.02),
        "doubt": noise.doubt,
        "length": min(noise.length_px, 8.0),
        "correlated": float(noise.correlated),
        "rising": float(any(gain > 0 for gain in noise.gain)),
        "colour": float(len(gone) == 3),
        "luminance": float(np.mean(luminance**2) / max(float(np.mean(gone**2)), TINY)),
    }
    for more in devices.together(lambda: _places(luminance, kept), lambda: _spectra(luminance, kept)):
        told |= more
    return told


def _log(ratio: float) -> float:
    return math.log(min(max(ratio, 1e-3), 1e3))


def _places(gone: Floats, kept: Floats) -> dict[str, float]:
    """Where what was removed is strong: beside detail, beside itself, how far its tails reach."""
    fine = gone - ndimage.gaussian_filter(gone, 4.0)
    detail = kept - ndimage.gaussian_filter(kept, 2.0)
    a, b = (np.log(_energy(part) + 1e-6) for part in (fine, detail))
    light = _mean(kept)
    a, b, light = (part - part.mean() for part in (a, b, light))
    own, other, bright = (float(part.std()) for part in (a, b, light))
    size = np.sqrt(ndimage.uniform_filter(fine**2, 16) + 1e-6)
    ends = np.quantile(a, (0.05, 0.5, 0.95))
    return {
        "beside": float(np.mean(a * b)) / max(own * other, 1e-6),
        "slope": float(np.mean(a * b)) / max(other**2, 1e-3),
        "lit": float(np.mean(a * light)) / max(own * bright, 1e-6),
        "spread": own,
        "smooth": float(np.mean(a[1:] * a[:-1]) + np.mean(a[:, 1:] * a[:, :-1])) / 2 / max(own**2, 1e-6),
        "faint": float(ends[0] - ends[1]),
        "strong": float(ends[2] - ends[1]),
        "tails": math.log(max(float(np.mean((fine / size) ** 4)), 1.0)),
    }


def _tiles(plane: Floats) -> Floats:
    height, width = (WINDOW * (n // WINDOW) for n in plane.shape)
    tiled: Floats = plane[:height, :width].reshape(height // WINDOW, WINDOW, width // WINDOW, WINDOW)
    return tiled


def _energy(plane: Floats) -> Floats:
    found: Floats = np.square(_tiles(plane)).mean((1, 3))
    return found


def _mean(plane: Floats) -> Floats:
    found: Floats = _tiles(plane).mean((1, 3))
    return found


def _spectra(gone: Floats, kept: Floats) -> dict[str, float]:
    """Shares of the bands in what was removed, and how far the picture stands above it in each."""
    height, width = gone.shape
    taper = np.outer(np.hanning(height), np.hanning(width))
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    band = np.digitize(distance, BANDS) - 1
    powers = []
    for plane in (gone, kept - kept.mean()):
        power = np.abs(np.fft.rfft2(plane * taper)) ** 2
        powers.append(np.bincount(band.ravel(), power.ravel(), len(BANDS) - 1))
    removed, stays = powers
    shares = removed / max(float(removed.sum()), TINY)
    above = np.log((stays + 1e-6) / (removed + 1e-6))
    return {f"band {i}": float(v) for i, v in enumerate(shares)} | {
        f"above {i}": float(np.clip(v, -6, 12)) for i, v in enumerate(above) if i
    }


def share(seen: Mapping[str, float]) -> float:
    """The share of a change to keep, 0 to 1, for its features."""
    return run(_network(), torch.tensor([seen[name] for name in _names()]))


def run(weights: Mapping[str, Tensor], x: Tensor) -> float:
    """The mean of what several small networks say, for features in the order of their weights."""
    x = ((x - weights["mean"]) / weights["spread"]).clamp(-3, 3).expand(len(weights["c.bias"]), -1)
    for layer in ("a", "b"):
        x = torch.einsum("noi,ni->no", weights[f"{layer}.weight"], x) + weights[f"{layer}.bias"]
        x = torch.nn.functional.silu(x)
    said = torch.einsum("ni,ni->n", weights["c.weight"], x) + weights["c.bias"]
    return float(said.sigmoid().mean())


@lru_cache
def _network() -> dict[str, Tensor]:
    with safe_open(WEIGHTS, "pt") as file:
        return {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (no mapping)


@lru_cache
def _names() -> tuple[str, ...]:
    with safe_open(WEIGHTS, "pt") as file:
        return tuple((file.metadata() or {})["features"].split(","))
