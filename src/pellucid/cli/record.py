"""What is told of every output: a record for the JSON, with scores where there is a reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid import files, metrics
from pellucid.image import Image, Pixels
from pellucid.run import Job, State
from pellucid.run.save import before
from pellucid.steps import Result

Record = dict[str, Any]
NOISE_KEYS = ("sigma", "sigma_file_units", "gain", "correlated", "clipped")


def record_of(state: State, job: Job) -> Record:
    """The record of a run whose files are written; scores are those of what the file holds."""
    result, clean, noise = state.result, state.reference, state.result.noise.to_json()
    record: Record = {
        "input": str(job.inputs[0]) if len(job.inputs) == 1 else [str(p) for p in job.inputs],
        "output": str(job.output),
        "method": result.method,
        "reason": result.reason,
        "seconds": round(result.seconds, 4),
        "iterations": result.iterations,
        "stopped_by": result.stopped_by,
        "seed": result.seed,
        "device": result.device,
        "noise": {key: noise[key] for key in NOISE_KEYS},
        "prepared": state.prepared.to_json(),
        "along": [one.to_json() for one in state.series],
        "trust": None if result.trust is None else result.trust.to_json(),
        "warnings": [*result.warnings, *state.remarks],
    }
    if state.damage is not None:
        record["mask"] = None if job.mask is None else str(job.mask)
        record["filled"] = round(float(state.damage.float().mean()), 6)
    if "adapt" in result.extras:
        record["adapt"] = result.extras["adapt"]
    if len(job.inputs) > 1:
        record["shots"] = [asdict(placement) for placement in result.extras["shots"]]
    written = None
    if clean is not None:
        white = state.request.data_range
        if white is None and state.picture.dtype != state.first.dtype:
            white = state.first.scale  # floats that were integers keep their units
        written = files.read(job.output, data_range=white)
        noisy = state.images if state.degradation.factor == 1 else (before(state),)
        record |= against(clean, written, noisy)
    if job.uncertainty is not None:
        record["uncertainty"] = str(job.uncertainty) if job.uncertainty.exists() else None
    record |= near_clean(result, state.first, clean, written)
    if job.report is not None:
        record["report"] = str(job.report)
    return record


def near_clean(result: Result, first: Image, clean: Image | None, written: Image | None) -> Record:
    """What stands beside a result of RS-DIP: near-clean images, their mean, average then denoise.

    A fit to two targets is a fit to their mean, so the gain over the mean is all that the network brings;
    it has a sign. Scores are there with a reference only.

    Args:
        result: of any method; there is nothing to tell for others.
        first: the first shot, for the type of the file.
        clean: the reference, or None.
        written: the result as read back, or None.
    """
    extras = result.extras
    if "near_clean" not in extras:
        return {}

    def scored(pixels: Any) -> Record:
        return {} if clean is None else {"psnr": of_pixels(clean, pixels, first)}

    record: Record = {
        "near_clean": [
            {"method": name} | scored(pixels)
            for name, pixels in zip(extras["near_clean_methods"], extras["near_clean"], strict=True)
        ],
        "mean": scored(extras["mean"]),
        "average_then_denoise": None,
    }
    averaged = extras["average_then_denoise"]
    if averaged is not None:
        record["average_then_denoise"] = {"method": extras["average_then_denoise_method"]} | scored(averaged)
    if clean is not None and written is not None:
        ours, mean = of_pixels(clean, written.pixels, written), record["mean"]["psnr"]
        known = ours is not None and mean is not None
        record["gain_over_mean"] = round(ours - mean, 4) if known else None
    return record


def against(clean: Image, written: Image, noisy: Sequence[Image]) -> dict[str, float | None]:
    """PSNR (dB) and SSIM of what was written and of the (mean) input, against ``clean``; the input of an
    upscaled picture counts as bicubic interpolation enlarges it.

    None stands for an infinite PSNR, which JSON cannot hold, and for the SSIM of pictures under 11 pixels.
    """
    truth, ours = _pixels(clean, noisy[0]), _pixels(written, noisy[0])
    given = torch.stack([_pixels(shot, noisy[0]) for shot in noisy]).mean(0)
    known = torch.ones(len(truth), 1, *truth.shape[-2:], dtype=torch.bool)
    for picture in (clean, written):
        if picture.holes is not None:  # where there is nothing to compare, nothing differs
            known &= ~torch.from_numpy(picture.holes.copy())[:, None]
    ours, given = torch.where(known, ours, truth), torch.where(known, given, truth)
    counted = known.float().mean().item()
    return {
        "psnr": _psnr(truth, ours, counted),
        "ssim": _ssim(truth, ours),
        "noisy_psnr": _psnr(truth, given, counted),
        "noisy_ssim": _ssim(truth, given),
    }


def of_pixels(clean: Image, pixels: Pixels, first: Image) -> float | None:
    """PSNR (dB) of working pixels as a file would hold them: rounded and clipped if it holds integers."""
    if np.issubdtype(np.dtype(first.dtype), np.integer):
        scale = np.float32(first.scale)
        pixels = np.rint(np.clip(pixels, *first.limits) * scale) / scale
    return _psnr(_pixels(clean, first), torch.from_numpy(np.asarray(pixels, np.float32)))


def _psnr(truth: Tensor, image: Tensor, counted: float = 1.0) -> float | None:
    """PSNR of pictures that are equal beyond the share of the pixels that counts."""
    value = metrics.psnr(truth, image, data_range=1.0) + 10 * math.log10(max(counted, 1e-12))
    return round(value, 4) if math.isfinite(value) else None


def _ssim(truth: Tensor, image: Tensor) -> float | None:
    return round(metrics.ssim(truth, image, data_range=1.0), 5) if min(truth.shape[-2:]) >= 11 else None


def _pixels(image: Image, first: Image) -> Tensor:
    """Working units of the input. Guessed depths of deep integers may differ, stored values do not; those of
    another type do, but for floats that lie where integers do.
    """
    floats = [i for i in (image, first) if np.dtype(i.dtype).kind == "f"]
    alike = image.dtype == first.dtype or any((i.scale, i.offset) != (1.0, 0.0) for i in floats)
    pixels = image.pixels_in(first.scale, first.offset) if alike else image.pixels
    return torch.from_numpy(pixels.copy())
