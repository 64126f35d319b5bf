"""What the tests of trained methods share: a smooth scene, and a training of a moment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from pellucid import methods, seeds
from pellucid.learning import Batch, TrainingProgress
from pellucid.steps import Method

SIGMA = 0.1
METHODS = (
    "n2n",
    "supervised",
    "iddp",
    "n2v",
    "n2v2",
    "n2s",
    "nb2nb",
    "r2r",
    "nr2n",
    "b2u",
    "cvf-sid",
    "ap-bsn",
)


def scene(channels: int, height: int, width: int) -> Tensor:
    """(1, C, H, W): waves and a bright disk."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    phase = torch.arange(channels).view(-1, 1, 1)
    disk = ((x - 0.4) ** 2 + (y - 0.6) ** 2 < 0.07).float()
    return (0.35 + 0.2 * torch.sin(5 * x + 7 * y + phase) + 0.25 * disk)[None]


def noisy_of(clean: Tensor, seed: int) -> Tensor:
    return clean + SIGMA * torch.randn(clean.shape, generator=seeds.generator(seed, "noise"))


def batch_of(channels: int, count: int, height: int, width: int, seed: int) -> Batch:
    """Crops of the scene with noise of their own, all that any method may ask for."""
    whole = scene(channels, 96, 96)
    corners = torch.randint(0, 96 - max(height, width) + 1, (count, 2), generator=seeds.generator(seed, "at"))
    crops = [whole[..., top : top + height, left : left + width] for top, left in corners.tolist()]
    clean = torch.cat(crops)
    sigma = torch.full((count, 1, 1, 1), SIGMA)
    return Batch(noisy=noisy_of(clean, seed), other=noisy_of(clean, seed + 10_000), clean=clean, sigma=sigma)


def built(method: Method, config: Any, channels: int) -> nn.Module:
    assert method.learning is not None
    with seeds.fixed(0, "weights"):
        return method.learning.build(config, channels)


def trained(
    method: Method, config: Any, channels: int, *, each: Callable[[int, Any], None] | None = None
) -> nn.Module:
    """A training as short as the configuration says; nothing of Lightning."""
    assert method.learning is not None
    network = built(method, config, channels).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    for step in range(config.steps):
        loss = method.learning.objective(
            network,
            batch_of(channels, config.batch, config.patch, config.patch, step),
            config,
            progress=TrainingProgress(step=step, steps=config.steps),
            generator=seeds.generator(0, "draws", step),
        )
        optimizer.zero_grad()
        loss.value.backward()
        optimizer.step()
        if each is not None:
            each(step, loss)
    return network.eval()


def short(name: str, **changes: Any) -> tuple[Method, Any]:
    """A method with a configuration for seconds."""
    method = methods.load(name)
    known = {field.name for field in dataclasses.fields(method.config)}
    values = {"batch": 4, "patch": 32, "steps": 100, "border": 4} | changes
    config = dataclasses.replace(method.presets["fast"], **{k: v for k, v in values.items() if k in known})
    return method, config
