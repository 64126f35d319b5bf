"""The equations of MS-DIP, by their numbers in the paper: pure functions of pictures and figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, interpolate

from pellucid import checks
from pellucid.losses import mean_absolute, mean_square
from pellucid.methods.single_image.fitting import alike

RADIUS = 2  # of the 5 x 5 window
UPSAMPLING = ("joint-bilateral", "bilinear", "nearest")


def sizes(height: int, width: int, *, ratio: float, minimum: int) -> list[tuple[int, int]]:
    """Sizes (height, width) of the levels, finest first: every one `ratio` times the one before.

    The last level is the last whose shorter side is at least `minimum`; there is always one level.

    Args:
        height: of the finest level, in pixels.
        width: the same.
        ratio: between neighbouring levels, in (0, 1).
        minimum: shorter side of the coarsest level, in pixels.

    >>> sizes(256, 320, ratio=0.8, minimum=128)
    [(256, 320), (205, 256), (164, 205), (131, 164)]
    """
    checks.in_range("ratio", ratio, 0, 1, low_open=True, high_open=True)
    checks.in_range("minimum", minimum, 1)
    levels = [(height, width)]
    while True:
        scale = ratio ** len(levels)
        size = (round(height * scale), round(width * scale))
        if min(height, width) * scale < minimum or size == levels[-1]:
            return levels
        levels.append(size)


def resize(image: Tensor, size: tuple[int, int], *, mode: str = "bicubic") -> Tensor:
    """An image at another size: antialiased where it shrinks, as a camera with larger pixels would see it.

    Args:
        image: (C, H, W).
        size: (height, width) wanted.
        mode: bicubic, bilinear or nearest.

    Returns:
        (C, height, width).

    >>> resize(torch.ones(1, 10, 10), (8, 8)).allclose(torch.ones(1, 8, 8))
    True
    """
    if tuple(image.shape[-2:]) == tuple(size):
        return image
    if mode == "nearest":
        return interpolate(image[None], size, mode="nearest-exact")[0]
    return interpolate(image[None], size, mode=mode, align_corners=False, antialias=True)[0]


def reconstruction(output: Tensor, noisy: Tensor, iteration: int, switch: int) -> Tensor:
    """L_rec of equation 2: mean absolute difference up to iteration `switch`, then mean square (section 3.5).

    Args:
        output: (C, h, w) x_n.
        noisy: (C, h, w) y_n.
        iteration: from 1.
        switch: 0 for the mean square (equation 1) from the start.

    >>> pair = torch.zeros(1, 2, 2), torch.full((1, 2, 2), 3.0)
    >>> float(reconstruction(*pair, 5, 5)), float(reconstruction(*pair, 6, 5))
    (3.0, 9.0)
    """
    return mean_absolute(output, noisy) if iteration <= switch else mean_square(output, noisy)


def consistency(features: nn.Module, coarser: Tensor, factor: float) -> Callable[[Tensor], Tensor]:
    """lambda_n MSE(phi(x_n at the size of x_{n+1}), phi(x_{n+1})) of x_n: equation 3 with its weight.

    Args:
        features: phi, frozen, from (1, C, h, w); the identity compares pixels.
        coarser: (C, h, w) x_{n+1}, which does not change any more.
        factor: lambda_n.
    """
    size = (coarser.shape[-2], coarser.shape[-1])
    far = alike(features, coarser)
    return lambda output: factor * far(resize(output, size))


def weight(sigma: float, steps_below: int) -> float:
    """lambda_n = sqrt(sigma_{y_n} (N - n)), equation 4.

    The paper names no unit: sigma is taken in [0, 1]. Of N it says "the total number of image scales", but
    its scales are y_0 to y_N, one more, and the coarsest y_N has no tie: N is taken as the index of the
    coarsest, where the weight so is 0.

    Args:
        sigma: level of the noise of y_n, 1.0 = white.
        steps_below: N - n.

    >>> [round(weight(25 / 255, k), 3) for k in (6, 1, 0)]
    [0.767, 0.313, 0.0]
    """
    return math.sqrt(sigma * steps_below)


def joint_bilateral(low: Tensor, guide: Tensor, *, spatial: float = 0.5, value: float = 0.1) -> Tensor:
    """Enlarge `low` to the size of `guide`, averaging only where the guide looks alike: equation 5.

    At each fine pixel p, with its position p' on the coarse grid, over the 5 x 5 coarse pixels q around p':

        x^(p) = sum_q low(q) F(|p' - q|) G(|guide(p) - guide(q')|) / sum_q F G,

    where q' is the position of q on the fine grid (read bilinearly), F and G are Gaussians. The paper's
    equation (5) has the arrows of p and q exchanged; this is the form of its source.

    Args:
        low: (C, h, w) coarse picture.
        guide: (C', H, W) fine picture.
        spatial: standard deviation of F in coarse pixels.
        value: standard deviation of G in units of the guide; the distance is Euclidean over its channels.

    Returns:
        (C, H, W).

    Source: Kopf, Cohen, Lischinski, Uyttendaele, "Joint bilateral upsampling", SIGGRAPH 2007, equation 3.

    >>> joint_bilateral(torch.ones(2, 4, 4), torch.rand(1, 5, 5)).allclose(torch.ones(2, 5, 5))
    True
    """
    checks.in_range("spatial", spatial, 0, low_open=True)
    checks.in_range("value", value, 0, low_open=True)
    rows, near_rows = _positions(low.shape[-2], guide.shape[-2], low.device)
    columns, near_columns = _positions(low.shape[-1], guide.shape[-1], low.device)
    seen = _at_low_pixels(guide, low.shape[-2], low.shape[-1])
    total = low.new_zeros((low.shape[0], *guide.shape[-2:]))
    weights = low.new_zeros(guide.shape[-2:])
    for down in range(-RADIUS, RADIUS + 1):
        above, near = _falloff(rows, near_rows + down, low.shape[-2], spatial)
        strip, strip_seen = low[:, near], seen[:, near]
        for across in range(-RADIUS, RADIUS + 1):
            aside, beside = _falloff(columns, near_columns + across, low.shape[-1], spatial)
            distance = (guide - strip_seen[:, :, beside]).square().sum(0)
            # The nearest coarse pixel's weight must not vanish in float32, however unlike the guide is.
            weight = above[:, None] * aside * torch.exp(-0.5 * distance / value**2).clamp_min(1e-20)
            total += weight * strip[:, :, beside]
            weights += weight
    return total / weights


def fuse(pictures: Sequence[Tensor], *, upsampling: str = "joint-bilateral") -> Tensor:
    """Average neighbouring scales, from the coarsest up: x_{n-1} <- (x^_n + x_{n-1}) / 2 (section 3.4).

    The finest picture so has the weight 1/2, the next 1/4, …, and the last two the same.

    Args:
        pictures: (C, h, w) each, finest first.
        upsampling: how x_n gets the size of x_{n-1}: joint-bilateral (the paper's, guided by x_{n-1}, spatial
            0.5, value 0.1), bilinear or nearest.

    Returns:
        (C, H, W) at the size of the first.

    >>> import torch
    >>> fine, middle, coarse = (torch.full((1, s, s), v) for s, v in ((8, 1.0), (6, 0.0), (5, 0.0)))
    >>> float(fuse([fine, middle, coarse]).mean())
    0.5
    """
    checks.one_of("upsampling", upsampling, UPSAMPLING)
    fused = pictures[-1]
    for finer in reversed(pictures[:-1]):
        height, width = finer.shape[-2:]
        if upsampling == "joint-bilateral":
            larger = joint_bilateral(fused, finer)
        else:
            larger = resize(fused, (height, width), mode=upsampling)
        fused = (larger + finer) / 2
    return fused


def fuse_bands(pictures: Sequence[Tensor]) -> Tensor:
    """Average the scales only in the frequencies that they have: all alike, and no detail is lost.

    A coarse picture knows nothing of the finest detail; averaged as it is, it halves it. Here the mean of
    the k coarser scales corrects the next finer one where both can speak:

        x_{n-1} <- x_{n-1} + k / (k + 1) up(x_n - down(x_{n-1})).

    This is ours, not the paper's.

    Args:
        pictures: (C, h, w) each, finest first.

    Returns:
        (C, H, W) at the size of the first.

    >>> import torch
    >>> fine, middle, coarse = (torch.full((1, s, s), v) for s, v in ((8, 1.0), (6, 0.0), (5, 0.0)))
    >>> round(float(fuse_bands([fine, middle, coarse]).mean()), 4)
    0.3333
    """
    fused = pictures[-1]
    for coarser, finer in enumerate(reversed(pictures[:-1]), 1):
        low, high = ((p.shape[-2], p.shape[-1]) for p in (fused, finer))
        correction = resize(fused - resize(finer, low), high)
        fused = finer + coarser / (coarser + 1) * correction
    return fused


def _positions(low: int, high: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Positions of the fine pixels on the coarse grid, and the coarse pixels nearest to them."""
    position = (torch.arange(high, device=device) + 0.5) * (low / high) - 0.5
    return position, position.round().long()


def _falloff(position: Tensor, pixel: Tensor, size: int, spatial: float) -> tuple[Tensor, Tensor]:
    """Weights of coarse pixels by their distance, 0 beyond the border; and the pixels, kept inside."""
    weight = torch.exp(-0.5 * ((position - pixel) / spatial) ** 2)
    return weight * ((pixel >= 0) & (pixel < size)), pixel.clamp(0, size - 1)


def _at_low_pixels(guide: Tensor, height: int, width: int) -> Tensor:
    """The guide (C, H, W), read bilinearly where the pixels of a coarser grid lie: (C, height, width)."""
    across = (torch.arange(width, device=guide.device, dtype=guide.dtype) + 0.5) * (2 / width) - 1
    down = (torch.arange(height, device=guide.device, dtype=guide.dtype) + 0.5) * (2 / height) - 1
    grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1)
    return grid_sample(guide[None], grid[None], padding_mode="border", align_corners=False)[0]
