"""`inpaint` and `upscale` in Python: you get back what you gave, whole or larger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from pellucid import files
from pellucid.image import Image
from pellucid.run.drive import Progress
from pellucid.run.given import as_image, like
from pellucid.run.guiding import hidden
from pellucid.run.settings import settle
from pellucid.run.undo import enlarge, fill


def inpaint(
    x: Any,
    mask: Any,
    method: str = "auto",
    *,
    keep_known: bool = True,
    preset: str | None = None,
    config: Any = None,
    set: Mapping[str, Any] | None = None,
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    stop: str | None = None,
    iterations: int | None = None,
    seconds: float | None = None,
    guide: Any = None,
    initial: Mapping[str, Tensor] | None = None,
    channel_axis: int | None = None,
    return_result: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Any:
    """Fill holes, scratches, text or missing pixels of a picture or a stack; you get back what you gave.

    Args:
        x: a picture as for `denoise`.
        mask: what is missing, (H, W): True or white (at least half of it) where a pixel is missing. A boolean
            or any other array, a tensor or an Image.
        method: "auto" or a method that inpaints.
        keep_known: whether the other pixels come back exactly as they are; else the method may denoise them.
        preset: "fast" (made for two cores, the default), "paper", or one that `pellucid methods NAME` lists.
        config: a Config of the method, instead of a preset.
        set: fields of the Config to change.
        data_range: what white is in the units of x.
        seed: of every random draw.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        stop: stop rule of an iterative method; None is the method's own.
        iterations: at most so many.
        seconds: at most so long, analysis not counted.
        guide: another picture of the scene, of the same size, for methods that take one (dip).
        initial: state dict of an earlier fit to start from.
        channel_axis: of an array that has channels.
        return_result: whether to return the Result instead of the picture.
        progress: called with a Progress at every step.

    Raises:
        ValueError: for a mask of another size, or one that marks nothing or everything, and as `denoise`.

    >>> ramp = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1))
    >>> hole = np.zeros((24, 24), bool)
    >>> hole[10:12, 10:12] = True
    >>> scratched = np.where(hole, 255, ramp).astype(np.uint8)
    >>> int(np.abs(inpaint(scratched, hole, "biharmonic").astype(int) - ramp).max()) <= 1
    True
    """
    settings = settle(
        method,
        preset=preset,
        config=config,
        set=set,
        data_range=data_range,
        seed=seed,
        device=device,
        stop=stop,
        iterations=iterations,
        seconds=seconds,
        initial=initial,
        kind="mask",
        guide=guide is not None,
    )
    image = as_image(x, channel_axis, data_range)
    missing, notes = hidden(_mask(mask), image)
    steering = None if guide is None else as_image(guide, channel_axis, data_range)
    result = fill(
        image, missing, settings, keep_known=keep_known, guide=steering, notes=notes, progress=progress
    )
    return result if return_result else like(x, image.with_pixels(result.estimate))


def upscale(
    x: Any,
    factor: int = 2,
    method: str = "auto",
    *,
    preset: str | None = None,
    config: Any = None,
    set: Mapping[str, Any] | None = None,
    data_range: float | None = None,
    seed: int = 0,
    device: str = "auto",
    stop: str | None = None,
    iterations: int | None = None,
    seconds: float | None = None,
    guide: Any = None,
    initial: Mapping[str, Tensor] | None = None,
    channel_axis: int | None = None,
    return_result: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Any:
    """Make a picture or a stack larger; you get back what you gave, with sides ``factor`` times as long.

    Args:
        x: a picture as for `denoise`.
        factor: 2, 4 or 8.
        method: "auto" or a method that upscales.
        preset: "fast" (made for two cores, the default), "paper", or one that `pellucid methods NAME` lists.
        config: a Config of the method, instead of a preset.
        set: fields of the Config to change.
        data_range: what white is in the units of x.
        seed: of every random draw.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        stop: stop rule of an iterative method; None is the method's own.
        iterations: at most so many.
        seconds: at most so long, analysis not counted.
        guide: another picture of the scene, of the size of the result, for methods that take one (dip).
        initial: state dict of an earlier fit to start from.
        channel_axis: of an array that has channels.
        return_result: whether to return the Result instead of the picture.
        progress: called with a Progress at every step.

    Raises:
        ValueError: for a factor that is none of these, and as `denoise`.

    >>> upscale(np.full((6, 5), 90, np.uint8), 2, "bicubic").shape
    (12, 10)
    """
    settings = settle(
        method,
        preset=preset,
        config=config,
        set=set,
        data_range=data_range,
        seed=seed,
        device=device,
        stop=stop,
        iterations=iterations,
        seconds=seconds,
        initial=initial,
        kind="downsample",
        guide=guide is not None,
    )
    image = as_image(x, channel_axis, data_range)
    steering = None if guide is None else as_image(guide, channel_axis, data_range)
    result = enlarge(image, factor, settings, guide=steering, progress=progress)
    return result if return_result else like(x, files.enlarged(image, result.estimate, factor))


def _mask(mask: Any) -> Image:
    """A mask as an Image; booleans are black and white."""
    if isinstance(mask, Tensor):
        mask = mask.detach().cpu().numpy()
    if isinstance(mask, np.ndarray):
        plain = mask.astype(np.uint8) * np.uint8(255) if mask.dtype == bool else mask
        return files.from_array(plain, channel_axis=-1 if plain.ndim == 3 else None, name="mask")
    return as_image(mask)
