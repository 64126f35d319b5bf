"""Tiles: equal to the whole for exact functions, seamless for the others, bounded always."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from pellucid import seeds, tiles


def image_of(height: int, width: int, channels: int = 2) -> torch.Tensor:
    return torch.rand(channels, height, width, generator=seeds.generator(0))


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    cells=st.integers(1, 8),
    stride=st.integers(1, 4),
    radius=st.integers(0, 4),
)
def test_a_convolution_is_exact_for_any_size(height, width, cells, stride, radius):
    kernel = torch.rand(1, 1, 2 * radius + 1, 2 * radius + 1, generator=seeds.generator(1))

    def blur(x: torch.Tensor) -> torch.Tensor:
        return conv2d(pad(x[:, None], (radius,) * 4, mode="replicate"), kernel)[:, 0]

    image = image_of(height, width)
    got = tiles.process(image, blur, tile=cells * stride, halo=radius, stride=stride)
    torch.testing.assert_close(got, blur(image))


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 12), width=st.integers(1, 12), cells=st.integers(1, 4), halo=st.integers(0, 5))
def test_a_function_on_a_grid_is_exact(height, width, cells, halo):
    def blocks(x: torch.Tensor) -> torch.Tensor:  # replaces every 3 x 3 block of the grid by its mean
        return interpolate(avg_pool2d(x[None], 3), scale_factor=3)[0]

    image = image_of(3 * height, 3 * width)
    got = tiles.process(image, blocks, tile=3 * cells, halo=halo, stride=3)
    torch.testing.assert_close(got, blocks(image))


def test_too_small_a_halo_shows():
    def blur(x: torch.Tensor) -> torch.Tensor:
        return avg_pool2d(pad(x[None], (2,) * 4, mode="replicate"), 5, 1)[0]

    image = image_of(30, 30)
    assert not torch.allclose(tiles.process(image, blur, tile=8, halo=1), blur(image))


def test_memory_is_bounded_and_no_sliver_is_left():
    seen = []

    def watch(x: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(x.shape[1:]))
        return x[:1]

    out = tiles.process(image_of(101, 67), watch, tile=32, halo=5, stride=2)
    assert out.shape == (1, 101, 67)
    assert max(max(s) for s in seen) <= 32 + 2 * 6
    assert min(min(s) for s in seen) >= 20


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 50), width=st.integers(1, 50), tile=st.integers(1, 20), overlap=st.integers(0, 12)
)
def test_blending_what_is_exact_changes_nothing(height, width, tile, overlap):
    image = image_of(height, width)
    got = tiles.blend(image, lambda x: 3 * x + 1, tile=tile, overlap=overlap)
    torch.testing.assert_close(got, 3 * image + 1)


def test_blending_fades_where_stitching_jumps():
    def offset() -> tiles.Function:
        count = iter(range(100))
        return lambda x: torch.full_like(x, float(next(count)))

    image = torch.zeros(1, 8, 128)
    hard = tiles.process(image, offset(), tile=32, halo=8)
    soft = tiles.blend(image, offset(), tile=32, overlap=8)
    assert float(hard.diff(dim=2).abs().max()) == 1
    assert float(soft.diff(dim=2).abs().max()) < 0.15  # sin^2 over 16 pixels climbs by pi / 32 at most
    assert (float(soft.min()), float(soft.max())) == (0, 3)


def test_arguments_are_checked():
    image = image_of(8, 8)
    with pytest.raises(ValueError, match="tile must be a multiple of the stride 2, got 3"):
        tiles.process(image, lambda x: x, tile=3, halo=0, stride=2)
    with pytest.raises(ValueError, match="must keep height and width"):
        tiles.process(image, lambda x: x[:, 1:], tile=4, halo=0)
    with pytest.raises(ValueError, match=r"\(C, H, W\)"):
        tiles.blend(image[0], lambda x: x, tile=4, overlap=0)
