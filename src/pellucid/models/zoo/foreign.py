"""A network of others in one shape: picture and level in, picture out, whatever its size and channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pellucid.networks.padding import mirrored
from pellucid.steps import Tiling


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a network of others.

    Attributes:
        name: of the architecture.
        channels: of the pictures that it takes.
        levels: whether it is told the noise level, as a map beside the picture.
        multiple: what height and width must be multiples of.
        least: what they must be at least.
        tiling: how it may be cut, and the side of tiles that bounds its memory.
        weights: how many numbers were learnt.
        source: who has the architecture, "pellucid" or "spandrel".
    """

    name: str
    channels: int
    levels: bool = False
    multiple: int = 1
    least: int = 1
    tiling: Tiling = field(default_factory=Tiling)
    weights: int = 0
    source: str = "pellucid"

    def __str__(self) -> str:
        """In words, for a person."""
        told = ", told the noise level" if self.levels else ""
        return f"{self.name}, {self.weights:,} weights, {self.channels} channels{told}"


class Foreign(nn.Module):
    """A network of others behind one call.

    Args:
        known: what is known of it.
        network: from (N, C, H, W), or (N, C + 1, H, W) where it is told levels, to (N, C, H, W).
        call: how it is called, where that is not as a function of one tensor.
    """

    def __init__(
        self, known: Known, network: nn.Module, call: Callable[[Tensor], Tensor] | None = None
    ) -> None:
        super().__init__()
        self.known, self.network = known, network
        self._call = call

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """The denoised (N, C, H, W), working units.

        Args:
            noisy: (N, C, H, W), any size; mirrored at the right and below to the multiple that is needed.
            sigma: (N, 1, H, W) standard deviation of the noise; ignored by a network that is not told.
        """
        fed = torch.cat([noisy, sigma], 1) if self.known.levels else noisy
        height, width = noisy.shape[-2:]
        tall, wide = (self._whole(side) for side in (height, width))
        if (tall, wide) != (height, width):
            fed = fed.index_select(-2, _beyond(height, tall, fed)).index_select(-1, _beyond(width, wide, fed))
        made: Tensor = (self._call or self.network)(fed)
        return made[..., :height, :width]

    def _whole(self, side: int) -> int:
        multiple = self.known.multiple
        return -(-max(side, self.known.least) // multiple) * multiple


def _beyond(size: int, padded: int, like: Tensor) -> Tensor:
    """The indices that extend a side at its end by reflection, as the authors' scripts do."""
    more = padded - size
    return mirrored(size, size + 2 * more)[more:].to(like.device)
