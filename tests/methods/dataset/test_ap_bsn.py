"""AP-BSN: pixels taken apart and together, no pixel sees itself, any size comes back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pellucid import seeds
from pellucid.methods.dataset import ap_bsn
from pellucid.networks.dbsn import DBSN


def network(channels: int = 1) -> DBSN:
    with seeds.fixed(0, "weights"):
        return DBSN(channels, channels, width=16, blocks=1).eval()


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_down_and_up(stride: int) -> None:
    image = torch.rand(2, 3, 20, 10, generator=seeds.generator(0))
    pictures = ap_bsn.pixel_shuffle_down(image, stride)
    assert pictures.shape == (2 * stride**2, 3, 20 // stride, 10 // stride)
    assert torch.equal(pictures[stride**2 - 1], image[0, :, stride - 1 :: stride, stride - 1 :: stride])
    assert torch.equal(ap_bsn.pixel_shuffle_up(pictures, stride), image)


def test_stride_parts_what_shares_its_noise() -> None:
    white = torch.randn(1, 1, 403, 403, generator=seeds.generator(1))
    blotched = nn.functional.avg_pool2d(white, 4, 1)

    def correlation(image):
        return float((image[..., 1:] * image[..., :-1]).mean() / image.square().mean())

    assert correlation(blotched) == pytest.approx(0.75, abs=0.03)
    assert abs(correlation(ap_bsn.pixel_shuffle_down(blotched, 5))) < 0.03


def test_no_pixel_sees_itself() -> None:
    bsn, image = network(), torch.rand(1, 1, 10, 10, generator=seeds.generator(2))

    def output(y):
        return ap_bsn.pixel_shuffle_up(bsn(ap_bsn.pixel_shuffle_down(y, 2)), 2)

    jacobian = torch.autograd.functional.jacobian(output, image).reshape(100, 100)
    assert not bool(jacobian.diagonal().any())
    assert bool(jacobian.any())
    # One row of the picture depends only on rows an even number away.
    rows = jacobian.view(10, 10, 10, 10).abs().sum((1, 3))
    assert float(rows[0, 1::2].sum()) == 0


@pytest.mark.parametrize("rounds", [0, 2])
def test_any_size_comes_back_as_it_was(rounds: int) -> None:
    """The authors' refinement gives back the padded size; here both paths are cropped."""
    config = ap_bsn.Config(rounds=rounds, test_stride=4)
    for size in ((1, 1), (5, 9), (13, 8), (3, 16)):
        noisy = torch.rand(2, 3, *size, generator=seeds.generator(3))
        out = ap_bsn.predict(network(3), noisy, None, config, generator=seeds.generator(4))
        assert out.shape == noisy.shape


def test_refinement_is_the_mean_of_its_rounds() -> None:
    bsn, noisy = network(), torch.rand(1, 1, 12, 12, generator=seeds.generator(5))
    config = ap_bsn.Config(rounds=3)
    first = ap_bsn.predict(bsn, noisy, None, ap_bsn.Config(rounds=0), generator=seeds.generator(6))
    draws = seeds.generator(6)
    rounds = []
    for _ in range(3):
        mixed = torch.where(torch.rand(noisy.shape, generator=draws) < 0.16, noisy, first)
        padded = nn.functional.pad(mixed, (2, 2, 2, 2), mode="reflect")
        rounds.append(bsn(padded).detach()[..., 2:-2, 2:-2])
    got = ap_bsn.predict(bsn, noisy, None, config, generator=seeds.generator(6))
    torch.testing.assert_close(got, torch.stack(rounds).mean(0))


def test_crops_hold_the_stride() -> None:
    with pytest.raises(ValueError, match="patch must be at least stride, 10, got 8"):
        ap_bsn.Config(patch=8, stride=10)


def test_only_blind_networks_are_taken() -> None:
    with pytest.raises(ValueError, match="must be dbsn or small-dbsn for ap-bsn, got 'n2n-unet'"):
        ap_bsn.build(ap_bsn.Config(network="n2n-unet"), 3)
