"""The two networks of CVF-SID: one finds the clean picture, one parts the rest into two kinds of noise."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from pellucid import checks


def _chain(inputs: int, width: int, layers: int) -> list[nn.Module]:
    parts: list[nn.Module] = []
    for index in range(layers):
        parts += [nn.Conv2d(width if index else inputs, width, 3, padding=1), nn.ReLU(inplace=True)]
    return parts


class Cyclic(nn.Module):
    """Sixteen 3x3 convolutions and a 1x1 one for the picture; ten and two heads of four and one for noise.

    Forward gives the clean picture alone; `parted` gives all three.

    Args:
        inputs: channels of the picture.
        outputs: as many.
        width: channels inside.

    Source: Neshatavar, Yavartanoo, Son, Lee, "CVF-SID", CVPR 2022, and its authors' code.

    >>> sum(p.numel() for p in Cyclic(3, 3).parameters())
    1185865
    """

    def __init__(self, inputs: int, outputs: int, *, width: int = 64, layers: int = 16) -> None:
        super().__init__()
        if inputs != outputs:
            raise ValueError(f"outputs must be {inputs}, the inputs, for this network; got {outputs}.")
        checks.in_range("width", width, 1)
        checks.in_range("layers", layers, 1)
        self.clean = nn.Sequential(*_chain(inputs, width, layers), nn.Conv2d(width, outputs, 1))
        self.rest = nn.Sequential(*_chain(inputs, width, max(1, 10 * layers // 16)))
        heads = max(1, layers // 4)
        self.growing = nn.Sequential(*_chain(width, width, heads), nn.Conv2d(width, outputs, 1))
        self.even = nn.Sequential(*_chain(width, width, heads), nn.Conv2d(width, outputs, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(cast(Tensor, module.bias))

    def forward(self, image: Tensor) -> Tensor:
        """The clean picture (B, outputs, H, W)."""
        return cast(Tensor, self.clean(image))

    def parted(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The clean picture, the factor of the noise that grows with it, the other noise; both of mean 0."""
        clean = self(image)
        rest = self.rest(image - clean)
        growing, even = self.growing(rest), self.even(rest)
        return clean, _centred(growing), _centred(even)


def _centred(noise: Tensor) -> Tensor:
    return noise - noise.mean(dim=(-2, -1), keepdim=True)


def small(inputs: int, outputs: int) -> Cyclic:
    """The same for two cores: 24 channels, six convolutions for the picture.

    >>> sum(p.numel() for p in small(3, 3).parameters())
    48441
    """
    return Cyclic(inputs, outputs, width=24, layers=6)
