"""A level of the noise that the user states: one, one per channel or a map, in working units."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid import checks, files
from pellucid.files.stored import stored_slices, to_slices
from pellucid.image import Image
from pellucid.noise import calibration, region
from pellucid.noise.calibration import Calibration
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise
from pellucid.run.state import State

FLOOR = 0.05
"""least part of a map, in units of its root mean square"""
WAYS = "Give one level, one per channel, or a map of shape (H, W) or (C, H, W)."


def stated(request: Denoise, image: Image) -> Tensor | None:
    """The stated level of a shot as (C, 1, 1), or (C, H, W) of a map, in working units; None where none is.

    Of floats it is in their own units, and so it is of anything with a `data_range`; of integers without one
    it is a share of white.

    Args:
        request: what was asked for.
        image: the picture whose noise it is.

    Raises:
        checks.UsageError: for a number of levels or a shape that does not fit the picture, or a level that is
            negative, not finite, or beyond white.

    >>> picture = files.from_array(np.zeros((4, 5), np.uint8))
    >>> float(stated(Denoise(sigma=25.5, data_range=255), picture))
    0.10000000149011612
    """
    if request.sigma is None:
        return None
    channels, height, width = image.pixels.shape[1:]
    levels = _shaped(_values(request.sigma), image)
    _check(levels, request, image)
    if bool((levels == levels[:, :1, :1]).all()):
        levels = levels[:, :1, :1]  # a map of one level is that level
    working = torch.from_numpy(levels.astype(np.float64) / _unit(request, image)).float()
    return working.expand(channels, *((height, width) if working[0].numel() > 1 else (1, 1))).clone()


def in_units(levels: Tensor, request: Denoise, image: Image) -> Any:
    """Levels in working units as `Denoise.sigma` states them for a picture: a tuple, or an array of a map."""
    values = levels.double().numpy() * _unit(request, image)
    return tuple(values[:, 0, 0].tolist()) if values[0].size == 1 else values


def words(levels: Tensor, scale: float) -> str:
    """What is stated, in the units of the file.

    >>> words(torch.tensor([0.1, 0.2]).view(2, 1, 1), 255)
    '25.5, 51'
    """
    values = levels.double() * scale
    if values[0].numel() > 1:
        return f"{float(values.min()):.4g} to {float(values.max()):.4g}, by the map"
    flat = [f"{v:.4g}" for v in values.flatten().tolist()]
    return flat[0] if len(set(flat)) == 1 else ", ".join(flat)


def _unit(request: Denoise, image: Image) -> float:
    """Working units are levels over this."""
    own = request.data_range is not None or np.dtype(image.dtype).kind == "f"
    return image.scale if own else 1.0


def _values(sigma: Any) -> NDArray[Any]:
    """What was stated as an array, with the values that a file holds."""
    if isinstance(sigma, str | Path):
        map = files.read(sigma, nodata="none")
        found: NDArray[Any] = stored_slices(map).squeeze()
        return found.reshape(map.pixels.shape[-2:]) if found.ndim < 2 else found
    if isinstance(sigma, Image):
        levels: NDArray[Any] = stored_slices(sigma)[0]
        return levels
    try:
        plain = sigma.detach().cpu().double().numpy() if isinstance(sigma, Tensor) else sigma
        return np.asarray(plain, dtype=np.float64)
    except (TypeError, ValueError):
        raise checks.UsageError(f"sigma must be numbers, got {type(sigma).__name__}. {WAYS}") from None


def _shaped(values: NDArray[Any], image: Image) -> NDArray[Any]:
    """(C or 1, 1, 1) of levels, (C or 1, H, W) of a map."""
    slices, channels, height, width = image.pixels.shape
    if values.ndim == 0 or values.shape in ((1,), (channels,)):
        return values.reshape(-1, 1, 1)
    if values.shape in ((height, width), (1, height, width), (channels, height, width)):
        return values.reshape(-1, height, width)
    if values.shape == image.shape and slices == 1:
        moved: NDArray[Any] = to_slices(values, image.axes)[0]
        return moved
    got = f"{values.size} levels" if values.ndim == 1 else f"shape {values.shape}"
    raise checks.UsageError(
        f"sigma must fit the picture of {channels} channel{'s' * (channels > 1)} and {height} x {width} "
        f"pixels, got {got}. {WAYS}"
    )


def _check(levels: NDArray[Any], request: Denoise, image: Image) -> None:
    """Refuse levels that are no standard deviations of this picture."""
    bad = levels[~(np.isfinite(levels) & (levels >= 0))]
    if bad.size:
        raise checks.UsageError(f"sigma must be 0 or more, got {float(bad.flat[0]):g}. {WAYS}")
    largest = float(levels.max())
    limit = _unit(request, image) if request.data_range is not None or _floats(image) else 1.0
    if largest <= limit:
        return
    if request.data_range is not None:
        hint = "It is in the units of data_range."
    elif _floats(image):
        hint = f"It is in the units of {image.name}, whose white is {limit:g}; divide it as the pixels are."
    else:
        told, white = f"{largest:g}" if levels.size == 1 else "...", f"{image.scale:.15g}"
        hint = (
            f"Without data_range it is a share of white; in units of {image.name} pass sigma={told}, "
            f"data_range={white} (--sigma {told} --data-range {white})."
        )
    raise checks.UsageError(f"sigma must be in [0, {limit:g}], got {largest:g}. {hint}")


def _floats(image: Image) -> bool:
    return np.dtype(image.dtype).kind == "f"


def level_of(state: State) -> Tensor | None:
    """The level of the average of the shots as it is laid out, (C', 1, 1) or (C', H', W'), or None.

    Raises:
        checks.UsageError: as `stated`, and for a region that does not lie in the picture.
    """
    request = state.request
    if not isinstance(request, Denoise):
        return None
    if request.noise_region is not None:
        return region.level(state.noisy, _laid_region(state, request))
    if request.calibration is not None:
        of_camera = calibration_of(request).levels(state.first.pixels.mean(0), state.first)
        return _laid(state, torch.from_numpy(of_camera).float()) / math.sqrt(len(state.images))
    levels = stated(request, state.first)
    if levels is None:
        return None
    return _laid(state, levels) / math.sqrt(len(state.images))


def calibration_of(request: Denoise) -> Calibration:
    """The calibration that is asked for: itself, or that of a file.

    Raises:
        checks.UsageError: for something else.
    """
    given = request.calibration
    if isinstance(given, Calibration):
        return given
    if isinstance(given, str | Path):
        return calibration.read(given)
    raise checks.UsageError(
        f"calibration must be a file that `pellucid calibrate` wrote, got {type(given).__name__}."
    )


def told_report(state: State, told: Tensor) -> NoiseReport:
    """The report of what `level_of` gave: white noise, but in a region whose pixels share their noise."""
    request, scale = state.request, state.first.scale
    if isinstance(request, Denoise) and request.noise_region is not None:
        return region.report(state.noisy, _laid_region(state, request), scale=scale)
    return NoiseReport.white(rms_of(told), len(told), scale=scale)


def _laid(state: State, levels: Tensor) -> Tensor:
    """Levels as `noisy` is laid out."""
    whole = state.prepared.lay_map(levels.expand(state.first.pixels.shape[1:])[None])[0]
    return whole if levels[0].numel() > 1 else whole.mean((-2, -1), keepdim=True)


def _laid_region(state: State, request: Denoise) -> tuple[slice, slice]:
    """Where the region that the user named lies in `noisy`."""
    shape = state.first.pixels.shape
    (top, bottom), (left, right) = request.region
    if bottom > shape[-2] or right > shape[-1]:
        raise checks.UsageError(
            f"noise_region must lie in the picture of {shape[-2]} x {shape[-1]} pixels, got rows {top} to "
            f"{bottom}, columns {left} to {right}. Count from 0, as Y0:Y1,X0:X1; the ends are not included."
        )
    inside = torch.zeros(1, *shape[1:])
    inside[..., top:bottom, left:right] = 1
    rows, columns = (state.prepared.lay_map(inside)[0, 0] > 0.5).nonzero().unbind(1)
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)


def over_field(state: State, report: NoiseReport) -> Tensor:
    """The levels (C, H, W) of noise that was found to vary over the field."""
    if report.drift is None:
        raise ValueError("the noise of this report does not vary over the field.")
    shape = torch.from_numpy(report.drift.map(*state.noisy.shape[-2:]))
    shape = shape / shape.square().mean().sqrt()
    return (shape * torch.tensor(report.sigma).double().view(-1, 1, 1)).float()


class ByMap:
    """Around a filter: the picture less its mean, over the map of its noise, which then has one level.

    z = (y - mean) / (map / rms(map)), per channel; a Stabiliser.

    Args:
        levels: (C, H, W) standard deviations, not all 0 in any channel.
        noisy: (N, C, H, W) what they are of.
        scale: stored units per working unit.

    Attributes:
        noise: the report in this domain, the root mean square of the map.

    >>> change = ByMap(torch.tensor([[[0.1, 0.3]]]), torch.zeros(1, 1, 1, 2), 1.0)
    >>> round(change.noise.level, 3), change.inverse(change.forward(torch.ones(1, 1, 2))).sum().round()
    (0.224, tensor(2.))
    """

    def __init__(self, levels: Tensor, noisy: Tensor, scale: float) -> None:
        rms = rms_of(levels)
        # Where a map says next to nothing, dividing by it would make all of the picture of that place.
        floor = torch.tensor(rms).view(-1, 1, 1).to(levels) * FLOOR
        self._shape = torch.maximum(levels, floor) / floor * FLOOR
        self._mean = noisy.mean((0, 2, 3)).view(-1, 1, 1)
        self.noise = NoiseReport.white(rms, len(rms), scale=scale)

    def forward(self, image: Tensor) -> Tensor:
        """(C, H, W) in working units to the domain of one level."""
        return (image - self._mean.to(image)) / self._shape.to(image)

    def inverse(self, image: Tensor) -> Tensor:
        """Back to working units."""
        return image * self._shape.to(image) + self._mean.to(image)


def rms_of(levels: Tensor) -> tuple[float, ...]:
    """One level per channel, the root mean square of a map."""
    return tuple(levels.double().square().mean((-2, -1)).sqrt().tolist())
