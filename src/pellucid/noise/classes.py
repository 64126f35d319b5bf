"""The spectrum of noise that pixels share, from flat blocks of every brightness; whether to believe it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pellucid.noise import spectrum
from pellucid.noise.colour import matrix
from pellucid.noise.flat import Blocks
from pellucid.noise.spectrum import SIDE
from pellucid.noise.values import rise, smallest

TEXTURED = 2.0
"""a class of brightness whose variance exceeds the calmest by this factor shows texture"""
LUMA = 3.5
"""luminance noise over chroma noise at low frequencies, at the most"""
SILENT = 0.12
"""variance of the finest chroma in squared steps of the values; rounding makes 0.08, JPEG leaves less"""
COLOURLESS = 0.006
"""spread of the chroma, of the contrast, of a gray picture stored in colour, whose chroma tells nothing"""
GAUSSIAN = (0.875, 0.925)
"""(pi/2) (mean |c|)² / mean c² of calm blocks: texture lies below the first, shared noise above the second"""


def variances(blocks: Blocks, classes: list[Tensor], *, color: bool, step: float) -> Tensor:
    """Variance (P, 64) of each coefficient of each plane, the mean over all classes of brightness.

    A colour picture is measured in opponent planes, where its noise is nearly uncorrelated. Texture lives in
    the luminance; camera noise lives in all planes alike. So the chroma, which texture hardly enters, bounds
    what may pass for noise in the luminance, unless JPEG has emptied the chroma: then it tells nothing.
    JPEG empties the fine luminance of flat blocks too, but not of others: it holds no less noise than the
    middling.

    Args:
        blocks: of a picture of contrast 1.
        classes: indices of the calmest of them, by brightness.
        color: whether the channels are display colours.
        step: distance of neighbouring values.
    """
    channels = blocks.coefficients.shape[1]
    opponent = color and channels == 3
    mixing = matrix(channels, color=opponent).double()
    planes = [torch.einsum("dc,bck->bdk", mixing, blocks.coefficients[c].double()) for c in classes]
    by_class = torch.stack([spectrum.robust(part)[:, 1:].mean(1) for part in planes])
    # the second smallest: one class may lie in the dark, where black cuts the noise off
    second = by_class.sort(0).values[min(1, len(by_class) - 1)]
    level = torch.minimum(by_class, TEXTURED * second).mean(0)
    own = spectrum.robust(torch.cat(planes))
    own = own * (level / own[:, 1:].mean(1).clamp_min(1e-30))[:, None]
    if opponent:
        squares = own.view(channels, SIDE, SIDE)
        tint = torch.einsum("dc,bc->bd", mixing, blocks.mean.double())[:, 1:].std(0)
        coloured = float(tint.max()) > COLOURLESS
        compressed = coloured and float(squares[1:, 5:, 5:].mean()) < SILENT * step**2
        if coloured and not compressed:
            coarse = squares[:, :3, :3].mean((1, 2))
            own[0] *= (LUMA**2 * coarse[1:].mean() / coarse[0].clamp_min(1e-30)).clamp(max=1)
        if compressed:
            own[0] = own[0].maximum(own[0, spectrum.MIDDLE].mean())
    return own


def belief(blocks: Blocks, *, color: bool) -> float:
    """How far calm blocks hold noise and no texture, 0 to 1.

    The calmest quarter is chosen by one half of the middling coefficients; the other half is Gaussian, (pi/2)
    (mean |c|)² / mean c² = 1, where only noise is left. Texture is strong in some blocks and weak in others,
    quantisation leaves a heap of zeros: both lie lower.
    """
    channels = blocks.coefficients.shape[1]
    mixing = matrix(channels, color=color and channels == 3)
    luma = torch.einsum("c,bck->bk", mixing[0], blocks.coefficients)[torch.isfinite(blocks.calm)]
    if len(luma) < 100:
        return 0.0
    index = torch.arange(SIDE * SIDE)
    order = index // SIDE + index % SIDE
    halves = [index[(order == 2) | (order == 4)], index[(order == 3) | (order == 5)]]
    found = []
    for own, other in (halves, halves[::-1]):
        (calm,) = smallest(luma[:, own].square().sum(1), [len(luma) // 4])
        part = luma[calm][:, other].double()
        size, square = part.abs().mean(0), part.square().mean(0).clamp_min(1e-30)
        found.append(float((math.pi / 2 * size.square() / square).mean()))
    return rise(sum(found) / 2, *GAUSSIAN)
