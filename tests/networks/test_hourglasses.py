"""The published sizes of the networks, any image size, and padding against NumPy."""

import numpy as np
import pytest
import torch

from pellucid import networks
from pellucid.networks.compact import Compact
from pellucid.networks.padding import mirrored, with_any_size
from pellucid.networks.skip import Skip


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "inputs", "parameters"),
    [("skip", 32, 2_217_831), ("snail", 3, 572_827), ("kate", 32, 3_002_627)],
)
def test_parameters_as_published(name: str, inputs: int, parameters: int) -> None:
    assert count(networks.builder(name)(inputs, 3)) == parameters


def test_unknown_network_names_the_others() -> None:
    with pytest.raises(ValueError, match=r"skip, snail.*Did you mean 'compact'"):
        networks.builder("compac")


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 5), (63, 65), (64, 96), (129, 33)])
@pytest.mark.parametrize("name", ["snail", "compact"])
def test_any_size(name: str, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    network = networks.builder(name)(4, 2)
    picture = network(torch.rand(1, 4, *size))
    assert picture.shape == (1, 2, *size)
    assert bool(torch.isfinite(picture).all())
    assert 0 < float(picture.detach().min()) <= float(picture.detach().max()) < 1


@pytest.mark.parametrize(("size", "padded"), [(5, 8), (5, 9), (4, 4), (2, 9), (3, 17)])
def test_mirrored_is_numpys_reflect(size: int, padded: int) -> None:
    before = (padded - size) // 2
    expected = np.pad(np.arange(size), (before, padded - size - before), mode="reflect")
    assert mirrored(size, padded).tolist() == expected.tolist()


def test_padding_is_cropped_where_it_was_added() -> None:
    picture = torch.rand(1, 3, 21, 34)
    assert torch.equal(with_any_size(lambda x: x, picture, 16), picture)


def test_the_padded_border_gets_no_gradient_of_its_own() -> None:
    """A loss on what comes back is a loss on the real pixels: outside of them the gradient is zero."""
    seen: list[torch.Tensor] = []

    def forward(padded: torch.Tensor) -> torch.Tensor:
        seen.append((padded * 2).requires_grad_())
        return seen[0]

    with_any_size(forward, torch.rand(1, 1, 5, 6), 8).sum().backward()
    gradient = seen[0].grad
    assert gradient is not None
    assert gradient.shape == (1, 1, 16, 16)
    assert float(gradient.sum()) == 5 * 6
    assert float(gradient[0, 0, 5:10, 5:11].sum()) == 5 * 6


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="widths and skips"):
        Skip(3, 3, widths=(8, 8), skips=(4,))
    with pytest.raises(ValueError, match="upsample must be one of"):
        Skip(3, 3, upsample="cubic")
    with pytest.raises(ValueError, match="skip must be at least 1"):
        Compact(3, 3, skip=0)
