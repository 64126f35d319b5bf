"""Layout: another arrangement of the same values in which a picture is filtered, and the way back."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Layout(Protocol):
    """An arrangement of channels and pixels that is undone when the work is done."""

    @property
    def color(self) -> bool:
        """Whether the channels are display colours in it."""
        ...

    @property
    def words(self) -> str:
        """What was found that calls for it."""
        ...

    def lay(self, pixels: Tensor) -> Tensor:
        """(..., C, H, W) as the file has it to (..., C', H', W')."""
        ...

    def lay_map(self, levels: Tensor) -> Tensor:
        """The same for levels or flags of all pixels, (..., C, H, W)."""
        ...

    def back(self, laid: Tensor, index: int) -> Tensor:
        """(..., C', H', W') of the slice `index` to (..., C, H, W)."""
        ...

    def back_map(self, laid: Tensor, index: int) -> Tensor:
        """The same for a map of standard deviations."""
        ...
