"""AP-BSN: a blind-spot network on pixels far enough apart that they do not share their noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

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
from pellucid.networks.dbsn import DBSN
from pellucid.networks.padding import mirrored
from pellucid.noise.report import NoiseReport
from pellucid.paper import Paper, stated
from pellucid.steps import Method, Tiling

EDGE = 2
"""mirrored pixels around what the refinement sees"""


@dataclass(frozen=True, kw_only=True)
class Config(TrainingConfig):
    """Configuration of AP-BSN; the defaults are those of preset fast."""

    network: str = "small-dbsn"
    """blind-spot network, by its name in `pellucid.networks`: dbsn or small-dbsn"""
    steps: int = 3000
    """steps of the optimiser"""
    batch: int = 4
    """crops per step"""
    patch: int = 80
    """side of the crops, pixels; what is beyond a multiple of stride is left out"""
    stride: int = fields.option(5, low=1, high=16)
    """in training, one picture from every so many pixels; more than the noise reaches"""
    test_stride: int = fields.option(2, low=1, high=16)
    """the same in the result, where a smaller one keeps more detail"""
    rounds: int = fields.option(4, low=0)
    """refinements that the result is the mean of; 0 for none"""
    replaced: float = fields.option(0.16, low=0, high=1)
    """share of the values that each refinement takes from the noisy picture"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patch < self.stride:
            raise ValueError(
                f"patch must be at least stride, {self.stride}, got {self.patch}. Use larger crops."
            )


def build(config: Config, channels: int) -> nn.Module:
    """The network, which must not see the pixel that it predicts."""
    network = networks.builder(config.network)(channels, channels)
    if not isinstance(network, DBSN):
        raise ValueError(f"network must be dbsn or small-dbsn for ap-bsn, got {config.network!r}.")
    return network


def pixel_shuffle_down(image: Tensor, stride: int) -> Tensor:
    """PD: the stride² pictures of every stride-th pixel, as pictures of the batch.

    Args:
        image: (B, C, H, W), H and W multiples of stride.
        stride: s.

    Returns:
        (B s², C, H / s, W / s).

    >>> pixel_shuffle_down(torch.arange(4.0).view(1, 1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    count, channels, height, width = image.shape
    low, thin = height // stride, width // stride
    phases = pixel_unshuffle(image, stride).view(count, channels, stride**2, low, thin)
    return phases.transpose(1, 2).reshape(count * stride**2, channels, low, thin)


def pixel_shuffle_up(pictures: Tensor, stride: int) -> Tensor:
    """The picture that `pixel_shuffle_down` took apart.

    >>> picture = torch.rand(2, 3, 6, 9)
    >>> torch.equal(pixel_shuffle_up(pixel_shuffle_down(picture, 3), 3), picture)
    True
    """
    phases = pictures.view(-1, stride**2, *pictures.shape[1:]).transpose(1, 2)
    return pixel_shuffle(phases.flatten(1, 2), stride)


def objective(
    network: nn.Module,
    batch: Batch,
    config: Config,
    *,
    progress: TrainingProgress,
    generator: torch.Generator,
) -> Loss:
    """Mean of |PD⁻¹ f(PD y) - y|: every pixel is predicted from those a multiple of the stride away.

    Args:
        network: f, a blind-spot network.
        batch: noisy y.
        config: the configuration.
        progress: not looked at.
        generator: nothing is drawn.

    Source: Lee, Son, Lee, "AP-BSN: Self-Supervised Denoising for Real-World Images via Asymmetric PD and
    Blind-Spot Network", CVPR 2022.
    """
    height, width = (side - side % config.stride for side in batch.noisy.shape[-2:])
    noisy = batch.noisy[..., :height, :width]
    output = pixel_shuffle_up(network(pixel_shuffle_down(noisy, config.stride)), config.stride)
    value = (output - noisy).abs().mean()
    pictures = {"noisy": noisy, "output": output.detach()}
    return Loss(value=value, parts={"l1": value.detach()}, pictures=pictures)


def predict(
    network: nn.Module,
    noisy: Tensor,
    noise: NoiseReport | None,
    config: Config,
    *,
    generator: torch.Generator,
) -> Tensor:
    """PD⁻¹ f(PD y) at the small stride, then refined: R³, random replacing refinement.

    In each round a share of the values is the noisy picture's again, and the network predicts all from all
    others at full size; the result is the mean of the rounds. Sides that are no multiples of the stride are
    mirrored and cropped, in both paths.

    Args:
        network: f.
        noisy: y (B, C, H, W).
        noise: not looked at.
        config: the configuration.
        generator: draws which values are replaced.
    """
    height, width = noisy.shape[-2:]
    rows, columns = (
        mirrored(side, side + -side % config.test_stride).to(noisy.device) for side in (height, width)
    )
    whole = noisy.index_select(-2, rows).index_select(-1, columns)
    # `mirrored` puts the first half of what it adds before the picture.
    top, left = ((-side % config.test_stride) // 2 for side in (height, width))
    inner = (..., slice(top, top + height), slice(left, left + width))
    with torch.no_grad():
        first = pixel_shuffle_up(network(pixel_shuffle_down(whole, config.test_stride)), config.test_stride)[
            inner
        ]
        if config.rounds == 0:
            return first
        total = torch.zeros_like(first)
        for _ in range(config.rounds):
            draws = torch.rand(noisy.shape, generator=generator, device=generator.device)
            mixed = torch.where(draws < config.replaced, noisy, first)
            total += network(bordered(mixed, EDGE))[..., EDGE : EDGE + height, EDGE : EDGE + width]
        return total / config.rounds


LEARNING = Learning(sees="noisy", build=build, objective=objective, predict=predict, halo=96, stride=2)

PAPER = Paper(
    citation="Lee, Son, Lee, CVPR 2022, and their code",
    states=stated(
        network=("dbsn", "code"),
        steps=(200_000, "code: 20 rounds over crops of SIDD-Medium"),
        batch=(8, "code"),
        patch=(120, "code"),
        learning_rate=(1e-4, "code"),
        stride=(5, "text and code"),
        test_stride=(2, "text and code"),
        rounds=(8, "text and code"),
        replaced=(0.16, "text and code"),
    ),
    open=stated(decay=("constant", "the code takes a tenth of the rate from the 8th round on"), **ADAM),
    ours=extras_off(),
)

AP_BSN = Method(
    **described("ap-bsn"),
    config=Config,
    steps=steps_of("ap-bsn", LEARNING, Config),
    presets={"paper": PAPER.preset(Config), "fast": Config()},
    paper=PAPER,
    departures=why_fast()
    | {
        "rounds": "half the time of the result",
    },
    stochastic=True,
    tiling=Tiling(kind="approximate", halo=96, stride=2),
    uses_noise=False,
    needs_model=True,
    learning=LEARNING,
)
