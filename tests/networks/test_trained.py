"""The networks that are trained on many images: published sizes, any image, and what each must keep."""

import pytest
import torch
from torch import Tensor, nn

from pellucid import networks, seeds
from pellucid.learning import apply
from pellucid.networks.dbsn import DBSN
from pellucid.networks.n2v_unet import N2VUNet, blurred_pool
from pellucid.networks.swift import Swift

TRAINED = [
    "n2n-unet",
    "nb2nb-unet",
    "b2u-unet",
    "small-unet",
    "iddp-unet",
    "small-iddp",
    "n2v-unet",
    "n2v2-unet",
    "small-n2v2",
    "dncnn",
    "dncnn-plain",
    "dncnn-8",
    "ffdnet",
    "dbsn",
    "small-dbsn",
    "cyclic",
    "small-cyclic",
    "swift",
    "swift-wide",
    "swift-blind",
    "swift-tiny",
]


def built(name: str, channels: int) -> nn.Module:
    with seeds.fixed(0, "weights"):
        return networks.builder(name)(channels, channels).eval()


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def fill(network: nn.Module) -> None:
    """Weights that are nowhere zero, as after a training."""
    draws = seeds.generator(3)
    for parameter in network.parameters():
        parameter.data.copy_(0.1 * torch.randn(parameter.shape, generator=draws))


@pytest.mark.parametrize(
    ("name", "channels", "parameters"),
    [
        ("n2n-unet", 3, 991_203),  # "0.99 M" of MASH's table
        ("nb2nb-unet", 3, 1_259_475),  # 1.26 M in tables of others
        ("b2u-unet", 3, 1_102_371),  # 1.10 M in tables of others
        ("dncnn", 1, 556_097),  # 0.56 M in the tables of many papers
        ("ffdnet", 1, 485_316),  # 0.49 M
        ("ffdnet", 3, 852_108),  # 0.85 M
        ("dbsn", 3, 3_656_131),  # 3.66 M, AP-BSN
        ("cyclic", 3, 1_185_865),  # 1.19 M in tables of others
    ],
)
def test_parameters_as_published(name: str, channels: int, parameters: int) -> None:
    assert count(built(name, channels)) == parameters


@pytest.mark.parametrize("name", TRAINED)
def test_any_channels_and_size(name: str) -> None:
    sizes = ((1, 1, 1), (2, 9, 14), (3, 33, 20))
    for channels, height, width in sizes:
        network = built(name, channels)
        noisy = torch.rand(2, channels, height, width, generator=seeds.generator(1))
        with torch.inference_mode():
            output = apply(network, noisy, torch.full((2, 1, 1, 1), 0.1))
        assert output.shape == noisy.shape
        assert bool(torch.isfinite(output).all())


@pytest.mark.parametrize("name", ["swift", "ffdnet"])
def test_level_may_be_one_or_a_map(name: str) -> None:
    network = built(name, 3)
    fill(network)
    noisy = torch.rand(1, 3, 11, 14, generator=seeds.generator(1))
    one = apply(network, noisy, torch.full((1, 1, 1, 1), 0.1))
    for shape in ((1, 3, 1, 1), (1, 1, 11, 14), (1, 3, 11, 14)):
        torch.testing.assert_close(apply(network, noisy, torch.full(shape, 0.1)), one)
    assert not torch.equal(apply(network, noisy, torch.full((1, 1, 1, 1), 0.2)), one)
    with pytest.raises(ValueError, match="must be told the noise level"):
        apply(network, noisy, None)


def test_swift_is_small_and_keeps_factors() -> None:
    network = Swift(3, 3)
    assert 2 * count(network) <= 2_500_000  # bytes of a file with 16 bits per weight
    fill(network)
    network.double()
    noisy = torch.rand(1, 3, 21, 18, generator=seeds.generator(2), dtype=torch.float64)
    sigma = torch.full((1, 1, 1, 1), 0.1, dtype=torch.float64)
    for factor in (0.25, 7.0):
        torch.testing.assert_close(network(factor * noisy, factor * sigma), factor * network(noisy, sigma))
    with pytest.raises(ValueError, match="swift-blind"):
        network(noisy)


def jacobian(network: nn.Module, size: int, at: tuple[int, int]) -> Tensor:
    """How the output at one pixel, all channels added, depends on every value of the input."""
    image = torch.rand(1, 2, size, size, generator=seeds.generator(4), requires_grad=True)
    (gradient,) = torch.autograd.grad(network(image)[0, :, at[0], at[1]].sum(), image)
    return gradient[0]


@pytest.mark.parametrize("at", [(0, 0), (20, 20), (3, 39)])
def test_dbsn_is_blind_to_its_own_pixel_and_to_no_other_near_it(at: tuple[int, int]) -> None:
    network = DBSN(2, 2, width=6, blocks=9)
    fill(network)
    seen = jacobian(network, 41, at).abs().sum(0)
    assert seen[at] == 0
    top, left = max(0, at[0] - 1), max(0, at[1] - 1)
    assert int((seen[top : at[0] + 2, left : at[1] + 2] == 0).sum()) == 1


def test_n2v2_has_no_path_at_full_size() -> None:
    """Without the top skip an impulse comes out blurred: its neighbours answer as it does."""
    for n2v2 in (False, True):
        network = N2VUNet(1, 1, width=2, levels=1, blur_pool=n2v2, top_skip=not n2v2).eval()
        assert network.up[-1][0].in_channels == (2 if n2v2 else 4)


def test_blurred_pool_against_scipy() -> None:
    from scipy.ndimage import convolve, maximum_filter

    image = torch.rand(1, 2, 8, 12, generator=seeds.generator(5))
    got = blurred_pool(image)
    for channel in range(2):
        largest = maximum_filter(image[0, channel].numpy(), size=2, origin=-1, mode="nearest")
        kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]).numpy() / 16
        whole = convolve(largest, kernel, mode="mirror")
        torch.testing.assert_close(got[0, channel], torch.from_numpy(whole)[::2, ::2])


def test_residual_iddp_network_takes_off_what_the_direct_one_gives() -> None:
    direct = networks.builder("iddp-unet")(1, 1).eval()
    residual = networks.builder("iddp-unet")(1, 1, residual=True).eval()
    residual.load_state_dict(direct.state_dict())
    image = torch.rand(1, 1, 16, 16, generator=seeds.generator(6))
    torch.testing.assert_close(residual(image), image - direct(image))
    with pytest.raises(ValueError, match="outputs must be 3"):
        networks.builder("iddp-unet")(3, 1, residual=True)


def test_networks_that_keep_channels_say_so() -> None:
    for name in ("dncnn", "ffdnet", "swift"):
        with pytest.raises(ValueError, match="outputs must be 3"):
            networks.builder(name)(3, 1)
    with pytest.raises(ValueError, match="as many"):
        Swift(3, 3, widths=(8, 8), blocks=(1,))
