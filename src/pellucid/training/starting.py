"""Where a training starts: the network with its first weights, and how many steps are planned."""

from __future__ import annotations

import math

import torch

from pellucid import models, seeds
from pellucid.data import Data
from pellucid.engine import placed
from pellucid.training.plan import Plan
from pellucid.training.request import TrainSettings
from pellucid.training.state import State


def network_of(request: TrainSettings, images: Data, last: State | None) -> torch.nn.Module:
    """The network with the weights to start from; sets the standardisation of the data."""
    with seeds.fixed(request.asked.seed, "weights"):
        network = request.learning.build(request.config, images.channels)
    if last is not None:
        network.load_state_dict(dict(last.network))
        images.mean = torch.tensor(last.mean).view(-1, 1, 1)
        images.std = torch.tensor(last.std).view(-1, 1, 1)
    elif request.start is not None:
        card, weights = models.read(request.start)
        if card.channels != images.channels:
            raise ValueError(
                f"model {request.start.name!r} is for {card.channels} channels, the images have "
                f"{images.channels}."
            )
        models.fill(network, weights, request.start.name)
        images.mean, images.std = models.factors(card)
    elif request.config.standardise:
        images.standardise()
    return placed(network, torch.device("cpu"))


def plan_of(request: TrainSettings, images: Data, last: State | None) -> Plan:
    """How many steps are planned, anew or as a checkpoint says."""
    asked = _steps(request, images)
    most = None if request.only_time else asked
    if last is None:
        return Plan(asked, most=most, seconds=request.asked.seconds)
    return Plan(
        last.steps,
        most=most,
        seconds=request.asked.seconds,
        step=last.step,
        spent=last.seconds,
        marks=last.marks,
    )


def _steps(request: TrainSettings, images: Data) -> int:
    """The steps that the configuration or the epochs ask for."""
    if request.asked.epochs is None:
        return int(request.config.steps)
    seen = request.options.batch * request.options.patch**2 * request.asked.processes * request.asked.nodes
    return max(1, math.ceil(request.asked.epochs * images.pixels() / seen))
