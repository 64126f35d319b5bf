"""Feature extractors by name: what compares two pictures by more than their pixels."""

from __future__ import annotations

from torch import nn

from pellucid.networks.download import fetch
from pellucid.networks.random_features import Gradients, RandomFeatures
from pellucid.networks.vgg import LAYERS, load

__all__ = ["KINDS", "LAYERS", "build", "check"]

KINDS = ("random", "gradient", "vgg16")
VGG16_URL = "https://download.pytorch.org/models/vgg16-397923af.pth"
"""torchvision's VGG-16 (ImageNet), 553,433,881 bytes"""
VGG16_SHA256 = "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"


def check(kind: str) -> str:
    """The kind, when it is a known one or looks like a path; whether the file is there shows when it is read.

    Raises:
        ValueError: for anything else.

    >>> check("random"), check("weights/vgg19.npz")
    ('random', 'weights/vgg19.npz')
    >>> check("vgg")
    Traceback (most recent call last):
    ...
    ValueError: features must be random, gradient, vgg16 or the path of a file (.pth or .npz), got 'vgg'.
    """
    if kind in KINDS or kind.lower().endswith((".pth", ".pt", ".npz")):
        return kind
    raise ValueError(
        f"features must be {', '.join(KINDS[:-1])}, {KINDS[-1]} or the path of a file (.pth or .npz), "
        f"got {kind!r}."
    )


def build(kind: str, channels: int, *, layer: str = "relu2_2") -> nn.Module:
    """The frozen feature extractor called `kind`.

    Args:
        kind: random (fixed filters), gradient (the picture and its differences), vgg16 (fetched once and
            kept, see `download.cache`) or the path of a file with VGG weights.
        channels: of the pictures.
        layer: of a VGG network.

    >>> build("gradient", 3).__class__.__name__
    'Gradients'
    """
    check(kind)
    if kind == "random":
        return RandomFeatures(channels)
    if kind == "gradient":
        return Gradients()
    return load(fetch(VGG16_URL, sha256=VGG16_SHA256) if kind == "vgg16" else kind, layer=layer)
