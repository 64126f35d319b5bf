"""CVF-SID: part a noisy picture into a clean one and two noises that can be put together again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, mse_loss

from pellucid import fields, networks
from pellucid.learning import (
    ADAM,
    Batch,
    Learning,
    Loss,
    TrainingConfig,
    TrainingProgress,
    extras_off,
    why_fast,
)
from pellucid.methods.dataset.plain import bordered
from pellucid.methods.table import described
from pellucid.models import steps_of
from pellucid.networks.cyclic import Cyclic
from pellucid.noise.report import NoiseReport
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling

WINDOW = 6
"""side of the windows in which the level of the noise is read, pixels"""
# Signs of the growing and of the even noise with which a picture is put together anew (section 3.3).
MIXED = ((1, -1), (-1, 1), (-1, -1), (1, 1), (0, 1), (0, -1), (-1, 0))


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of CVF-SID; the defaults are those of preset fast."""

    network: str = "small-cyclic"
    """network, by its name in `pellucid.networks`: cyclic or small-cyclic"""
    steps: int = 2000
    """steps of the optimiser"""
    patch: int = 40
    """side of the crops, pixels"""
    learning_rate: float = 5e-4
    """of Adam"""
    weight_decay: float = 1e-9
    """added to the gradient, as Adam does"""
    gamma: float = fields.option(1.0, low=0, high=4)
    """power of the picture that the growing noise is multiplied by"""
    mixed: float = fields.option(0.1, low=0)
    """weight of the seven pictures that are put together anew"""
    border: int = fields.option(8, low=0, high=256)
    """width of the mirrored border, pixels"""


def build(config: Config, channels: int) -> nn.Module:
    """The network, which must part a picture into three."""
    network = networks.builder(config.network)(channels, channels)
    if not isinstance(network, Cyclic):
        raise ValueError(f"network must be cyclic or small-cyclic for cvf-sid, got {config.network!r}.")
    return network


def grown(clean: Tensor, gamma: float) -> Tensor:
    """c^gamma; below zero it counts as zero where the power has no meaning there."""
    return clean if gamma == 1 else clean.clamp_min(1e-6).pow(gamma)


def local_level(noisy: Tensor) -> Tensor:
    """Mean over all windows of 6 x 6 pixels of the standard deviation inside, (B, C); texture counts too."""
    # About the mean of the picture, so that float32 is enough.
    about = noisy - noisy.mean(dim=(-2, -1), keepdim=True)
    variance = avg_pool2d(about.square(), WINDOW, 1) - avg_pool2d(about, WINDOW, 1).square()
    return variance.clamp_min(0).sqrt().mean(dim=(-2, -1))


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """Ten terms about the parts of the picture and of its parts, and seven pictures put together anew.

    y = c + c^g w + b with c clean, w the noise that grows with it, b the rest. Asked for: the parts give y
    again; c has no noise; c + c^g w has no b; b has no picture and no w; the level of the noise that was
    found is the one that the windows of y show; and what is put together with other signs is parted as it
    was put together.

    Args:
        network: of `build`.
        batch: noisy y.
        config: the configuration.
        progress: not looked at.
        generator: nothing is drawn.

    Source: Neshatavar, Yavartanoo, Son, Lee, "CVF-SID", CVPR 2022, and its authors' code.
    """
    if not isinstance(network, Cyclic):
        raise ValueError(f"network must be of `build`, got {type(network).__name__}.")
    edge = config.border

    def parted(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        clean, growing, even = network.parted(bordered(image, edge))
        height, width = image.shape[-2:]
        inner = (..., slice(edge, edge + height), slice(edge, edge + width))
        return clean[inner], growing[inner], even[inner]

    noisy = batch.noisy
    clean, growing, even = parted(noisy)
    product = grown(clean, config.gamma) * growing
    none = torch.zeros_like(noisy)
    of_clean, of_signal, of_even = parted(clean), parted(clean + product), parted(even)
    again = mse_loss(clean + product + even, noisy)
    kept = (
        mse_loss(of_clean[0], clean)
        + mse_loss(of_signal[0], clean)
        + mse_loss(of_signal[1], growing)
        + mse_loss(of_even[2], even)
    )
    empty = (
        mse_loss(of_clean[1], none)
        + mse_loss(of_clean[2], none)
        + mse_loss(of_signal[2], none)
        + mse_loss(of_even[0], none)
    )
    blurred = grown(avg_pool2d(clean, WINDOW, 1, padding=WINDOW // 2), config.gamma)
    strength = blurred.square().mean(dim=(-2, -1))
    # A little is added, as the root has no slope at 0.
    level = (strength * growing.var(dim=(-2, -1)) + even.var(dim=(-2, -1)) + 1e-12).sqrt()
    found = mse_loss(level, local_level(noisy))
    mixed = torch.zeros_like(again)
    if config.mixed > 0:
        for a, b in MIXED:
            c, w, n = parted(clean + a * product + b * even)
            mixed = mixed + mse_loss(c, clean) + mse_loss(w, a * growing) + mse_loss(n, b * even)
    value = again + kept + empty + found + config.mixed * mixed
    parts = {"again": again, "kept": kept, "empty": empty, "level": found, "mixed": mixed}
    return Loss(
        value=value,
        parts={name: part.detach() for name, part in parts.items()},
        pictures={
            "noisy": noisy,
            "clean": clean.detach(),
            "growing": growing.detach(),
            "even": even.detach(),
        },
    )


def predict(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Config,
    *,
    generator: torch.Generator,
) -> Tensor:
    """The clean part of the picture with its mirrored border; nothing is drawn."""
    height, width = noisy.shape[-2:]
    edge = config.border
    with torch.no_grad():
        clean: Tensor = network(bordered(noisy, edge))
    return clean[..., edge : edge + height, edge : edge + width]


LEARNING = Learning(sees="noisy", build=build, objective=objective, predict=predict, halo=32, stride=1)

PAPER = Paper(
    citation="Neshatavar, Yavartanoo, Son, Lee, CVPR 2022, and their code",
    states=stated(
        network=("cyclic", "code"),
        batch=(64, "code"),
        patch=(40, "code"),
        learning_rate=(1e-4, "code"),
        weight_decay=(1e-9, "code"),
        gamma=(1.0, "code"),
        mixed=(0.1, "code"),
        border=(20, "code"),
    ),
    open=stated(
        steps=(
            20_000,
            "neither paper nor code says when to end; 1,280 pictures at 64 a step are 20 steps a round",
        ),
        decay=("constant", "the code lowers the rate by 1 per cent every 10 rounds"),
        **ADAM,
    ),
    ours=extras_off("weight_decay"),
    elsewhere=("The code takes Adam with the largest mean of squares so far (amsgrad).",),
)

CVF_SID = Method(
    **described("cvf-sid"),
    config=Config,
    steps=steps_of("cvf-sid", LEARNING, Config),
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures=why_fast("network", "steps", "batch", "learning_rate", "decay")
    | {
        "border": "enough for the smaller network",
    },
    tiling=Tiling(kind="exact", halo=32, stride=1),
    uses_noise=False,
    needs_model=True,
    learning=LEARNING,
)
