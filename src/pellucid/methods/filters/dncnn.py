"""DnCNN with weights of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from pellucid.methods.filters import weights
from pellucid.methods.table import described
from pellucid.networks.classics import DnCNN
from pellucid.steps import Method, Step, Task, Tiling


@dataclass(frozen=True, kw_only=True)
class Config:
    """Configuration of DnCNN; its level lies in the weights, so there is nothing to set."""


def steps(task: Task, config: Config, *, seed: int, device: torch.device) -> Iterator[Step]:
    """Take off the noise that the network predicts.

    Source: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian denoiser", IEEE TIP 2017.
    """
    noisy = task.shots.mean(0)
    network = weights.network_of(task.model, DnCNN).to(device)
    with torch.inference_mode():
        output = network(weights.planes(noisy, network.channels).to(device))
    estimate = output.reshape(noisy.shape).to(noisy.device).clone()
    yield Step.once(estimate)


DNCNN = Method(
    **described("dncnn"),
    config=Config,
    steps=steps,
    presets={"paper": Config(), "fast": Config()},
    tiling=Tiling(kind="exact", halo=20),  # one pixel for each of at most 20 convolutions
    uses_noise=False,
    needs_model=True,
)
