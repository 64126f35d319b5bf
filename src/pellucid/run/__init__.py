"""Prepares the Task, drives the steps to their stop: progress, interrupt, tiles, Result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pellucid.noise import analysis
from pellucid.noise.report import NoiseReport
from pellucid.run.drive import Progress
from pellucid.run.given import as_image, like
from pellucid.run.restoring import inpaint, upscale
from pellucid.run.settings import Settings, settle
from pellucid.run.whole import carry_out

__all__ = ["Progress", "Settings", "carry_out", "denoise", "inpaint", "inspect", "settle", "upscale"]


def denoise(
    x: Any,
    method: str = "auto",
    *,
    preset: str | None = None,
    config: Any = None,
    set: Mapping[str, Any] | None = None,
    shots: bool = False,
    sigma: float | None = None,
    data_range: float | None = None,
    level: str = "auto",
    model: str | None = None,
    near_clean: Sequence[str] | str | None = None,
    seed: int = 0,
    device: str = "auto",
    stop: str | None = None,
    iterations: int | None = None,
    seconds: float | None = None,
    adapt: float | None = None,
    tile: int | None = None,
    guide: Any = None,
    initial: Mapping[str, Tensor] | None = None,
    channel_axis: int | None = None,
    return_result: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Any:
    """Denoise a picture or a stack; you get back what you gave.

    Args:
        x: an Image (from `pellucid.read`), a NumPy array of any real type, or a tensor (H, W), (C, H, W) or
            (N, C, H, W); with ``shots``, a list of them.
        method: "auto" (analyse, then choose) or a name from `pellucid.methods.METHODS`.
        preset: "fast" (made for two cores, the default) or "paper".
        config: a Config of the method, instead of a preset.
        set: fields of the Config to change.
        shots: whether x is a list of shots of one scene; they are brought into register and averaged, unless
            the method takes them one by one.
        sigma: standard deviation of the noise (of each shot), in [0, 1] or in units of ``data_range``; None
            measures it.
        data_range: what white is in the units of x; needed for floats beyond [-0.5, 1.5].
        level: which measurement of the level to trust: "auto", "mad" or "chen".
        model: file with weights, for methods that need one.
        near_clean: for rs-dip, the methods or files with weights that prepare its images: one for all shots,
            one for each in order, or several for one picture.
        seed: of every random draw.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        stop: stop rule of an iterative method; None is the method's own.
        iterations: at most so many.
        seconds: at most so long, analysis not counted.
        adapt: seconds in which a trained model is fitted further to this image, without truth; that is kept
            only where pixels that the fit never used say so. ``set={"adapt.steps": 50}`` and the like say
            how.
        tile: side of the tiles in pixels; None cuts only large pictures.
        guide: another picture of the scene, of the same size, for methods that take one (dip).
        initial: state dict of an earlier fit (``result.extras["state"]``) to start from.
        channel_axis: of an array that has channels, as in scikit-image.
        return_result: whether to return the Result instead of the picture.
        progress: called with a Progress at every step.

    Returns:
        The picture, of the type, shape and dtype of x (the first shot), or the Result.

    Raises:
        ValueError: for an argument that is out of range or does not apply to the method.
        TypeError: when x is none of the above.

    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).normal(100, 10, (32, 32)).astype(np.uint8)
    >>> clean = denoise(noisy, "nlm", sigma=10, data_range=255)
    >>> clean.dtype, clean.shape, bool(clean.std() < 0.5 * noisy.std())
    (dtype('uint8'), (32, 32), True)
    """
    given = _shots(x, shots)
    settings = settle(
        method,
        preset=preset,
        config=config,
        set=set,
        sigma=sigma,
        data_range=data_range,
        level=level,
        model=model,
        near_clean=near_clean,
        seed=seed,
        device=device,
        stop=stop,
        iterations=iterations,
        seconds=seconds,
        adapt=adapt,
        tile=tile,
        initial=initial,
        shots=len(given),
        guide=guide is not None,
    )
    images = [as_image(item, channel_axis, data_range) for item in given]
    steering = None if guide is None else as_image(guide, channel_axis, data_range)
    result = carry_out(images, settings, guide=steering, progress=progress)
    return result if return_result else like(given[0], images[0].with_pixels(result.estimate))


def inspect(x: Any, *, data_range: float | None = None, channel_axis: int | None = None) -> NoiseReport:
    """Measure the noise of a picture or a stack.

    Args:
        x: as for `denoise`.
        data_range: what white is in the units of x.
        channel_axis: of an array that has channels.

    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).normal(0.5, 0.1, (64, 64)).astype(np.float32)
    >>> bool(0.08 < inspect(noisy).level < 0.12)
    True
    """
    image = as_image(x, channel_axis, data_range)
    return analysis.analyse(torch.from_numpy(image.pixels.copy()), color=image.color, scale=image.scale)


def _shots(x: Any, shots: bool) -> Sequence[Any]:
    if not shots:
        if isinstance(x, list | tuple):
            raise TypeError(
                "x must be one picture, got a list. Pass shots=True if it holds shots of one scene."
            )
        return [x]
    if not isinstance(x, list | tuple) or not x:
        raise TypeError(f"x must be a list of shots with shots=True, got {type(x).__name__}.")
    return x
