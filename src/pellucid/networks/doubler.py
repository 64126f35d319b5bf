"""A plain stack of convolutions that doubles the size of a picture: bicubic, and what it lacks."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle

from pellucid import checks


class Doubler(nn.Module):
    """x = U(y) + g(.), with U the bicubic enlargement by 2 and g a stack of 3x3 convolutions with ReLU.

    g sees U(y), as in ZSSR, or with ``shuffle`` y itself and gives four pixels for each. Its last layer
    starts at zero, so that the untrained network is the interpolation.

    Args:
        inputs: channels in.
        outputs: channels out, the same number.
        width: channels of the hidden layers.
        layers: convolutions, at least 2.
        shuffle: whether to work at the small size.

    Source: Shocher, Cohen, Irani, "Zero-Shot Super-Resolution using Deep Internal Learning", CVPR 2018; the
    rearrangement of channels: Shi et al., "Real-Time Single Image and Video Super-Resolution", CVPR 2016.

    >>> import torch
    >>> picture = torch.rand(1, 3, 5, 6)
    >>> bool((Doubler(3, 3)(picture) == doubled(picture)).all())
    True
    """

    def __init__(
        self, inputs: int, outputs: int, *, width: int = 64, layers: int = 8, shuffle: bool = False
    ) -> None:
        super().__init__()
        checks.in_range("layers", layers, 2)
        if inputs != outputs:
            raise ValueError(
                f"outputs must be as many as inputs, {inputs}, got {outputs}. Give the same number."
            )
        self.shuffle = shuffle
        hidden: list[nn.Module] = []
        for layer in range(layers - 1):
            hidden += [_convolution(width if layer else inputs, width), nn.ReLU(inplace=True)]
        last = _convolution(width, outputs * (4 if shuffle else 1))
        nn.init.zeros_(last.weight)
        nn.init.zeros_(cast(Tensor, last.bias))
        self.body = nn.Sequential(*hidden, last)

    def forward(self, small: Tensor) -> Tensor:
        """(B, C, H, W) to (B, C, 2 H, 2 W)."""
        large = doubled(small)
        if self.shuffle:
            return large + pixel_shuffle(self.body(small), 2)
        return large + cast(Tensor, self.body(large))


def doubled(image: Tensor) -> Tensor:
    """(B, C, H, W) enlarged by 2, bicubic with Keys' kernel of a = -1/2."""
    return interpolate(image, scale_factor=2.0, mode="bicubic", antialias=True, align_corners=False)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    # The border repeats the last pixel: zeros would be a dark frame.
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")
