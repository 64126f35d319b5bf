"""DnCNN: a plain chain of convolutions that predicts the noise."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn


class DnCNN(nn.Module):
    """`depth` convolutions of 3 x 3 with ReLU between them; the noise they predict is taken off the input.

    Source: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian denoiser", IEEE TIP 2017.

    Args:
        channels: of the image.
        depth: convolutions; 17 for one level, 20 for blind and colour ones in the paper.
        width: channels inside.
        batch_norm: normalise after the inner convolutions, as in training; public weights may have it folded.
        residual: predict the noise and take it off; else the chain gives the image.

    >>> import torch
    >>> DnCNN(3, depth=4, width=8)(torch.zeros(1, 3, 5, 7)).shape
    torch.Size([1, 3, 5, 7])
    """

    def __init__(
        self,
        channels: int,
        *,
        depth: int = 17,
        width: int = 64,
        batch_norm: bool = False,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.channels, self.residual = channels, residual
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(depth - 2):
            layers.append(nn.Conv2d(width, width, 3, padding=1, bias=not batch_norm))
            layers += [nn.BatchNorm2d(width)] if batch_norm else []
            layers.append(nn.ReLU(inplace=True))
        layers.append(nn.Conv2d(width, channels, 3, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, noisy: Tensor) -> Tensor:
        """The denoised (N, C, H, W)."""
        result = cast(Tensor, self.layers(noisy))
        return noisy - result if self.residual else result
