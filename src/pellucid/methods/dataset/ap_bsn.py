"""AP-BSN: a blind-spot network on pixels far enough apart that they do not share their noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from pellucid import checks, networks
from pellucid.learning import Batch, Learning, Loss, Progress, Recipe
from pellucid.methods.dataset.plain import bordered
from pellucid.models import steps_of
from pellucid.networks.dbsn import DBSN
from pellucid.networks.padding import mirrored
from pellucid.noise.report import NoiseReport
from pellucid.steps import Method, Tiling

EDGE = 2
"""mirrored pixels around what the refinement sees"""


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """Configuration of AP-BSN; the defaults are the authors'."""

    network: str = "dbsn"
    """blind-spot network, by its name in `pellucid.networks`: dbsn or small-dbsn"""
    # Rounds of the authors: 20 over crops of SIDD-Medium, the rate a tenth from the 8th on.
    steps: int = 200_000
    """steps of the optimiser"""
    batch: int = 8
    """crops per step"""
    patch: int = 120
    """side of the crops, pixels; what is beyond a multiple of stride is left out"""
    learning_rate: float = 1e-4
    """of Adam"""
    stride: int = 5
    """in training, one picture from every so many pixels; more than the noise reaches"""
    test_stride: int = 2
    """the same in the result, where a smaller one keeps more detail"""
    rounds: int = 8
    """refinements that the result is the mean of; 0 for none"""
    replaced: float = 0.16
    """share of the values that each refinement takes from the noisy picture"""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.in_range("stride", self.stride, 1, 16)
        checks.in_range("test_stride", self.test_stride, 1, 16)
        checks.in_range("rounds", self.rounds, 0)
        checks.in_range("replaced", self.replaced, 0, 1)
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


def apart(image: Tensor, stride: int) -> Tensor:
    """PD: the stride² pictures of every stride-th pixel, as pictures of the batch.

    Args:
        image: (B, C, H, W), H and W multiples of stride.
        stride: s.

    Returns:
        (B s², C, H / s, W / s).

    >>> apart(torch.arange(4.0).view(1, 1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    count, channels, height, width = image.shape
    low, thin = height // stride, width // stride
    phases = pixel_unshuffle(image, stride).view(count, channels, stride**2, low, thin)
    return phases.transpose(1, 2).reshape(count * stride**2, channels, low, thin)


def together(pictures: Tensor, stride: int) -> Tensor:
    """The picture that `apart` took apart.

    >>> picture = torch.rand(2, 3, 6, 9)
    >>> torch.equal(together(apart(picture, 3), 3), picture)
    True
    """
    phases = pictures.view(-1, stride**2, *pictures.shape[1:]).transpose(1, 2)
    return pixel_shuffle(phases.flatten(1, 2), stride)


def objective(
    network: nn.Module, batch: Batch, config: Config, *, progress: Progress, generator: torch.Generator
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
    output = together(network(apart(noisy, config.stride)), config.stride)
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
        first = together(network(apart(whole, config.test_stride)), config.test_stride)[inner]
        if config.rounds == 0:
            return first
        total = torch.zeros_like(first)
        for _ in range(config.rounds):
            draws = torch.rand(noisy.shape, generator=generator, device=generator.device)
            mixed = torch.where(draws < config.replaced, noisy, first)
            total += network(bordered(mixed, EDGE))[..., EDGE : EDGE + height, EDGE : EDGE + width]
        return total / config.rounds


LEARNING = Learning(sees="noisy", build=build, objective=objective, predict=predict, halo=96, stride=2)

AP_BSN = Method(
    name="ap-bsn",
    title="AP-BSN: learns from photographs whose pixels share their noise (`pellucid train ap-bsn`)",
    citation="Lee, Son, Lee, CVPR 2022",
    needs="a folder",
    family="data set",
    config=Config,
    steps=steps_of("ap-bsn", LEARNING, Config),
    presets={
        "paper": Config(),
        "fast": Config(
            network="small-dbsn", steps=3000, batch=4, patch=80, learning_rate=1e-3, decay="cosine", rounds=4
        ),
    },
    stochastic=True,
    tiling=Tiling(kind="approximate", halo=96, stride=2),
    cost="6 s to 300 s, by network and rounds",
    uses_noise=False,
    needs_model=True,
    learning=LEARNING,
)
