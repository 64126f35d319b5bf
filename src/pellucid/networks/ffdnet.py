"""FFDNet: DnCNN's chain at half resolution, told the noise level by a map."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle


class FFDNet(nn.Module):
    """Convolutions on the four 2 x 2 phases of the image and a map of the noise level.

    Source: Zhang, Zuo, Zhang, "FFDNet: toward a fast and flexible solution", IEEE TIP 2018.

    Args:
        channels: of the image.
        depth: convolutions; 15 for gray and 12 for colour in the paper.
        width: channels inside; 64 and 96.
        map_channels: 1 level for all channels, or one for each.
        residual: the chain predicts the noise (Tassano et al., IPOL 2019) instead of the image.

    >>> FFDNet(1, depth=3, width=8)(torch.zeros(1, 1, 5, 7), torch.tensor(0.1)).shape
    torch.Size([1, 1, 5, 7])
    """

    conditioned = True

    def __init__(
        self,
        channels: int,
        *,
        depth: int = 15,
        width: int = 64,
        map_channels: int = 1,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.channels, self.map_channels, self.residual = channels, map_channels, residual
        layers: list[nn.Module] = []
        sizes = [4 * channels + map_channels] + [width] * (depth - 1) + [4 * channels]
        for inside, outside in pairwise(sizes):
            layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """The denoised (N, C, H, W).

        Args:
            noisy: (N, C, H, W), any size.
            sigma: standard deviation of the noise, anything that broadcasts to (N, map_channels, H, W);
                levels of channels become their root mean square for a network with one map.
        """
        if self.map_channels == 1 and sigma.ndim == 4 and sigma.shape[1] > 1:
            sigma = sigma.square().mean(1, keepdim=True).sqrt()
        height, width = noisy.shape[-2:]
        edge = (0, width % 2, 0, height % 2)
        even = pad(noisy, edge, mode="replicate")
        level = sigma.expand(noisy.shape[0], self.map_channels, height, width)
        level = pad(level, edge, mode="replicate")[..., ::2, ::2]
        result = pixel_shuffle(self.layers(torch.cat([pixel_unshuffle(even, 2), level], 1)), 2)
        result = result[..., :height, :width]
        return noisy - result if self.residual else result
