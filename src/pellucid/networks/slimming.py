"""Fewer channels for a Swift: at each of its sizes the strongest are kept, with all weights between them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pellucid.networks.swift import Swift


def name_of(network: Swift) -> str:
    """The name by which `pellucid.networks.builder` builds a network of the same sizes.

    >>> name_of(Swift(1, 1, widths=(8, 12), blocks=(1, 2)))
    'swift[8,12;1,2]'
    """
    widths = [network.head.out_channels, *(layer.out_channels for layer in _convolutions(network.halve))]
    blocks = [_length(part) for part in (*network.down, network.middle)]
    kind = "swift" if network.conditioned else "swift-blind"
    return f"{kind}[{','.join(map(str, widths))};{','.join(map(str, blocks))}]"


def slim(network: Swift, keep: float) -> Swift:
    """The network with a share of its channels, at least four at each size.

    A channel at a size is written by some convolutions and read by others; it counts by the sum of squares of
    all these weights. Within a block, where the channels are its own, it is the same.

    Args:
        network: stays as it is.
        keep: share of the channels, in (0, 1].

    >>> small = slim(Swift(3, 3, widths=(16, 32), blocks=(1, 2)), 0.5)
    >>> name_of(small), small(torch.rand(1, 3, 6, 5), torch.ones(1, 1, 1, 1)).shape
    ('swift[8,16;1,2]', torch.Size([1, 3, 6, 5]))
    """
    levels = range(len(network.halve) + 1)
    kept = [_strongest(_written(network, level), _read(network, level), keep) for level in levels]
    small = Swift(
        network.channels,
        network.channels,
        widths=[len(channels) for channels in kept],
        blocks=[_length(part) for part in (*network.down, network.middle)],
        conditioned=network.conditioned,
    )
    with torch.no_grad():
        small.head.weight.copy_(network.head.weight[kept[0]])
        small.tail.weight.copy_(network.tail.weight[:, kept[0]])
        for level in levels:
            for ours, theirs in zip(_blocks(small, level), _blocks(network, level), strict=True):
                first, second = _weight(theirs, "first"), _weight(theirs, "second")
                inner = _strongest([first], [second], keep)
                _weight(ours, "first").copy_(first[inner][:, kept[level]])
                _weight(ours, "second").copy_(second[kept[level]][:, inner])
        for level, (coarse, fine) in enumerate(zip(small.halve, small.enlarge, strict=True)):
            low, high = kept[level], kept[level + 1]
            _weight(coarse).copy_(_weight(network.halve[level])[high][:, low])
            _weight(fine).copy_(_weight(network.enlarge[level])[high][:, low])
    return small


def _strongest(written: list[Tensor], read: list[Tensor], keep: float) -> Tensor:
    """The indices of the channels that are kept, in order.

    Args:
        written: weights (channels, …).
        read: weights (…, channels, height, width), the channels second.
        keep: share of them.
    """
    power = torch.stack([w.flatten(1).square().sum(1) for w in written]).sum(0)
    power = power + torch.stack([w.transpose(0, 1).flatten(1).square().sum(1) for w in read]).sum(0)
    count = min(len(power), max(4, round(keep * len(power))))
    return power.topk(count).indices.sort().values


def _written(network: Swift, level: int) -> list[Tensor]:
    """The weights that write the channels of a size, these first."""
    weights = [_weight(block, "second") for block in _blocks(network, level)]
    weights += [network.head.weight] if level == 0 else [_weight(network.halve[level - 1])]
    if level < len(network.enlarge):  # of a transposed convolution the channels out are second
        weights.append(_weight(network.enlarge[level]).transpose(0, 1))
    return weights


def _read(network: Swift, level: int) -> list[Tensor]:
    """The weights that read the channels of a size, these second."""
    weights = [_weight(block, "first") for block in _blocks(network, level)]
    weights += [network.tail.weight] if level == 0 else [_weight(network.enlarge[level - 1]).transpose(0, 1)]
    if level < len(network.halve):
        weights.append(_weight(network.halve[level]))
    return weights


def _blocks(network: Swift, level: int) -> list[nn.Module]:
    """The residual blocks of a size, on the way down and on the way up."""
    if level == len(network.down):
        return list(network.middle)
    return [*network.down[level].children(), *network.up[level].children()]


def _length(blocks: nn.Module) -> int:
    return len(list(blocks.children()))


def _weight(module: nn.Module, part: str = "") -> Tensor:
    """The weight of a convolution, or of a part of a block."""
    return module.get_parameter(f"{part}.weight" if part else "weight")


def _convolutions(layers: nn.ModuleList) -> list[nn.Conv2d]:
    return [layer for layer in layers if isinstance(layer, nn.Conv2d)]
