"""Codes: what a network that is fitted to one image is fed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from pellucid import checks

CODES = ("noise", "image", "guide", "mesh", "pyramid")
# Standard deviations in pixels of the blurred copies in a pyramid code. On two training crops 1, 2, 4 led
# to 0.6 and 0.9 dB more than 1.5, 3, 6, in fewer steps. The noisy image itself would be copied, noise too.
BLURS = (1.0, 2.0, 4.0)
# Where less than this share of a blur's weights falls on known pixels (large holes), a wider one takes over.
ENOUGH = 0.01


def mesh(height: int, width: int) -> Tensor:
    """Coordinates as a code: (2, H, W), across and down, each from 0 to 1.

    >>> mesh(2, 3)[0]
    tensor([[0.0000, 0.5000, 1.0000],
            [0.0000, 0.5000, 1.0000]])
    """
    down, across = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return torch.stack([across, down])


def blurred(image: Tensor, known: Tensor, sigma: float) -> Tensor:
    """Gaussian blur over the known pixels alone, normalised at borders and holes.

    Args:
        image: (C, H, W).
        known: (H, W), 1 where the pixel may be looked at, else 0.
        sigma: standard deviation in pixels.

    Returns:
        (C, H, W); inside large holes, where next to nothing is known within reach, a wider blur takes over.

    >>> blurred(torch.ones(1, 5, 5), torch.eye(5), 1.0).mean()
    tensor(1.)
    """
    reach = math.ceil(4 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=image.device) / sigma) ** 2)
    stack = torch.cat([image * known, known[None]])[:, None]
    stack = conv2d(stack, kernel.view(1, 1, -1, 1), padding=(reach, 0))
    stack = conv2d(stack, kernel.view(1, 1, 1, -1), padding=(0, reach))[:, 0]
    mean, weight = stack[:-1] / stack[-1:].clamp_min(torch.finfo(stack.dtype).tiny), stack[-1:]
    enough = ENOUGH * 2 * math.pi * sigma**2
    if sigma > max(image.shape[-2:]) or bool((weight >= enough).all()):
        return mean
    share = (weight / enough).clamp(max=1)
    return share * mean + (1 - share) * blurred(image, known, 2 * sigma)


def make(
    kind: str,
    noisy: Tensor,
    *,
    known: Tensor,
    guide: Tensor | None,
    channels: int,
    scale: float,
    generator: torch.Generator,
    blurs: Sequence[float] = BLURS,
) -> Tensor:
    """The code z of a fit to one image.

    Args:
        kind: noise, image, guide, mesh or pyramid.
        noisy: (C, H, W).
        known: (H, W), 1 where a pixel may be looked at, else 0; all kinds but image heed it.
        guide: (C', H, W) or None.
        channels: of the noise in noise and pyramid.
        scale: that noise is uniform between 0 and this.
        generator: on the processor, for that noise.
        blurs: standard deviations of the blurred copies in a pyramid, in pixels.

    Returns:
        (1, D, H, W) on the processor.

    Raises:
        ValueError: when the kind is unknown, or a guide is missing or has another size.

    >>> draws = torch.Generator().manual_seed(0)
    >>> picture, known = torch.rand(3, 8, 8), torch.ones(8, 8)
    >>> make("pyramid", picture, known=known, guide=None, channels=16, scale=0.1, generator=draws).shape
    torch.Size([1, 25, 8, 8])
    """
    checks.one_of("code", kind, CODES)
    if kind == "image":
        return noisy.cpu()[None]
    if kind == "guide":
        if guide is None:
            raise ValueError("code='guide' needs a guide picture, got none. Give one, or use code='noise'.")
        checks.same_shape("guide", guide.shape[-2:], "image", noisy.shape[-2:])
        return guide.cpu()[None]
    if kind == "mesh":
        return mesh(*noisy.shape[-2:])[None]
    noise = scale * torch.rand((1, channels, *noisy.shape[-2:]), generator=generator)
    if kind == "noise":
        return noise
    copies = [blurred(noisy.cpu(), known.cpu(), sigma) for sigma in blurs]
    return torch.cat([noise, torch.cat(copies)[None]], dim=1)
