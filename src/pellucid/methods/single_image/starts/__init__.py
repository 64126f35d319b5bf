"""Weights from which a fit to one picture begins, learnt on noisy pictures alone (recipes/start)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor


def learnt(method: str, channels: int, *, color: bool) -> dict[str, Tensor] | None:
    """The weights that come with pellucid for a method; None for pictures of another kind.

    Args:
        method: its name.
        channels: of the picture.
        color: whether three channels are display colours, as in the pictures that they were learnt on.

    >>> learnt("zs-n2n", 5, color=True) is None
    True
    """
    kind = {1: "gray", 3: "color" if color else ""}.get(channels, "")
    file = Path(__file__).with_name(f"{method}-{kind}.safetensors")
    return dict(_read(file)) if kind and file.is_file() else None


@cache
def _read(file: Path) -> dict[str, Tensor]:
    return {name: value.float() for name, value in load_file(file).items()}
