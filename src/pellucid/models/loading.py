"""From a model file to a network that can be applied; whatever it names must be in our tables."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pellucid import fields, seeds
from pellucid.engine import placed
from pellucid.learning import Learning, depth_of
from pellucid.models import exported
from pellucid.models.card import Card
from pellucid.models.file import read, read_card


@dataclass(frozen=True, kw_only=True)
class Model:
    """A network with its weights, its card and the configuration it was trained with."""

    card: Card
    network: nn.Module
    config: Any


def config_of(card: Card, kind: type, name: str) -> Any:
    """The configuration in a card, every field checked.

    Args:
        card: of a model file.
        kind: the Config class of its method.
        name: of the file, for messages.

    Raises:
        ValueError: when the card names fields or values that the method does not take.
    """
    try:
        return fields.change(kind(), fields.kept(kind, card.config))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"model {name!r} has a configuration that {card.method} does not take: {error}"
        ) from error


def load(path: str | os.PathLike[str], method: str, learning: Learning, kind: type) -> Model:
    """The model in a file, in evaluation mode, on the CPU.

    Args:
        path: the file.
        method: name of the method that is to apply it.
        learning: how that method builds its network.
        kind: its Config class.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, of another method, or its weights do not fit the network.
    """
    name, weights = Path(path).name, dict[str, Tensor]()
    if exported.is_exported(path):
        card = read_card(path)
    else:
        card, weights = read(path)
    if card.method != method:
        raise ValueError(
            f"model {name!r} was trained by {card.method}, not by {method}. Use --method {card.method}, "
            "or leave --method out."
        )
    config = config_of(card, kind, name)
    if depth_of(config) != card.depth:
        raise ValueError(
            f"model {name!r} has a card that contradicts itself: it sees {card.depth} slices at once, or "
            f"{depth_of(config)}. The file is damaged or of another version of pellucid."
        )
    if exported.is_exported(path):
        return Model(card=card, network=exported.network(path), config=config)
    # First without values: a card may describe a network of any size, the file bounds what is true.
    with torch.device("meta"), _NoLarger(sum(tensor.numel() for tensor in weights.values())):
        network = built(learning, config, card.channels, name)
        _check_shapes(network, weights, name)
    if _all_in(network, weights):
        network.to_empty(device="cpu")
    else:  # what its constructor computes is no weight, so it must run once more, with values
        network = built(learning, config, card.channels, name)
    fill(network, weights, name)
    network.eval().requires_grad_(False)
    return Model(card=card, network=network, config=config)


_KEPT: OrderedDict[tuple[object, ...], Model] = OrderedDict()
MOST = 4
"""models that stay loaded"""


def shared(
    path: str | os.PathLike[str], method: str, learning: Learning, kind: type, device: torch.device
) -> Model:
    """The model in a file on a device, loaded once per process: others use it too, so its weights must stay.

    Args and errors are those of `load`. A file that has changed is loaded again.
    """
    found = os.stat(path)
    key = (os.path.abspath(path), found.st_size, found.st_mtime_ns, method, kind, str(device))
    model = _KEPT.pop(key, None)
    if model is None:
        model = load(path, method, learning, kind)
        placed(model.network, device)
    _KEPT[key] = model  # now the last to go
    while len(_KEPT) > MOST:
        with suppress(KeyError):  # another thread was faster
            _KEPT.popitem(last=False)
    return model


def built(learning: Learning, config: Any, channels: int, name: str) -> nn.Module:
    """The network that a configuration describes; an error names the model."""
    try:
        with seeds.fixed(0, "weights"):  # what the constructor draws is replaced
            return learning.build(config, channels)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise ValueError(f"model {name!r} describes a network that cannot be built: {error}") from error


def fill(network: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    """Copy the weights into the network.

    Raises:
        ValueError: when names or shapes differ.
    """
    _check_shapes(network, weights, name)
    network.load_state_dict(weights)


def _check_shapes(network: nn.Module, weights: Mapping[str, Tensor], name: str) -> None:
    wanted = network.state_dict()
    different = sorted(set(wanted) ^ set(weights)) or [
        key for key in wanted if wanted[key].shape != weights[key].shape
    ]
    if different:
        raise ValueError(
            f"model {name!r} does not fit its network ({type(network).__name__}): {len(different)} weights "
            f"are missing, unknown or of another shape, the first is {different[0]!r}. The file is damaged "
            "or of another version of pellucid."
        )


def _all_in(network: nn.Module, weights: Mapping[str, Tensor]) -> bool:
    """Whether weights are all the tensors that a network holds: no buffer that is not kept, no attribute."""
    for module in network.modules():
        inside = [value for name, value in vars(module).items() if name not in ("_parameters", "_buffers")]
        if any(isinstance(leaf, Tensor) for leaf in tree_leaves(inside)):
            return False
    held = [*network.named_parameters(), *network.named_buffers()]
    return all(name in weights for name, _ in held)


class _NoLarger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Stops a constructor in this thread that asks for far more values than a file holds."""

    def __init__(self, values: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.left = 4 * values + 2**20  # buffers, and what a constructor computes on its way

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """As in `seeds.fixed`: the compiler is not loaded for it."""
        return False

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count the values of what is made from nothing; every tensor costs a little, however small."""
        made = function(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and not any(isinstance(value, Tensor) for value in args):
            self.left -= made.numel() + 64
        if self.left < 0:
            raise ValueError("it would have many more weights than are in the file")
        return made
