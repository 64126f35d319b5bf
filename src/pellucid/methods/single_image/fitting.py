"""What fits to one image share: a term of the loss, the memory of the running average, saved fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from pellucid.losses import mean_square


def alike(features: nn.Module, target: Tensor) -> Callable[[Tensor], Tensor]:
    """MSE(phi(x), phi(target)) as a function of x, phi(target) being computed once.

    Args:
        features: phi, frozen, from (1, C, H, W).
        target: (C, H, W).

    Source: Johnson, Alahi, Fei-Fei, "Perceptual Losses for Real-Time Style Transfer", ECCV 2016, equation 2.

    >>> float(alike(nn.Identity(), torch.zeros(1, 2, 2))(torch.full((1, 2, 2), 0.5)))
    0.25
    """
    with torch.no_grad():
        wanted = features(target[None])
    return lambda output: mean_square(features(output[None]), wanted).mean()


def past(average: float, share: float, iteration: int) -> float:
    """The weight of the past in the running average at an iteration.

    Args:
        average: the weight, in [0, 1).
        share: the average looks back at most this share of the steps done, so that the poor first outputs of
            a short fit are soon forgotten; 0 for the plain weight.
        iteration: from 1.

    >>> past(0.99, 0, 1), past(0.99, 0.5, 2)
    (0.99, 0.5)
    """
    if share == 0:
        return average
    span = share * iteration
    return min(average, span / (1 + span))


def weights(network: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """A copy of the state of a network, its names behind a prefix.

    >>> sorted(weights(nn.Linear(1, 1), "network."))
    ['network.bias', 'network.weight']
    """
    return {prefix + name: value.detach().clone() for name, value in network.state_dict().items()}


def put_back(
    network: nn.Module, saved: Mapping[str, Tensor], *, of: str, prefix: str = ""
) -> dict[str, Tensor]:
    """Load what `weights` gave into a network; what else was saved beside is returned.

    Args:
        network: of the same kind.
        saved: by name.
        of: the method and what must be the same, for the message.
        prefix: of the names of the weights.

    Raises:
        ValueError: when the weights are those of another network.
    """
    own = {name.removeprefix(prefix): value for name, value in saved.items() if name.startswith(prefix)}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        words = " ".join(str(error).split())[:160]
        raise ValueError(
            f"initial must be the saved fit of {of}; what came is another: {words}. Use the configuration it "
            "was saved with, or start anew."
        ) from error
    return {name: value for name, value in saved.items() if not name.startswith(prefix)}
