"""How far an output is from a noisy target: which mean of the targets the network learns."""

from __future__ import annotations

import torch
from torch import Tensor

from pellucid import checks

DISTANCES = ("l2", "l1", "l0", "relative")
NEAR_ZERO = 1e-8
DARK = 0.01


def distance(
    output: Tensor, target: Tensor, kind: str, fraction: float = 0.0, weight: Tensor | None = None
) -> Tensor:
    """Mean over all values of w rho(f - t).

    | kind | rho(d) | what the network learns of its targets | for |
    |---|---|---|---|
    | l2 | d² | their mean | noise whose mean is 0 |
    | l1 | abs(d) | their median | text, up to half of the pixels wrong |
    | l0 | (abs(d) + 1e-8)^g, g from 2 to 0 over the training | their mode | impulses |
    | relative | d² / (f + 0.01)², f without gradient | their mean | high dynamic range |

    Args:
        output: f (B, C, H, W).
        target: t, the same shape.
        kind: of DISTANCES.
        fraction: of the training that is done, for l0.
        weight: w (B,) of the pictures; None for 1.

    Returns:
        ().

    Source: Lehtinen and others, "Noise2Noise", ICML 2018, sections 2 and 3.

    >>> [float(distance(torch.zeros(2), torch.tensor([3.0, -1.0]), kind)) for kind in ("l2", "l1", "l0")]
    [5.0, 2.0, 5.0]
    """
    checks.one_of("kind", kind, DISTANCES)
    checks.same_shape("output", output.shape, "target", target.shape)
    values = _values(output, output - target, kind, fraction)
    if weight is not None:
        values = values * weight.view(-1, *[1] * (values.ndim - 1))
    return values.mean()


def _values(output: Tensor, difference: Tensor, kind: str, fraction: float) -> Tensor:
    """rho(d) of every value."""
    if kind == "l1":
        return difference.abs()
    if kind == "l0":
        return (difference.abs() + NEAR_ZERO).pow(2 * (1 - fraction))
    squares = difference.square()
    if kind == "relative":
        squares = squares / (output.detach() + DARK).square()
    return squares


def slopes(image: Tensor) -> Tensor:
    """Differences of neighbours, down and across, in one line (B, C, 2 H W - H - W).

    >>> slopes(torch.tensor([[1.0, 2.0], [4.0, 8.0]]).view(1, 1, 2, 2)).flatten()
    tensor([3., 6., 1., 4.])
    """
    return torch.cat([image.diff(dim=-2).flatten(2), image.diff(dim=-1).flatten(2)], dim=2)
