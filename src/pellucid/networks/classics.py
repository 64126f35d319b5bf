"""DnCNN and FFDNet, to be filled with published weights or trained."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle


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


def _same(inputs: int, outputs: int) -> int:
    if inputs != outputs:
        raise ValueError(f"outputs must be {inputs}, the inputs, for this network; got {outputs}.")
    return inputs


def dncnn(
    inputs: int, outputs: int, *, depth: int = 17, batch_norm: bool = True, residual: bool = True
) -> DnCNN:
    """DnCNN as in the paper: 17 convolutions, batch normalisation, the noise is predicted.

    >>> sum(p.numel() for p in dncnn(1, 1).parameters())
    556097
    """
    return DnCNN(_same(inputs, outputs), depth=depth, batch_norm=batch_norm, residual=residual)


def dncnn_plain(inputs: int, outputs: int) -> DnCNN:
    """DnCNN without normalisation, so that the result of a pixel depends on its surroundings alone.

    >>> dncnn_plain(3, 3).layers[2].bias is not None
    True
    """
    return dncnn(inputs, outputs, batch_norm=False)


def dncnn_8(inputs: int, outputs: int) -> DnCNN:
    """The chain of Noise2Self's single picture: 8 convolutions, normalised, which give the picture itself.

    >>> dncnn_8(1, 1).residual
    False
    """
    return dncnn(inputs, outputs, depth=8, residual=False)


def ffdnet(inputs: int, outputs: int) -> FFDNet:
    """FFDNet as in the paper: 15 convolutions of 64 channels for one channel, else 12 of 96.

    It must be told the level: `conditioned` is True.

    >>> sum(p.numel() for p in ffdnet(1, 1).parameters()), sum(p.numel() for p in ffdnet(3, 3).parameters())
    (485316, 852108)
    """
    gray = _same(inputs, outputs) == 1
    return FFDNet(inputs, depth=15 if gray else 12, width=64 if gray else 96)
