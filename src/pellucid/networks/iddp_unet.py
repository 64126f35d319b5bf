"""The U-Net that IDDP is trained with here: that of its first author's Noise2Grad."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

from pellucid.networks.padding import with_any_size


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class IDDPUNet(nn.Module):
    """Two convolutions at each of four sizes down and three up, bilinear enlargement, no normalisation.

    The paper says "a simple U-Net" and nothing more; this is the one in the code of the authors' earlier
    Noise2Grad.

    Args:
        inputs: channels of the picture.
        outputs: channels of the result.
        residual: take what the layers give off the picture, F(y) = y - g(y), instead of giving it out. Needs
            as many outputs as inputs.
        width: channels at full size; 2, 4 and 4 times as many below.

    Raises:
        ValueError: for a residual network whose outputs are not its inputs.

    >>> IDDPUNet(1, 1, width=4)(torch.zeros(1, 1, 5, 9)).shape
    torch.Size([1, 1, 5, 9])
    """

    multiple = 8

    def __init__(self, inputs: int, outputs: int, *, residual: bool = False, width: int = 32) -> None:
        super().__init__()
        if residual and inputs != outputs:
            raise ValueError(f"outputs must be {inputs}, the inputs, for a residual network; got {outputs}.")
        self.residual = residual
        w = width
        self.down = nn.ModuleList(
            [_double(inputs, w), _double(w, 2 * w), _double(2 * w, 4 * w), _double(4 * w, 4 * w)]
        )
        self.up = nn.ModuleList([_double(8 * w, 2 * w), _double(4 * w, w), _double(2 * w, w)])
        self.last = nn.Conv2d(w, outputs, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # With weights of 0.02 the residual network would start, and stay, as the identity.
                if not residual:
                    nn.init.normal_(module.weight, 0.0, 0.02)
                nn.init.zeros_(cast(Tensor, module.bias))

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, H, W) of any size to (B, outputs, H, W)."""
        result = with_any_size(self._hourglass, image, self.multiple)
        return image - result if self.residual else result

    def _hourglass(self, image: Tensor) -> Tensor:
        features = self.down[0](image)
        skips = []
        for layer in self.down[1:]:
            skips.append(features)
            features = layer(max_pool2d(features, 2))
        for layer in self.up:
            large = interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=True)
            features = layer(torch.cat([skips.pop(), large], dim=1))
        return cast(Tensor, self.last(features))


def small(inputs: int, outputs: int, *, residual: bool = False) -> IDDPUNet:
    """The same for two cores: 12 channels at full size.

    >>> sum(p.numel() for p in small(3, 3).parameters())
    118947
    """
    return IDDPUNet(inputs, outputs, residual=residual, width=12)


def small_residual(inputs: int, outputs: int) -> IDDPUNet:
    """The small one that predicts the noise: what any trained method learns within a thousand steps.

    >>> image = torch.rand(1, 1, 8, 8)
    >>> bool((small_residual(1, 1)(image) - image).abs().max() < 0.1)
    True
    """
    return small(inputs, outputs, residual=True)
