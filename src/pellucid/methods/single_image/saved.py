"""Saved fits: the weights of a network, taken out and put back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


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
        raise ValueError(
            f"initial must be the saved fit of {of}; what came is another: {error}. Use the configuration it "
            "was saved with, or start anew."
        ) from error
    return {name: value for name, value in saved.items() if not name.startswith(prefix)}
