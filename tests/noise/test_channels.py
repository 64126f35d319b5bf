"""Channels that are not what their number says: what is found, whatever the values are stored as."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import astronaut, camera

from pellucid.noise import channels

GRAY = torch.from_numpy(camera()[200:248, 180:232].astype(np.float32)) / 255
OTHER = torch.from_numpy(camera()[100:148, 60:112].astype(np.float32)) / 255
EMPTY = torch.zeros_like(GRAY)
COLOUR = torch.from_numpy(astronaut()[100:148, 100:152].astype(np.float32)).permute(2, 0, 1) / 255


def stack(*planes: torch.Tensor) -> torch.Tensor:
    return torch.stack(planes)[None]


KINDS = {
    "gray": (stack(GRAY, GRAY, GRAY), (0,)),
    "green": (stack(EMPTY, GRAY, EMPTY), (1,)),
    "yellow": (stack(GRAY, GRAY, EMPTY), (0,)),
    "two stains": (stack(GRAY, OTHER, EMPTY + 0.2), (0, 1)),
    "magenta and green": (stack(GRAY, OTHER, GRAY), (0, 1)),
    "four channels": (stack(GRAY, OTHER, EMPTY, GRAY), (0, 1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_channels_are_found_and_come_back_bit_for_bit(kind):
    pixels, kept = KINDS[kind]
    found = channels.find(pixels, color=pixels.shape[1] == 3)
    assert found is not None
    assert found.kept == kept
    assert not found.color
    assert torch.equal(found.back(found.lay(pixels)[0], 0), pixels[0])
    assert torch.equal(channels.whole(found).back(pixels[0], 0), pixels[0])


@pytest.mark.parametrize(
    "pixels", [COLOUR[None], stack(GRAY), stack(EMPTY, EMPTY, EMPTY), stack(GRAY, OTHER)]
)
def test_what_has_a_picture_in_every_channel_is_left_alone(pixels):
    assert channels.find(pixels, color=True) is None


def test_a_scan_in_gray_with_noise_in_every_channel_stays_colour():
    draws = torch.Generator().manual_seed(0)
    scan = GRAY + 0.01 * torch.randn(1, 3, *GRAY.shape, generator=draws)
    assert channels.find(scan, color=True) is None


def test_equal_channels_of_a_method_that_takes_three_come_back_equal():
    found = channels.find(KINDS["gray"][0], color=True)
    apart = KINDS["gray"][0][0] + torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1)
    back = channels.whole(found).back(apart, 0)
    assert torch.equal(back[0], back[1])
    assert torch.equal(back[0], back[2])
    assert torch.allclose(back[0], GRAY + 0.2, atol=1e-6)


def test_an_empty_channel_of_another_value_in_every_slice_comes_back_as_it_was():
    pixels = torch.cat([stack(GRAY, EMPTY + 0.1, OTHER), stack(GRAY, EMPTY + 0.3, OTHER)])
    found = channels.find(pixels, color=True)
    assert found.kept == (0, 2)
    for index in (0, 1):
        assert torch.equal(found.back(found.lay(pixels)[index], index), pixels[index])
        assert float(found.back_map(found.lay(pixels)[index], index)[1].max()) == 0


def test_a_channel_that_is_empty_in_one_slice_only_is_filtered():
    pixels = torch.cat([stack(GRAY, EMPTY, OTHER), stack(GRAY, OTHER, OTHER + 0.1)])
    assert channels.find(pixels, color=True) is None


@settings(max_examples=50, deadline=None)
@given(
    kind=st.sampled_from(["gray", "green", "two stains", "magenta and green"]),
    gain=st.sampled_from([1.0, 255.0, 65535.0, 1e-4, -3.0]),
    offset=st.sampled_from([0.0, 0.25, 1000.0]),
    border=st.integers(0, 9),
    value=st.sampled_from([0.0, 1.0, 0.37]),
    turned=st.sampled_from([(), (-1,), (-2,), (-2, -1)]),
    slices=st.integers(1, 3),
)
def test_what_is_found_does_not_depend_on_storage_border_flip_or_stack(
    kind, gain, offset, border, value, turned, slices
):
    pixels, kept = KINDS[kind]
    seen = torch.nn.functional.pad(pixels, [border] * 4, value=value) if kind == "gray" else pixels
    seen = (seen.flip(turned) * gain + offset).repeat(slices, 1, 1, 1)
    found = channels.find(seen, color=True)
    assert found is not None
    assert found.kept == kept
    assert torch.equal(found.back(found.lay(seen)[0], 0), seen[0])
