"""analyse: the report of the noise, stated or measured."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from pellucid.degradation import Mask
from pellucid.noise import analysis
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise
from pellucid.run.state import State


def analyse(state: State) -> State:
    """Take the level that the user stated (for each shot), or measure the noise of the average."""
    request, channels, white = state.request, state.noisy.shape[1], state.first.scale
    if isinstance(request, Denoise) and request.working_sigma is not None:
        sigma = request.working_sigma / math.sqrt(len(state.images))  # what is left in their average
        return replace(state, noise=NoiseReport.white(sigma, channels, scale=white))
    seen = state.noisy
    if isinstance(state.degradation, Mask):
        seen = nearest(seen, state.degradation.hidden)
    report = analysis.analyse(seen, color=state.first.color, scale=white)
    if isinstance(request, Denoise) and request.level != "auto":
        levels = report.mad if request.level == "mad" else (report.chen,) * channels
        report = replace(NoiseReport.white(levels, channels, scale=white), warnings=report.warnings)
    return replace(state, noise=report)


def nearest(pixels: Tensor, hidden: Tensor) -> Tensor:
    """(N, C, H, W) with every hidden pixel replaced by the nearest known one, so that holes are no edges.

    >>> nearest(torch.tensor([[[[1.0, 9.0, 3.0]]]]), torch.tensor([[False, True, True]])).flatten()
    tensor([1., 1., 1.])
    """
    rows, columns = distance_transform_edt(hidden.numpy(), return_distances=False, return_indices=True)
    return pixels[..., torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]
