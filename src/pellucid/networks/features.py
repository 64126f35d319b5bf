"""Feature extractors by name: what compares two pictures by more than their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from pellucid import checks, seeds
from pellucid.networks import weight_files
from pellucid.networks.download import fetch


class RandomFeatures(nn.Module):
    """Three layers of fixed random 3x3 filters with ReLU, the last at half the size.

    Random filters keep distances: what differs in edges or texture differs in its features, in every
    direction alike. They are drawn once for all (seed 0), so that the loss is the same in every run, and
    never trained. As a trained network's, a feature looks at a neighbourhood (10 x 10 pixels).

    Args:
        inputs: channels of the pictures.

    >>> RandomFeatures(3)(torch.zeros(1, 3, 16, 20)).shape
    torch.Size([1, 32, 8, 10])
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        with seeds.fixed(0, "features"):
            self.layers = nn.Sequential(
                nn.Conv2d(inputs, 16, 3, padding=1, padding_mode="replicate"),
                nn.ReLU(),
                nn.Conv2d(16, 16, 3, padding=1, padding_mode="replicate"),
                nn.ReLU(),
                nn.AvgPool2d(2, ceil_mode=True),
                nn.Conv2d(16, 32, 3, padding=1, padding_mode="replicate"),
                nn.ReLU(),
            )
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight)
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        """Features (B, 32, H / 2, W / 2) of (B, inputs, H, W) in [0, 1]."""
        return cast(Tensor, self.layers(image - 0.5))


class Gradients(nn.Module):
    """The picture and its differences to the right and downward.

    >>> Gradients()(torch.zeros(1, 2, 5, 6)).shape
    torch.Size([1, 6, 5, 6])
    """

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3 C, H, W) from (B, C, H, W); the differences at the last column and row are 0."""
        across = pad(image[..., :, 1:] - image[..., :, :-1], (0, 1))
        down = pad(image[..., 1:, :] - image[..., :-1, :], (0, 0, 0, 1))
        return torch.cat([image, across, down], dim=1)


LAYERS = ("relu1_2", "relu2_2", "relu3_3")
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet in [0, 1], RGB, as torchvision
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # of ImageNet in 0..255, BGR, as Keras's "caffe" preprocessing
_CAFFE_STD = 255 * sum(_STD) / 3  # brings its features near the size of the others
_PLACES = {"1_1": 0, "1_2": 2, "2_1": 5, "2_2": 7, "3_1": 10, "3_2": 12, "3_3": 14}
Weights = Mapping[str, tuple[Tensor, Tensor]]


class Vgg(nn.Module):
    """VGG from the input up to one of relu1_2, relu2_2, relu3_3; frozen.

    A picture of another number of channels than three is seen as so many gray pictures.

    Args:
        weights: "1_1", "1_2" … to (out, in, 3, 3) and (out,).
        layer: the last layer.
        caffe: whether the weights expect BGR in 0..255 less the mean, instead of torchvision's scaling.

    Raises:
        ValueError: for an unknown layer.

    Source: Simonyan, Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", 2015.
    """

    def __init__(self, weights: Weights, *, layer: str = "relu2_2", caffe: bool = False) -> None:
        super().__init__()
        checks.one_of("layer", layer, LAYERS)
        self.caffe = caffe
        parts: list[nn.Module] = []
        with seeds.fixed(0, "vgg"):  # what the constructors draw is replaced
            for name in (n for n in _PLACES if n <= layer.removeprefix("relu")):
                if name.endswith("_1") and parts:
                    parts.append(nn.MaxPool2d(2, ceil_mode=True))
                weight, bias = weights[name]
                convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
                convolution.weight, convolution.bias = nn.Parameter(weight), nn.Parameter(bias)
                parts += [convolution, nn.ReLU()]
        self.layers = nn.Sequential(*parts)
        mean, std = (_CAFFE_MEAN, (1.0,) * 3) if caffe else (_MEAN, _STD)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        """Features (B, D, h, w) of an image (B, C, H, W) in [0, 1]; with C other than 3, (B C, D, h, w)."""
        if image.shape[1] != 3:
            image = image.flatten(0, 1)[:, None].expand(-1, 3, -1, -1)
        mean, std = cast(Tensor, self.mean), cast(Tensor, self.std)
        if self.caffe:
            return cast(Tensor, self.layers(255 * image.flip(1) - mean) / _CAFFE_STD)
        return cast(Tensor, self.layers((image - mean) / std))


def load(path: str | Path, *, layer: str = "relu2_2") -> Vgg:
    """VGG from a file: torchvision's VGG-16 state dict, or the convolutions of Keras's VGG-19 as .npz.

    Args:
        path: a .pth with features.0.weight …, or an .npz with block1_conv1/kernel (h, w, in, out) ….
        layer: the last layer to use.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is another, or a damaged one.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"features must be a kind or a file of VGG weights, there is none at {path}.")
    try:
        with weight_files.opened(path) as (file, kind):
            caffe = kind == "arrays"
            held = weight_files.arrays(file) if caffe else weight_files.tensors(file, path)
            weights = _from_keras(held) if caffe else _from_torchvision(held)
        return Vgg(weights, layer=layer, caffe=caffe)
    except weight_files.UNREADABLE as error:
        words = str(error).splitlines()[0][:120] if str(error) else "no reason given"
        raise ValueError(
            f"features {path.name!r} must hold VGG-16 as torchvision saves it, or VGG-19 of Keras as .npz; "
            f"it cannot be read as either ({type(error).__name__}: {words})."
        ) from error


def _from_torchvision(held: weight_files.Weights) -> Weights:
    """Names are features.0.weight …, kernels (out, in, h, w)."""
    stems = {name: f"features.{place}" for name, place in _PLACES.items()}
    found = held.take(f"{stem}.{kind}" for stem in stems.values() for kind in ("weight", "bias"))
    return {
        name: (found[f"{stem}.weight"].float(), found[f"{stem}.bias"].float()) for name, stem in stems.items()
    }


def _from_keras(held: weight_files.Weights) -> Weights:
    """Names are block1_conv1/kernel …, kernels (h, w, in, out)."""
    stems = {name: "block{}_conv{}".format(*name.split("_")) for name in _PLACES}
    found = held.take(f"{stem}/{kind}" for stem in stems.values() for kind in ("kernel", "bias"))
    return {
        name: (found[f"{stem}/kernel"].permute(3, 2, 0, 1).contiguous(), found[f"{stem}/bias"])
        for name, stem in stems.items()
    }


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
