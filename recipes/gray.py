"""Makes the start of a gray model from a colour one, so that its training need not begin from nothing.

    python recipes/gray.py swift-color.safetensors start.safetensors
    pellucid train n2n pictures/ -o swift-gray.safetensors --gray --from start.safetensors ...

The first layer sees one channel as three equal ones, the last gives the mean of three: what the colour model
makes of a gray picture. It knows noise that every channel has for itself, of which the mean keeps
1 / sqrt(3); where all three share it, the level that it is told is sqrt(3) times as high. (Camera of
scikit-image, sigma 25: 30.4 dB without any training, 25.1 dB without that factor, BM3D 30.5 dB.)
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch
from torch import Tensor

from pellucid import models

PHASES = 4
"""a picture goes in and out as its phases of 2 x 2 (pellucid.networks.swift)"""


def gray(weights: dict[str, Tensor], colors: int = 3) -> dict[str, Tensor]:
    """The weights of a Swift of one channel, from those of one of several."""
    first, last = weights["head.weight"], weights["tail.weight"]
    phases = first[:, : PHASES * colors].unflatten(1, (colors, PHASES)).sum(1)
    level = colors**0.5 * first[:, PHASES * colors :].sum(1, keepdim=True)
    last = last.unflatten(0, (colors, PHASES)).mean(0)
    return {**weights, "head.weight": torch.cat([phases, level], dim=1), "tail.weight": last}


def main() -> None:
    """Read, change, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("color", type=Path)
    parser.add_argument("gray", type=Path)
    given = parser.parse_args()
    card, weights = models.read(given.color)
    card = dataclasses.replace(
        card, channels=1, color=False, mean=card.mean[:1], std=card.std[:1], quality={}
    )
    models.write(given.gray, card, gray(weights))


if __name__ == "__main__":
    main()
