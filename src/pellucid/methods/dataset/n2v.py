"""Noise2Void and N2V2: hide a few scattered pixels, predict them from what is around."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from pellucid import fields, networks
from pellucid.learning import (
    ADAM,
    Batch,
    Learning,
    Loss,
    TrainingConfig,
    TrainingProgress,
    apply,
    extras_off,
    why_fast,
)
from pellucid.methods.dataset.hiding import VALUES, at, put, replacements, scattered
from pellucid.methods.single_image.dihedral import COUNT, turn, undo
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.noise.report import NoiseReport
from pellucid.noise.sigma_map import sigma_map
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling

AXES = ("none", "horizontal", "vertical")
LOSSES = ("l2", "l1")


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of Noise2Void; the defaults are those of preset fast."""

    batch: int = 16
    """crops per step"""
    standardise: bool = True
    """scale the values by the mean and standard deviation of the training images"""
    percent: float = fields.option(1.5625, low=0, high=25, low_open=True)
    """pixels that are hidden at a time, per cent; 1.5625 is one in each box of 8 x 8"""
    radius: int = fields.option(5, low=1, high=32)
    """reach of the pixels that may stand in for a hidden one"""
    value: str = fields.option("other", choices=VALUES)
    """what stands in: uniform (any around, itself too), other (any but itself), mean, median"""
    loss: str = fields.option("l2", choices=LOSSES)
    """l2 or l1"""
    axis: str = fields.option("none", choices=AXES)
    """structN2V: direction in which the noise is alike, none, horizontal or vertical"""
    reach: int = fields.option(5, low=1, high=64)
    """structN2V: pixels on either side along the axis that are hidden too"""
    depth: int = fields.option(1, low=1, high=31)
    """slices of a film or volume that are seen at once, odd; the middle one is predicted"""
    across: bool = False
    """with a depth: hide the pixel in all slices, where neighbouring ones share its noise"""
    turned: bool = False
    """whether the result is the mean over the eight turned and mirrored pictures"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth % 2 == 0:
            raise ValueError(
                f"depth must be odd, as many slices after the one that is predicted as before it, got "
                f"{self.depth}. Take {self.depth - 1} or {self.depth + 1}."
            )
        if self.across and self.depth == 1:
            raise ValueError("across=True hides a pixel in all slices, and depth=1 sees one. Leave it out.")

    @property
    def box(self) -> int:
        """Side of the boxes of which each has one hidden pixel.

        >>> Config().box, Config(percent=0.198).box
        (8, 22)
        """
        return max(2, round(math.sqrt(100 / self.percent)))


@dataclass(frozen=True, kw_only=True)
class Config2(Config):
    """Configuration of N2V2: blurred pooling, no skip at full size, a median in place of a hidden pixel."""

    network: str = "small-n2v2"
    """network, by its name in `pellucid.networks`"""
    steps: int = 4000
    """steps of the optimiser"""
    batch: int = 8
    """crops per step"""
    value: str = "median"
    """what stands in: uniform (any around, itself too), other (any but itself), mean, median"""


def hide(image: Tensor, positions: Tensor, config: Config, generator: torch.Generator) -> Tensor:
    """The picture with other values at the positions, and random ones along the axis of structN2V.

    Args:
        image: (B, C, H, W).
        positions: (B, K).
        config: value, radius, axis, reach.
        generator: draws what stands in.
    """
    given = put(image, positions, replacements(image, positions, config.value, config.radius, generator))
    if config.axis == "none":
        return given
    hidden = put(
        torch.zeros_like(image[:, :1]), positions, torch.ones_like(positions[:, None], dtype=image.dtype)
    )
    length = 2 * config.reach + 1
    window = (1, length) if config.axis == "horizontal" else (length, 1)
    line = max_pool2d(hidden, window, stride=1, padding=(window[0] // 2, window[1] // 2)) > 0
    # U(-2, 2) in standardised values.
    draws = 4 * torch.rand(image.shape, generator=generator, device=generator.device) - 2
    middle = image.mean(dim=(0, 2, 3), keepdim=True)
    spread = (image - middle).square().mean(dim=(0, 2, 3), keepdim=True).sqrt()
    return torch.where(line, middle + spread * draws, given)


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """Mean of |f(y with hidden pixels) - y|² over the hidden pixels.

    With a depth f is given the slices around y too, as they are: their noise is independent of that of y.
    Where it is not (`across`) the same pixels are hidden in all of them.

    Args:
        network: f.
        batch: noisy y with its window, and sigma where the network asks for the level.
        config: the configuration.
        progress: not looked at.
        generator: draws the pixels and what stands in for them.

    Source: Krull, Buchholz, Jug, "Noise2Void", CVPR 2019; Broaddus and others, "Removing structured noise
    with self-supervised blind-spot networks", ISBI 2020; Höck and others, "N2V2", ECCV workshops 2022.
    """
    noisy = batch.noisy
    positions = scattered(noisy.shape, config.box, generator)
    given = hide(noisy, positions, config, generator)
    seen = given
    if batch.window is not None:
        slices = list(batch.window.unbind(1))
        middle = len(slices) // 2
        for place, one in enumerate(slices):
            if place == middle:
                slices[place] = given
            elif config.across:
                slices[place] = hide(one, positions, config, generator)
        seen = torch.cat(slices, 1)
    output = predicted(network, seen, batch.sigma, config)
    difference = at(output, positions) - at(noisy, positions)
    value = difference.square().mean() if config.loss == "l2" else difference.abs().mean()
    pictures = {"noisy": noisy, "hidden": given, "output": output.detach()}
    return Loss(value=value, parts={"hidden": value.detach()}, pictures=pictures)


def build(config: Config, channels: int) -> nn.Module:
    """The network that the configuration names, for all slices of a window."""
    return networks.builder(config.network)(config.depth * channels, config.depth * channels)


def predicted(network: nn.Module, seen: Tensor, sigma: Tensor | None, config: Config) -> Tensor:
    """(B, C, H, W) the middle slice of (B, D C, H, W), told the level of one slice where it is asked for.

    It is the mean of what the network makes of all slices: networks that take off what they find begin with
    the mean of the window, not with a slice that they are not to trust.
    """
    channels = seen.shape[1] // config.depth
    if sigma is not None and sigma.shape[1] > 1:
        sigma = sigma.repeat(1, config.depth, 1, 1)
    made = apply(network, seen, sigma)
    if config.depth == 1:
        return made
    return made.reshape(len(made), config.depth, channels, *made.shape[-2:]).mean(1)


def predict(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Config,
    *,
    generator: torch.Generator,
) -> Tensor:
    """The network applied to the whole picture, or the mean over its eight orientations; nothing is drawn."""
    with torch.no_grad():
        first = config.depth // 2 * (noisy.shape[1] // config.depth)
        middle = noisy[:, first : first + noisy.shape[1] // config.depth]
        sigma = sigma_map(middle, noise)
        if not config.turned:
            return predicted(network, noisy, sigma, config)
        total = torch.zeros_like(middle)
        for index in range(COUNT):
            told = None if sigma is None else turn(sigma, index)
            total += undo(predicted(network, turn(noisy, index), told, config), index)
        return total / COUNT


LEARNING = Learning(
    sees="noisy", build=build, objective=objective, predict=predict, halo=48, stride=32, deep=True
)

PAPER = Paper(
    citation="Krull, Buchholz, Jug, CVPR 2019, and their code",
    states=stated(
        network=("n2v-unet", "code, example of BSD68"),
        steps=(80_000, "code, example of BSD68: 200 rounds of 400"),
        batch=(128, "code"),
        patch=(64, "code"),
        learning_rate=(4e-4, "code"),
        standardise=(True, "code"),
        percent=(1.5625, "code: one in each box of 8 x 8; 0.198 in the example of BSD68"),
        radius=(5, "code"),
        value=("uniform", "code: any pixel around, itself too"),
        loss=("l2", "code, examples"),
        turned=(False, "code; figures with the mean over eight orientations are given beside"),
    ),
    open=stated(
        decay=(
            "halves",
            "the code halves the rate where the loss stays; a fixed plan gives the same bits always",
        ),
        **ADAM,
    ),
    ours=extras_off("standardise") | {"axis": "none", "reach": 5, "depth": 1, "across": False},
)

N2V = Method(
    **described("n2v"),
    config=Config,
    steps=steps_of("n2v", LEARNING, Config),
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures=why_fast("network", "steps", "batch", "learning_rate", "decay")
    | {
        "value": "the network is never shown the pixel that it is to predict",
    },
    tiling=Tiling(kind="approximate", halo=48, stride=32),
    needs_model=True,
    learning=LEARNING,
)

PAPER2 = Paper(
    citation="Höck, Buchholz, Brachmann, Jug, Freytag, ECCV workshops 2022, and their code",
    states=dict(PAPER.states)
    | stated(
        network=("n2v2-unet", "text and code: blurred pooling, no skip at full size"),
        value=("median", "text and code"),
    ),
    open=PAPER.open,
    ours=PAPER.ours,
)

N2V2 = Method(
    **described("n2v2"),
    config=Config2,
    steps=steps_of("n2v2", LEARNING, Config2),
    presets={"paper": PAPER2.preset(Config2), "fast": Config2()},
    paper=PAPER2,
    departures=why_fast("network", "steps", "batch", "learning_rate", "decay"),
    tiling=Tiling(kind="approximate", halo=48, stride=32),
    needs_model=True,
    learning=LEARNING,
)
