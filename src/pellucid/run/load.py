"""load: pictures from files or from Python, as tensors in the working range of the first."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid import files
from pellucid.degradation import Degradation, Downsample, Identity, Mask
from pellucid.image import Image
from pellucid.request import Denoise, Inpaint, Request, Restore, Upscale
from pellucid.run.conversion import as_image, as_mask, fitting, hidden
from pellucid.run.state import Job, State
from pellucid.run.stated import calibration_of
from pellucid.series import stacks


def load(state: State) -> State:
    """Read or convert the shots, the guide and the mask; the clock of the run starts when they are there.

    Raises:
        OSError: for files that are missing or cannot be written; ValueError for pictures that do not fit.
    """
    request, job = state.request, state.job
    if job is None:
        images = tuple(
            as_image(x, request.channel_axis, request.data_range, request.nodata) for x in state.given
        )
        reference = None
    else:
        _check_outputs(job)
        images = tuple(
            files.read(path, data_range=request.data_range, nodata=request.nodata) for path in job.inputs
        )
        kept = images[0] if request.dtype == "same" else files.as_floats(images[0])
        files.check(kept, job.output, format=job.format)  # a bad name or format, before the work
        reference = _reference(job, request, images[0])
    if images[0].metadata.get("mosaic") and isinstance(request, Inpaint | Upscale):
        raise ValueError(
            f"{images[0].name} is the mosaic of a camera, which can only be denoised. Develop it first: "
            "pellucid denoise writes it as TIFF."
        )
    if isinstance(request, Denoise):
        images = tuple(stacks.renamed(image, request.axes) for image in images)
    if isinstance(request, Denoise) and request.calibration is not None:
        camera = calibration_of(request)
        images = tuple(camera.applied(image) for image in images)
    degradation, notes = _degradation(request, images[0])
    if isinstance(degradation, Mask):
        images = (_seen_besides(images[0], degradation.hidden.numpy(), request.data_range), *images[1:])
    shots = stack(images)
    if request.data_range is not None and not math.isclose(request.data_range, images[0].scale):
        raise ValueError(
            f"data_range is {request.data_range:g}, but 1.0 in {images[0].name} stands for "
            f"{images[0].scale:g}. Give the same data_range when reading it."
        )
    holes, said = _left_alone(request, images[0])
    guide = None
    if request.guide is not None:
        guide = fitting(_guide(request), images[0], factor=degradation.factor)
    return replace(
        state,
        images=images,
        shots=shots,
        holes=holes,
        degradation=degradation,
        guide=guide,
        reference=reference,
        notes=(*state.notes, *state.settings.notes, *notes, *said),
        started=time.perf_counter(),
    )


def stack(shots: Sequence[Image]) -> Tensor:
    """The shots (S, N, C, H, W) on the CPU, in the working range of the first.

    Deep integers have a working range that depends on their maximum; that of the first is taken for all.

    Raises:
        ValueError: when sizes or types differ.

    >>> from pellucid.files import from_array
    >>> stack([from_array(np.zeros((4, 5), np.uint8))] * 2).shape
    torch.Size([2, 1, 1, 4, 5])
    """
    first = shots[0]
    for other in shots[1:]:
        if other.pixels.shape != first.pixels.shape:
            raise ValueError(
                f"shots must have one size, got {_size(first)} and {_size(other)}. Crop them first."
            )
        if other.dtype != first.dtype:
            raise ValueError(
                f"shots must have one type, got {first.dtype} in {first.name} and {other.dtype} in "
                f"{other.name}. Convert them first."
            )
    pixels = torch.from_numpy(np.stack([i.pixels_in(first.scale, first.offset) for i in shots]))
    return pixels if len(shots) == 1 or all(i.holes is None for i in shots) else _completed(pixels, shots)


def _completed(pixels: Tensor, shots: Sequence[Image]) -> Tensor:
    """Shots (S, N, C, H, W) whose holes hold the mean of the others there, where any shows something."""
    none = np.zeros((len(pixels[0]), *pixels.shape[-2:]), bool)
    holes = torch.from_numpy(np.stack([none if i.holes is None else i.holes for i in shots]))[:, :, None]
    seen = (~holes).sum(0, keepdim=True)
    mean = (pixels * ~holes).sum(0, keepdim=True) / seen.clamp_min(1)
    return torch.where(holes & (seen > 0), mean, pixels)


def _check_outputs(job: Job) -> None:
    """Refuse what cannot be written, before anything is read."""
    if job.output.exists() and not job.overwrite:
        raise job.taken()
    if job.mask is not None and job.mask.exists() and not job.overwrite:
        raise FileExistsError(
            f"{job.mask} exists. Pass --mask {job.mask} to fill what it marks, or --overwrite to replace it."
        )
    for target in (job.output, job.report, job.uncertainty):
        if target is not None and not job.make and not target.parent.is_dir():
            raise FileNotFoundError(f"the folder of {target} does not exist. Create it first.")


def _reference(job: Job, request: Request, noisy: Image) -> Image | None:
    """The clean picture to compare with, checked before anything is computed."""
    if job.reference is None:
        return None
    clean = files.read(job.reference)  # its stored values are compared, whatever white is
    factor = request.factor if isinstance(request, Upscale) else 1
    *slices, height, width = noisy.pixels.shape
    expected = (*slices, height * factor, width * factor)
    if clean.pixels.shape != expected:
        times = f" enlarged {factor} times" if factor > 1 else ""
        raise ValueError(
            f"reference {clean.name} must have the shape of {noisy.name}{times}, {expected}, "
            f"got {clean.pixels.shape} (slices, channels, height, width). Name its clean version."
        )
    return clean


def _guide(request: Request) -> Image:
    """The guide: a picture, or the path of one."""
    guide = request.guide
    if isinstance(guide, str | Path):
        return files.read(guide, data_range=request.data_range)
    return as_image(guide, request.channel_axis, request.data_range)


def _seen_besides(image: Image, hidden: NDArray[np.bool_], data_range: float | None) -> Image:
    """The picture with no hole where all is to be filled (H, W), in the working range of the rest."""
    if data_range is None:
        image = files.ranged_by(image, ~hidden)
    return image if image.holes is None else image.with_holes(image.holes & ~hidden)


def _left_alone(request: Request, image: Image) -> tuple[Tensor | None, tuple[str, ...]]:
    """(N, H, W) the pixels that take no part: holes, and what the user masked; and remarks on the mask."""
    holes = None if image.holes is None else torch.from_numpy(image.holes.copy())
    # Of a file its own remarks are told where it is written; of an array nothing else tells of them.
    told = tuple(note for note in image.notes if image.format == "array" and "stay as they are" in note)
    if not isinstance(request, Denoise) or isinstance(request, Restore) or request.mask is None:
        return holes, told
    mask, notes = hidden(as_mask(request.mask), image, meaning="left alone", rest="denoised")
    masked = mask.expand(len(image.pixels), -1, -1)
    return (masked if holes is None else masked | holes), (*told, *notes)


def _degradation(request: Request, image: Image) -> tuple[Degradation, tuple[str, ...]]:
    """What happened to the picture besides noise, and remarks on what says so."""
    if isinstance(request, Inpaint):
        missing, notes = hidden(as_mask(request.mask), image, white_is=request.white)
        return Mask(missing), notes
    return (Downsample(request.factor) if isinstance(request, Upscale) else Identity()), ()


def _size(image: Image) -> str:
    slices, channels, height, width = image.pixels.shape
    return f"{slices} x {channels} x {height} x {width} (slices, channels, height, width) in {image.name}"
