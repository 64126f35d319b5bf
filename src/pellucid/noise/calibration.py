"""A camera measured from its dark and flat frames: gain, read noise, fixed pattern, hot pixels."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from pellucid.files.replace import replaced
from pellucid.image import Image

Floats = NDArray[np.float64]
FORMAT = "pellucid calibration 1"
MOST = 2**30
"""bytes of the arrays in a file"""
SAME = 0.02
"""difference of the means of two flat frames, as a share, up to which they are one exposure"""
FAR = 8.0
"""robust standard deviations from the median at which a pixel of the dark frames is hot"""
WEAK, STRONG = 0.5, 2.0
"""response of a pixel below and above which it is dead or hot"""
CLIPPED = 0.01
"""share of the values at the end of the range from which a frame measures nothing"""
SMOOTH = 5
"""side of the mean, pixels, on which the brightness is read"""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What is known of a camera, in stored units.

    Attributes:
        dark: (C, H, W) mean of the dark frames: offset and fixed pattern.
        response: (C, H, W) of each pixel to light, mean 1: its own, and that of lens and lamp.
        hot: (H, W) pixels that measure nothing.
        gain: (C,) variance per unit of signal: units per electron.
        read: (C,) standard deviation of the read noise.
        white: the stored value that 1.0 stands for.
        darks: how many dark frames.
        flats: how many flat frames.
    """

    dark: Floats
    response: Floats
    hot: NDArray[np.bool_]
    gain: tuple[float, ...]
    read: tuple[float, ...]
    white: float
    darks: int
    flats: int

    def __str__(self) -> str:
        """In words."""
        spread = np.std(self.dark[:, ~self.hot], axis=1)

        def listed(values: Sequence[float]) -> str:
            return ", ".join(f"{value:.4g}" for value in values)

        return (
            f"{self.darks} dark and {self.flats} flat frames of {self.hot.shape[0]} x {self.hot.shape[1]}; "
            f"gain {listed(self.gain)} units per electron; read noise {listed(self.read)} units; fixed "
            f"pattern {listed([float(v) for v in spread])} units; {int(self.hot.sum())} hot or dead pixels"
        )

    def text(self) -> str:
        """The noise as a model of `pellucid.noise.models`, of a camera whose channels are alike.

        >>> flat = np.ones((1, 4, 4))
        >>> camera = Calibration(dark=flat, response=flat, hot=flat[0] > 1, gain=(2.0,), read=(2.55,),
        ...                      white=1000.0, darks=2, flats=2)
        >>> camera.text()
        'poisson-gaussian:500,0.65025'
        """
        gain, read = float(np.mean(self.gain)), float(np.mean(self.read))
        sigma = f"{255 * read / self.white:.6g}"
        return f"poisson-gaussian:{self.white / gain:.6g},{sigma}"

    def applied(self, image: Image) -> Image:
        """The picture without offset, fixed pattern and hot pixels, every pixel as sensitive as the mean.

        x = (y - dark) / response + mean(dark); a hot pixel gets the median of its sound neighbours.

        Raises:
            ValueError: for a picture of another size or another number of channels.
        """
        shape = image.pixels.shape[1:]
        if shape != self.dark.shape:
            raise ValueError(
                f"the calibration is of {_sized(self.dark.shape)}, {image.name} has {_sized(shape)}. "
                "Calibrate with frames of the same camera and size."
            )
        stored = image.pixels.astype(np.float64) * image.scale + image.offset
        level = self.dark[:, ~self.hot].mean(1)[:, None, None]
        sound = (stored - self.dark) / self.response + level
        sound = np.stack([_mended(one, self.hot) for one in sound])
        pixels = ((sound - image.offset) / image.scale).astype(np.float32)
        note = (
            f"corrected by the calibration: fixed pattern, response, {int(self.hot.sum())} hot or dead pixels"
        )
        return replace(image.with_pixels(pixels), notes=(*image.notes, note))

    def levels(self, pixels: NDArray[np.float32], image: Image) -> Floats:
        """Standard deviation of the noise at every value of a picture, working units.

        var(y) = gain (y - dark) + read² (1 + 1 / darks), over response² after the correction; the brightness
        is the mean of 5 x 5 pixels.

        Args:
            pixels: (C, H, W) of the corrected picture.
            image: whose units they have.
        """
        stored = pixels.astype(np.float64) * image.scale + image.offset
        level = self.dark[:, ~self.hot].mean(1)[:, None, None]
        signal = np.stack([uniform_filter(plane, SMOOTH, mode="mirror") for plane in stored]) - level
        gain, read = (np.array(v)[:, None, None] for v in (self.gain, self.read))
        light = gain * np.maximum(signal, 0) / self.response
        variance = light + read**2 * (1 + 1 / self.darks) / self.response**2
        found: Floats = np.sqrt(variance) / image.scale
        return found


def measure(darks: Sequence[Image], flats: Sequence[Image]) -> Calibration:
    """Measure a camera by photon transfer.

    Read noise: half the variance of the differences of dark frames. Gain: half that of flat frames of
    one exposure, less that, over their signal; of several exposures by least squares. Light
    that changes between two flats cancels in neither, so each pair is brought to one mean first.

    Args:
        darks: two or more frames without light.
        flats: two or more frames of even light, of one exposure or several, two of each.

    Raises:
        ValueError: for too few frames, frames that differ in size, or flats that are clipped or dark.

    Source: Janesick, "Photon Transfer", SPIE Press 2007.
    """
    for name, frames in (("dark", darks), ("flat", flats)):
        if len(frames) < 2:
            raise ValueError(
                f"{name} frames must be two or more, got {len(frames)}. Their difference is noise."
            )
    dark_frames, flat_frames = _stored(darks), _stored(flats)
    if dark_frames.shape[1:] != flat_frames.shape[1:]:
        raise ValueError(
            f"dark and flat frames must have one size, got {_sized(dark_frames.shape[1:])} and "
            f"{_sized(flat_frames.shape[1:])}."
        )
    white = max(max(image.scale + image.offset for image in part) for part in (darks, flats))
    if np.mean(flat_frames >= flat_frames.max()) > CLIPPED and flat_frames.max() >= 0.98 * white:
        raise ValueError(
            "flat frames must not be clipped: more than 1 % of their values are white. Expose less."
        )
    dark = dark_frames.mean(0)
    spread = _robust(dark)
    hot = (np.abs(dark - np.median(dark, axis=(1, 2), keepdims=True)) > FAR * spread).any(0)
    read = np.sqrt(_noise(dark_frames, ~hot))
    groups = _exposures(flat_frames)
    if not groups:
        raise ValueError("flat frames must come in pairs of one exposure, no two have the same brightness.")
    signals, variances = [], []
    for group in groups:
        signals.append((group.mean(0) - dark)[:, ~hot].mean(1))
        variances.append(_noise(group, ~hot) - read**2)
    signal, variance = np.array(signals), np.array(variances)
    if (signal <= 0).any():
        raise ValueError("flat frames must be brighter than dark ones. Are they in the right order?")
    gain = (signal * variance).sum(0) / (signal**2).sum(0)
    if (gain <= 0).any():
        raise ValueError(
            "flat frames must be noisier than dark ones, as light is. These are averaged or denoised."
        )
    light = groups[int(np.argmax(signal.mean(1)))].mean(0) - dark
    response = light / light[:, ~hot].mean(1)[:, None, None]
    hot |= ((response < WEAK) | (response > STRONG)).any(0)
    response = np.clip(response, WEAK, STRONG)
    return Calibration(
        dark=dark,
        response=response / response[:, ~hot].mean(1)[:, None, None],
        hot=hot,
        gain=tuple(gain.tolist()),
        read=tuple(read.tolist()),
        white=float(white),
        darks=len(darks),
        flats=len(flats),
    )


def slices(image: Image) -> list[Image]:
    """The frames of a stack, one by one."""
    return [
        replace(image, pixels=image.pixels[i : i + 1].copy(), holes=None, alpha=None)
        for i in range(len(image.pixels))
    ]


def write(path: Path, calibration: Calibration, *, overwrite: bool = False) -> None:
    """Write a calibration as .npz: arrays, and the rest as JSON.

    Raises:
        ValueError: for another ending.
        FileExistsError: when the file exists and may not be replaced.
    """
    if path.suffix.lower() != ".npz":
        raise ValueError(f"a calibration must end in .npz, got {path.name!r}. Rename it.")
    names = ("gain", "read", "white", "darks", "flats")
    rest = json.dumps({"format": FORMAT} | {name: getattr(calibration, name) for name in names})
    with replaced(path, overwrite=overwrite) as file:
        np.savez_compressed(
            file,
            dark=calibration.dark.astype(np.float32),
            response=calibration.response.astype(np.float32),
            hot=calibration.hot,
            rest=np.frombuffer(rest.encode(), np.uint8),
        )


def read(path: str | os.PathLike[str]) -> Calibration:
    """The calibration in a file; nothing in it is run.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or no calibration.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"calibration must be a file, there is none at {str(path)!r}.")
    try:
        with zipfile.ZipFile(file) as held:
            if sum(one.file_size for one in held.infolist()) > MOST:
                raise ValueError(f"it holds more than {MOST >> 20} MB")
        with np.load(file, allow_pickle=False) as arrays:
            rest: Any = json.loads(arrays["rest"].tobytes().decode())
            if rest.pop("format") != FORMAT:
                raise ValueError("it is of another version")
            rest |= {name: tuple(float(v) for v in rest[name]) for name in ("gain", "read")}
            found = Calibration(
                dark=arrays["dark"].astype(np.float64),
                response=arrays["response"].astype(np.float64),
                hot=arrays["hot"].astype(bool),
                **rest,
            )
        _check(found)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, zipfile.BadZipFile) as error:
        words = " ".join(str(error).split())[:160]
        raise ValueError(
            f"calibration {file.name!r} is damaged or none that `pellucid calibrate` wrote ({words})."
        ) from error
    return found


def _check(found: Calibration) -> None:
    """Refuse what no camera has."""
    channels = len(found.gain)
    fits = found.dark.ndim == 3 and found.dark.shape == found.response.shape == (channels, *found.hot.shape)
    finite = np.isfinite(found.dark).all() and np.isfinite(found.response).all()
    numbers = np.array([*found.gain, *found.read, found.white, found.darks], float)
    if not (fits and finite and len(found.read) == channels and np.isfinite(numbers).all()):
        raise ValueError("its arrays do not fit each other")
    if (found.response <= 0).any() or (numbers <= 0).any() or found.hot.all():
        raise ValueError("its values are those of no camera")


def _stored(frames: Sequence[Image]) -> Floats:
    """Frames (N, C, H, W) in stored units; every slice of a stack is one.

    Raises:
        ValueError: when sizes differ.
    """
    first = frames[0].pixels.shape[1:]
    for frame in frames:
        if frame.pixels.shape[1:] != first:
            raise ValueError(
                f"frames must have one size, got {_sized(first)} in {frames[0].name} and "
                f"{_sized(frame.pixels.shape[1:])} in {frame.name}."
            )
    return np.concatenate([f.pixels.astype(np.float64) * f.scale + f.offset for f in frames])


def _noise(frames: Floats, sound: NDArray[np.bool_]) -> Floats:
    """(C,) variance of the noise: half that of the differences of neighbours in time, at one mean."""
    means = frames[:, :, sound].mean(2)
    found = []
    for one, two, low, high in zip(frames[:-1], frames[1:], means[:-1], means[1:], strict=True):
        difference = (one - two)[:, sound] - (low - high)[:, None]
        found.append((difference**2).mean(1) / 2)
    mean: Floats = np.mean(found, axis=0)
    return mean


def _exposures(frames: Floats) -> list[Floats]:
    """Frames of one brightness, two or more of each."""
    order = np.argsort(frames.mean((1, 2, 3)), kind="stable")
    groups: list[list[int]] = []
    for index in order:
        mean = frames[index].mean()
        if groups and mean - frames[groups[-1][0]].mean() <= SAME * mean:
            groups[-1].append(int(index))
        else:
            groups.append([int(index)])
    return [frames[sorted(group)] for group in groups if len(group) > 1]


def _robust(dark: Floats) -> Floats:
    """(C, 1, 1) standard deviation that few hot pixels do not move, and a pattern of many columns does."""
    away = np.abs(dark - np.median(dark, axis=(1, 2), keepdims=True))
    middle, most = (np.quantile(away, share, axis=(1, 2), keepdims=True) for share in (0.5, 0.99))
    found: Floats = np.maximum(np.maximum(middle / 0.6745, most / 2.576), 1e-9)
    return found


def _mended(planes: Floats, hot: NDArray[np.bool_]) -> Floats:
    """(C, H, W) whose hot pixels have the median of the nearest sound ones around them."""
    planes = planes.copy()
    height, width = hot.shape
    for row, column in np.argwhere(hot):
        for reach in range(1, max(height, width)):
            window = (
                slice(max(0, row - reach), row + reach + 1),
                slice(max(0, column - reach), column + reach + 1),
            )
            good = ~hot[window]
            if good.any():
                planes[:, row, column] = np.median(planes[(slice(None), *window)][:, good], axis=1)
                break
    return planes


def _sized(shape: tuple[int, ...]) -> str:
    """Channels, height and width in words."""
    channels, height, width = shape[-3:]
    return f"{height} x {width} pixels of {channels} channel{'s' * (channels > 1)}"
