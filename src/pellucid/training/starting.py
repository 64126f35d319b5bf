"""Where a training starts: the network with its first weights, and how many steps are planned."""

from __future__ import annotations

import math

import torch

from pellucid import models, seeds
from pellucid.data import Data
from pellucid.engine import placed
from pellucid.training import state
from pellucid.training.request import Request


def network_of(request: Request, images: Data, last: state.State | None) -> torch.nn.Module:
    """The network with the weights to start from; sets the standardisation of the data."""
    with seeds.fixed(request.seed, "weights"):
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


def steps_of(request: Request, images: Data) -> int:
    """How many steps are planned."""
    if request.epochs is None:
        return int(request.config.steps)
    seen = request.options.batch * request.options.patch**2 * request.processes * request.nodes
    return max(1, math.ceil(request.epochs * images.pixels() / seen))
