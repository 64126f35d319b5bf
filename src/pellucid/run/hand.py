"""hand: how much of what was removed the user wants taken off, and which fine structure he wants back."""

from __future__ import annotations

from dataclasses import replace

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from pellucid.noise.report import NoiseReport
from pellucid.noise.sigma_map import sigma_map
from pellucid.request import Denoise
from pellucid.run.state import State

REACH = 1.5
"""standard deviation in pixels of the Gaussian over which the strength of what was removed is looked at"""


def hand(state: State) -> State:
    """Blend every slice with its input as `strength` and `detail` say, after the work has been judged."""
    request = state.request
    if not isinstance(request, Denoise) or (request.strength == 1 and request.detail == 0):
        return state
    parts = [
        replace(
            part,
            estimate=blend(
                state.noisy[i],
                part.estimate,
                state.noise_of(i),
                strength=request.strength,
                detail=request.detail,
            ),
        )
        for i, part in enumerate(state.parts)
    ]
    return replace(state, parts=tuple(parts))


def blend(
    noisy: Tensor, estimate: Tensor, noise: NoiseReport, *, strength: float = 1.0, detail: float = 0.0
) -> Tensor:
    """The estimate with less taken off, and with fine structure given back; both without another run.

        x' = y - strength (r - detail w r),   r = y - x̂,   w = max(0, 1 - sigma² / mean r²)

    where the mean is over the pixels around. Where only noise was removed w is about 0; where more was, as
    along hair and weave, w is the share of it that the noise does not explain.

    Args:
        noisy: (C, H, W).
        estimate: the same shape.
        noise: of the picture, in the same units.
        strength: 0 to 1.
        detail: 0 to 1.

    >>> y, x = torch.ones(1, 4, 4), torch.zeros(1, 4, 4)
    >>> blend(y, x, NoiseReport.white(1.0, 1), strength=0.25, detail=1.0).unique()
    tensor([0.7500])
    """
    removed = noisy - estimate
    if detail > 0:
        near = gaussian_filter(removed.square().cpu().numpy(), (0, REACH, REACH))
        around = torch.from_numpy(near).to(removed)
        variance = sigma_map(noisy[None], noise)[0].square()
        more = (1 - variance / around.clamp_min(1e-20)).clamp_min(0)
        removed = removed - detail * more * removed
    return noisy - strength * removed
