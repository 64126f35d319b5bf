"""A network that denoises without training, and models of it on a shelf of their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from torch import Tensor, nn

from pellucid import methods, models, seeds


class Blur(nn.Module):
    """A mean of 3 x 3 pixels, whose weights can be fitted; it is told the level and ignores it."""

    conditioned = True

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((inputs, 1, 3, 3), 1 / 9))

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        padded = nn.functional.pad(noisy, (1, 1, 1, 1), mode="replicate")
        return nn.functional.conv2d(padded, self.weight, groups=noisy.shape[1])


def ship(folder: Path, name: str = "tiny", *, factor: float = 1.0, channels: int = 3, **card) -> Path:
    """A model on the shelf.

    Args:
        folder: the shelf.
        name: of the model.
        factor: on its weights; 1 denoises, 0 gives black.
        channels: of its images.
        card: what else the card says.
    """
    config = dataclasses.asdict(methods.load("n2n").presets["fast"]) | {"network": "blur"}
    with seeds.fixed(0, "weights"):
        weights = {name: factor * w for name, w in Blur(channels, channels).state_dict().items()}
    about = {
        "sigma": (0.0, 75 / 255),
        "color": channels == 3,
        "sees": "pairs",
        "origin": "redrawn",
    }
    stated = models.Card(method="n2n", config=config, channels=channels, **(about | card))
    folder.mkdir(exist_ok=True)
    return models.write(folder / f"{name}.safetensors", stated, weights)
