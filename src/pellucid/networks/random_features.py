"""Features that need no weights of others: random filters, or the picture and its gradients."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from pellucid import seeds


class RandomFeatures(nn.Module):
    """Three layers of fixed random 3x3 filters with ReLU, the last at half the size.

    Random filters keep distances: what differs in edges or texture differs in its features, in every
    direction alike. They are drawn once for all (seed 0), so that the loss is the same in every run, and
    never trained. As a trained network's, a feature looks at a neighbourhood (10 x 10 pixels).

    Args:
        inputs: channels of the pictures.

    >>> RandomFeatures(3)(torch.zeros(1, 3, 16, 20)).shape
    torch.Size([1, 32, 8, 10])
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        with seeds.fixed(0, "features"):
            self.layers = nn.Sequential(
                nn.Conv2d(inputs, 16, 3, padding=1, padding_mode="replicate"),
                nn.ReLU(),
                nn.Conv2d(16, 16, 3, padding=1, padding_mode="replicate"),
                nn.ReLU(),
                nn.AvgPool2d(2, ceil_mode=True),
                nn.Conv2d(16, 32, 3, padding=1, padding_mode="replicate"),
                nn.ReLU(),
            )
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight)
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        """Features (B, 32, H / 2, W / 2) of (B, inputs, H, W) in [0, 1]."""
        return cast(Tensor, self.layers(image - 0.5))


class Gradients(nn.Module):
    """The picture and its differences to the right and downward.

    >>> Gradients()(torch.zeros(1, 2, 5, 6)).shape
    torch.Size([1, 6, 5, 6])
    """

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3 C, H, W) from (B, C, H, W); the differences at the last column and row are 0."""
        across = pad(image[..., :, 1:] - image[..., :, :-1], (0, 1))
        down = pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
        return torch.cat([image, across, down], dim=1)
