"""DnCNN and FFDNet with the public weights of others; which one a file holds is told by its content."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from pellucid import seeds
from pellucid.networks.dncnn import DnCNN
from pellucid.networks.ffdnet import FFDNet
from pellucid.networks.weight_files import Convolution, read

Network = TypeVar("Network", DnCNN, FFDNet)

_COLUMNS = [0, 2, 1, 3]  # from MATLAB's order of the 2 x 2 phases, by columns, to PyTorch's, by rows


def load(path: str | Path) -> DnCNN | FFDNet:
    """The network in a weight file, in evaluation mode, on the CPU.

    Args:
        path: a .pth, .npz or MatConvNet .mat file, as the authors and others publish them.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or holds another network.
    """
    layers = read(path)
    convolutions = layers.convolutions
    first, last = convolutions[0].weight.shape[1], convolutions[-1].weight.shape[0]
    depth, width = len(convolutions), convolutions[0].weight.shape[0]
    channels, rest = divmod(last, 4)
    with seeds.fixed(0, "published"):  # the weights that the constructors draw are all replaced
        if first == last and first in (1, 3) and 15 <= depth <= 20:
            return _fill(DnCNN(first, depth=depth, width=width), convolutions, path)
        if rest == 0 and channels in (1, 3) and first - last in (1, channels) and 8 <= depth <= 15:
            return _ffdnet(convolutions, channels, first - last, layers.matlab, path)
    raise ValueError(
        f"model {Path(path).name!r} must hold DnCNN (1 or 3 channels in and out, 15 to 20 layers) or FFDNet "
        f"(5 in and 4 out, 13 or 15 in and 12 out, 8 to 15 layers), got {first} in, {last} out, "
        f"{depth} layers."
    )


def _fill(network: Network, convolutions: list[Convolution], path: str | Path) -> Network:
    """Copy the weights; for the constructors' equal widths."""
    slots = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    for slot, conv in zip(slots, convolutions, strict=True):
        if slot.weight.shape != conv.weight.shape:
            raise ValueError(
                f"model {Path(path).name!r} must have layers of one width, got a convolution of shape "
                f"{tuple(conv.weight.shape)} instead of {tuple(slot.weight.shape)}."
            )
        slot.weight, slot.bias = nn.Parameter(conv.weight), nn.Parameter(conv.bias)
    network.eval().requires_grad_(False)
    return network


def _ffdnet(
    convolutions: list[Convolution], channels: int, maps: int, matlab: bool, path: str | Path
) -> FFDNet:
    """Find the convention by trial: files of one shape differ in it, and a wrong one cannot denoise.

    The level map comes first (Tassano) or last (Zhang); the chain gives the noise or the image.
    """
    clean, noisy = _probe(channels)
    best: tuple[float, FFDNet] | None = None
    for map_first, residual in product((True, False), (True, False)):
        network = FFDNet(
            channels,
            depth=len(convolutions),
            width=convolutions[0].weight.shape[0],
            map_channels=maps,
            residual=residual,
        )
        _fill(network, _ordered(convolutions, channels, maps, map_first, matlab), path)
        with torch.inference_mode():
            error = _inner_error(network(noisy, torch.tensor(25 / 255)), clean)
        if best is None or error < best[0]:
            best = (error, network)
    if best is None or not best[0] < 0.5 * _inner_error(noisy, clean):
        raise ValueError(
            f"model {Path(path).name!r} has the layers of FFDNet but removes no noise from a test pattern. "
            "Check that the file is whole."
        )
    return best[1]


def _inner_error(image: Tensor, clean: Tensor) -> float:
    """Mean square error away from the borders, where a network's zero padding shows."""
    return float((image - clean)[..., 6:-6, 6:-6].square().mean())


def _ordered(
    convolutions: list[Convolution], channels: int, maps: int, map_first: bool, matlab: bool
) -> list[Convolution]:
    """The convolutions with inputs (phases by rows, then the map) and outputs as `FFDNet` has them."""
    phases = torch.arange(4 * channels)
    if matlab:
        phases = phases.view(channels, 4)[:, _COLUMNS].flatten()
    offset = maps if map_first else 0
    levels = torch.arange(maps) + (0 if map_first else 4 * channels)
    inputs = torch.cat([phases + offset, levels])
    first, last = convolutions[0], convolutions[-1]
    return [
        Convolution(first.weight[:, inputs], first.bias),
        *convolutions[1:-1],
        Convolution(last.weight[phases], last.bias[phases]),
    ]


def _probe(channels: int) -> tuple[Tensor, Tensor]:
    """A test pattern with slopes of many directions, and the same with noise of 25/255."""
    down, across = torch.meshgrid(torch.linspace(-1, 1, 48), torch.linspace(-1, 1, 48), indexing="ij")
    clean = (0.5 + 0.3 * torch.sin(9 * down) * torch.cos(5 * across)).expand(1, channels, 48, 48)
    noise = torch.randn(clean.shape, generator=seeds.generator(0, "probe"))
    return clean, clean + 25 / 255 * noise
