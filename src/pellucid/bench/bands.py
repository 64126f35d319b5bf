"""How much of a picture a fit has learnt, per frequency band."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from pellucid import checks

BANDS = 5
_SMALL = 1e-8


def correspondence(output: Tensor, target: Tensor, bands: int = BANDS) -> list[float]:
    """Frequency-band correspondence: the mean of min(1, |F(output)| / |F(target)|) over each ring.

    F is the discrete Fourier transform of the mean of the channels. Ring b of B holds the frequencies from
    (b - 1) / B to b / B of the highest along an axis; the corners beyond are left out. 1 says that the moduli
    are reached, not that the phases are right.

    Args:
        output: (C, H, W) what the fit gives.
        target: (C, H, W) what it is compared with: the noisy picture, or for a plot the clean one.
        bands: number of rings.

    Returns:
        One figure in [0, 1] per ring, the lowest frequencies first.

    Raises:
        ValueError: when the shapes differ, or a ring would hold no frequency.

    Source: Shi, Mettes, Maji, Snoek, "On Measuring and Controlling the Spectral Bias of the Deep Image
    Prior", International Journal of Computer Vision 130, 2022.

    >>> picture = torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> [round(v, 3) for v in correspondence(0.5 * picture, picture, bands=2)]
    [0.5, 0.5]
    """
    checks.same_shape("output", output.shape, "target", target.shape)
    rings, counts = _rings(target.shape[-2], target.shape[-1], bands)
    moduli = [torch.fft.fft2(x.detach().double().mean(dim=0).cpu()).abs() for x in (output, target)]
    ratio = (moduli[0] / (moduli[1] + _SMALL)).clamp(max=1).flatten()
    sums = torch.zeros(bands + 1, dtype=torch.float64).index_add_(0, rings, ratio)
    result: list[float] = (sums[:bands] / counts).tolist()
    return result


@lru_cache(maxsize=8)
def _rings(height: int, width: int, bands: int) -> tuple[Tensor, Tensor]:
    """The ring of every frequency, flat (``bands`` for the corners), and how many each ring holds."""
    checks.in_range("bands", bands, 1)
    down, across = (
        torch.fft.fftfreq(height, dtype=torch.float64),
        torch.fft.fftfreq(width, dtype=torch.float64),
    )
    radius = 2 * torch.hypot(down[:, None], across[None, :]).flatten()
    # Ring 1 holds 0 as well; a frequency on an edge belongs to the ring inside.
    rings = (torch.ceil(radius * bands - 1e-9).long() - 1).clamp(0, bands)
    counts = torch.bincount(rings, minlength=bands + 1)[:bands]
    if not bool((counts > 0).all()):
        raise ValueError(f"a picture of {width} x {height} pixels has no {bands} bands. Take fewer.")
    return rings, counts
