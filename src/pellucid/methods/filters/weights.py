"""What DnCNN and FFDNet share: the network that a file must hold, and the planes it is given."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor

from pellucid.networks.classics import DnCNN, FFDNet
from pellucid.networks.published import load

Network = TypeVar("Network", DnCNN, FFDNet)


def network_of(path: str | None, kind: type[Network]) -> Network:
    """The network of the given kind in a file.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when no file is given, or it holds something else.

    >>> network_of(None, DnCNN)
    Traceback (most recent call last):
    ...
    ValueError: dncnn needs a file of weights, got none. Pass --model FILE (model=... in Python).
    """
    name = kind.__name__.lower()
    if path is None:
        raise ValueError(
            f"{name} needs a file of weights, got none. Pass --model FILE (model=... in Python)."
        )
    network = load(path)
    if not isinstance(network, kind):
        other = type(network).__name__
        raise ValueError(
            f"method {name} needs {kind.__name__} weights, got {other} in {path!r}. "
            f"Use --method {other.lower()}."
        )
    return network


def planes(image: Tensor, channels: int) -> Tensor:
    """(C, H, W) as a batch for a network of `channels`: a gray network takes every channel by itself.

    Raises:
        ValueError: when a colour network is given an image that does not have its channels.

    >>> import torch
    >>> planes(torch.zeros(3, 4, 4), 1).shape, planes(torch.zeros(3, 4, 4), 3).shape
    (torch.Size([3, 1, 4, 4]), torch.Size([1, 3, 4, 4]))
    """
    if channels == 1:
        return image[:, None]
    if image.shape[0] != channels:
        raise ValueError(
            f"these weights are for {channels} channels, the image has {image.shape[0]}. "
            "Use gray weights, which take every channel by itself."
        )
    return image[None]
