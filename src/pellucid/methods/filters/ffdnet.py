"""FFDNet with weights of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from pellucid import fields
from pellucid.methods.filters import weights
from pellucid.methods.table import described
from pellucid.networks.classics import FFDNet
from pellucid.noise.sigma_map import sigma_map
from pellucid.steps import Method, Step, Task, Tiling


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of FFDNet."""

    strength: float = fields.option(1.0, low=0, low_open=True)
    """factor on the level that the network is told; more than 1 for noise that neighbouring pixels share"""

    def __post_init__(self) -> None:
        fields.check(self)


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Denoise with a map of the noise level, which follows the brightness where the noise does.

    Source: Zhang, Zuo, Zhang, "FFDNet: toward a fast and flexible solution", IEEE TIP 2018.
    """
    noisy = task.shots.mean(0)
    network = weights.network_of(task.model, FFDNet).to(device)
    # the report is about one shot; the mean of several has less noise
    sigma = sigma_map(noisy[None], task.noise)[0].expand_as(noisy)
    sigma = sigma * config.strength / len(task.shots) ** 0.5
    planes, levels = (weights.planes(x, network.channels).to(device) for x in (noisy, sigma))
    if network.map_channels == 1:
        levels = levels.square().mean(1, keepdim=True).sqrt()
    with torch.inference_mode():
        output = network(planes, levels)
    estimate = output.reshape(noisy.shape).to(noisy.device).clone()
    yield Step.once(estimate)


FFDNET = Method(
    **described("ffdnet"),
    config=Config,
    steps=steps,
    presets={"paper": Config(), "fast": Config()},
    tiling=Tiling(kind="exact", halo=36, stride=2),  # 15 convolutions of 2 pixels each, the phases, the mean
    needs_model=True,
)
