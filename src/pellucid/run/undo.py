"""A whole image whose degradation is known: fill what a mask hides, or enlarge what was made small."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from pellucid import auto, methods
from pellucid.degradation import Degradation, Downsample, Mask
from pellucid.image import Image
from pellucid.noise import analysis
from pellucid.noise.report import NoiseReport
from pellucid.run.drive import Driven, Progress
from pellucid.run.guiding import fitting
from pellucid.run.settings import Settings
from pellucid.run.slices import each, numbered
from pellucid.steps import Result

Watch = Callable[[Progress], None]


def fill(
    image: Image,
    hidden: Tensor,
    settings: Settings,
    *,
    keep_known: bool = True,
    guide: Image | None = None,
    notes: tuple[str, ...] = (),
    progress: Watch | None = None,
) -> Result:
    """Fill the pixels that are hidden.

    Args:
        image: the picture or stack.
        hidden: (H, W) bool, True where a pixel is missing.
        settings: from `settle` with kind="mask".
        keep_known: whether the other pixels come back as they are.
        guide: another picture of the scene, of the same size.
        notes: remarks on the mask, for the warnings.
        progress: called at every step.
    """
    pixels = torch.from_numpy(image.pixels.copy())
    started = time.perf_counter()
    noise = _noise(_nearest(pixels, hidden), image)
    result = _undo(image, pixels, Mask(hidden), noise, settings, guide, started, progress)
    estimate = np.where(hidden.numpy(), result.estimate, image.pixels) if keep_known else result.estimate
    return replace(result, estimate=estimate, warnings=(*notes, *result.warnings))


def enlarge(
    image: Image,
    factor: int,
    settings: Settings,
    *,
    guide: Image | None = None,
    progress: Watch | None = None,
) -> Result:
    """Make an image larger by a whole factor.

    Args:
        image: the picture or stack.
        factor: 2, 4 or 8.
        settings: from `settle` with kind="downsample".
        guide: another picture of the scene, of the size of the result.
        progress: called at every step.
    """
    degradation = Downsample(factor)
    pixels = torch.from_numpy(image.pixels.copy())
    started = time.perf_counter()
    noise = _noise(pixels, image)
    return _undo(image, pixels, degradation, noise, settings, guide, started, progress)


def _undo(
    image: Image,
    pixels: Tensor,
    degradation: Degradation,
    noise: NoiseReport,
    settings: Settings,
    guide: Image | None,
    started: float,
    progress: Watch | None,
) -> Result:
    steering = None if guide is None else fitting(guide, image, factor=degradation.factor)
    warnings: list[str] = []
    if settings.method is None:
        name, reason = auto.restorer(degradation.kind, pixels[0, 0].numel() * degradation.factor**2)
        method = methods.load(name).for_kind(degradation.kind)
        config = method.presets["fast"]
    else:
        method, config, reason = settings.method, settings.config, "asked for"

    def untouched(picture: Tensor) -> Tensor:
        return degradation.enlarge(picture) if isinstance(degradation, Downsample) else picture

    parts: list[Driven] = each(
        pixels[None],
        method,
        config,
        noise,
        settings,
        color=image.color,
        degradation=degradation,
        guide=steering,
        untouched=untouched,
        progress=progress,
        warnings=warnings,
    )
    return Result(
        estimate=torch.stack([p.estimate for p in parts]).numpy().astype(np.float32),
        method=method.name,
        reason=reason,
        config=config,
        seed=settings.seed,
        device=str(settings.device),
        seconds=time.perf_counter() - started,
        iterations=max(p.iterations for p in parts),
        stopped_by=", ".join(dict.fromkeys(p.stopped_by for p in parts)),
        curves=numbered([p.curves for p in parts]),
        noise=noise,
        warnings=(*warnings, *noise.warnings),
        extras=numbered([p.extras for p in parts]),
    )


def _noise(pixels: Tensor, image: Image) -> NoiseReport:
    return analysis.analyse(pixels, color=image.color, scale=image.scale)


def _nearest(pixels: Tensor, hidden: Tensor) -> Tensor:
    """(N, C, H, W) with every hidden pixel replaced by the nearest known one, so that holes are no edges."""
    rows, columns = distance_transform_edt(hidden.numpy(), return_distances=False, return_indices=True)
    return pixels[..., torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]
