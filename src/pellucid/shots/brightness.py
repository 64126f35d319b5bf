"""The gain and offset per channel that bring one shot to the brightness of another."""

from __future__ import annotations

import math

import torch
from torch import Tensor

BLOCK = 8  # pixels; the mean over a block holds an eighth of the noise of a pixel
SURE = 4.0  # standard deviations by which a difference must be established before anything is changed
OUTLIERS = 3.0  # standard deviations of the rest; what moved in the scene has no say in its brightness
ALIKE = 0.8  # correlation of the blocks from which a contrast can be compared
FEWEST = 8  # blocks; below, there is nothing to measure a contrast on


def brightness(first: Tensor, second: Tensor) -> tuple[float, float]:
    """(gain, offset) with gain * second + offset of the brightness of the first; (1, 0) where they agree.

    Means over blocks are compared, because least squares on noisy pixels would find too small a gain. Both
    sides hold noise still, so the line is that of the larger axis of the cloud (total least squares). Blocks
    that lie far off are dropped, then the line is drawn again. What is within `SURE` standard deviations of
    no difference is no difference, so that equal shots are not touched.

    Args:
        first: (..., H, W), one channel.
        second: the same shape, in register; non-finite where it shows nothing.

    >>> ramp = torch.linspace(0, 1, 64).repeat(64, 1)
    >>> gain, offset = brightness(ramp, 0.8 * ramp - 0.1)
    >>> round(gain, 3), round(offset, 3)
    (1.25, 0.125)
    """
    x, y = _blocks(second), _blocks(first)
    known = torch.isfinite(x)
    x, y = x[known], y[known]
    if len(x) < FEWEST:
        return 1.0, 0.0
    keep = torch.ones_like(x, dtype=torch.bool)
    gain = 1.0
    for _ in range(3):
        gain = _slope(x[keep], y[keep])
        left = (y - y[keep].mean()) - gain * (x - x[keep].mean())
        middle = left.median()
        spread = 1.4826 * (left - middle).abs().median()
        keep = (left - middle).abs() <= OUTLIERS * spread + 1e-12
    x, y = x[keep], y[keep]
    if len(x) < FEWEST:
        return 1.0, 0.0
    left = (y - y.mean()) - gain * (x - x.mean())
    doubt = float(left.std()) / len(x) ** 0.5
    contrast = float(x.std())
    if contrast == 0 or abs(gain - 1) <= SURE * doubt / contrast:
        gain = 1.0
    if gain == 1.0 and abs(float((y - x).mean())) <= SURE * doubt:
        return 1.0, 0.0
    return gain, float(y.mean() - gain * x.mean())


def _blocks(image: Tensor) -> Tensor:
    """Means over squares of the last two axes, as a list; small pictures get smaller squares."""
    height, width = image.shape[-2:]
    side = max(1, min(BLOCK, height // 4, width // 4))
    cut = image[..., : height // side * side, : width // side * side].double()
    squares = cut.reshape(*cut.shape[:-2], height // side, side, width // side, side)
    return squares.mean((-3, -1)).flatten()


def _slope(x: Tensor, y: Tensor) -> float:
    """Of the larger axis of a cloud of points; 1 where the cloud has none, because it is mostly noise."""
    a, b = x - x.mean(), y - y.mean()
    xx, yy, xy = float(a @ a), float(b @ b), float(a @ b)
    if xy <= ALIKE * (xx * yy) ** 0.5:
        return 1.0
    return (yy - xx + math.sqrt((yy - xx) ** 2 + 4 * xy**2)) / (2 * xy)
