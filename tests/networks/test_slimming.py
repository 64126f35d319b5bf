"""A pruned network is the whole one with the channels taken out that were set to nothing."""

import pytest
import torch

from pellucid import networks, seeds
from pellucid.networks import slimming
from pellucid.networks.swift import Swift


@pytest.fixture
def whole():
    with seeds.fixed(0, "weights"):
        network = Swift(1, 1, widths=(8, 12), blocks=(1, 2)).eval()
        torch.nn.init.normal_(network.tail.weight, std=0.1)
    return network.requires_grad_(False)


def test_channels_that_are_empty_are_the_ones_that_go(whole):
    """With half of the channels of the coarse size set to nothing, dropping them changes no value."""
    empty = torch.tensor([0, 3, 4, 7, 9, 11])
    for block in whole.middle:
        block.second.weight[empty] = 0
        block.first.weight[:, empty] = 0
        block.first.weight[empty] = 0
        block.second.weight[:, empty] = 0
    whole.halve[0].weight[empty] = 0
    whole.enlarge[0].weight[empty] = 0
    for block in (*whole.down[0], *whole.up[0]):
        block.first.weight[::2] = 0
        block.second.weight[:, ::2] = 0
        block.second.weight[1::2] = 0
        block.first.weight[:, 1::2] = 0
    whole.head.weight[1::2] = 0
    whole.tail.weight[:, 1::2] = 0
    whole.halve[0].weight[:, 1::2] = 0
    whole.enlarge[0].weight[:, 1::2] = 0
    small = slimming.slim(whole, 0.5)
    noisy, sigma = torch.rand(1, 1, 17, 22), torch.full((1, 1, 1, 1), 0.1)
    assert slimming.name_of(small) == "swift[4,6;1,2]"
    assert torch.allclose(small(noisy, sigma), whole(noisy, sigma), atol=1e-6)


def test_all_of_it_is_the_same(whole):
    same = slimming.slim(whole, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(same.parameters(), whole.parameters(), strict=True))
    again = networks.builder(slimming.name_of(whole))(1, 1)
    assert [p.shape for p in again.parameters()] == [p.shape for p in whole.parameters()]


def test_a_network_of_sizes_that_are_none():
    for name in ("swift[8]", "swift[8;1;2]", "other[8;1]", "swift[0,4;1,1]", "swift[-1;2]", "swift[1e9;1]"):
        with pytest.raises(ValueError, match="network"):
            networks.builder(name)(1, 1)
