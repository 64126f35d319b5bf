"""The method for a weight file of others, by what the file holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pellucid import methods
from pellucid.extras import MissingExtra
from pellucid.models import zoo
from pellucid.networks import published
from pellucid.steps import Method


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a weight file of others holds.

    Attributes:
        method: which applies it, set up for this network.
        channels: of the pictures that the network takes.
        takes_any: whether it takes every other number of channels as well.
        network: held so that it is read once for all who ask.
    """

    method: Method
    channels: int
    takes_any: bool
    network: object


def of_file(path: str | Path) -> Found:
    """Read a weight file of others.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it holds no network that is known.
        MissingExtra: when it may hold one that only spandrel knows, and that is not installed.
    """
    try:
        chain = published.load(path)
    except ValueError as first:
        try:
            network = zoo.load(path)
        except (ValueError, MissingExtra) as second:
            # DnCNN and FFDNet are all that comes as MATLAB or NumPy: there the first reader knows better
            raise (first if str(path).endswith((".mat", ".npz")) else second) from first
        known = network.known
        method = replace(methods.load("zoo"), tiling=known.tiling, uses_noise=known.levels)
        return Found(method=method, channels=known.channels, takes_any=True, network=network)
    method = methods.load(type(chain).__name__.lower())
    return Found(method=method, channels=chain.channels, takes_any=chain.channels == 1, network=chain)
