"""Toned pictures are filtered as the one gray picture they are, and keep their tone; colours stay colours."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

import pellucid
from pellucid.noise import tone

GRAY = data.camera()[60:220, 100:260] / 255.0
NOISY = GRAY + np.random.default_rng(0).normal(0, 0.06, GRAY.shape)
TONES = {
    "sepia": lambda g: np.stack([g, 0.86 * g, 0.67 * g]),
    "added": lambda g: np.stack([g + 0.08, g, g - 0.05]),
    "cyanotype": lambda g: np.stack([0.05 + 0.85 * g, 0.15 + 0.8 * g, 0.35 + 0.5 * g]),
    "curves": lambda g: np.stack([g.clip(0, 1) ** 0.85, 0.95 * g.clip(0, 1), 0.8 * g.clip(0, 1) ** 1.25]),
}


def jpeg(planes, quality, subsampling):
    """(3, H, W) from 0 to 1 as it comes back from a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(bytes8(planes)).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.moveaxis(np.asarray(Image.open(buffer)), -1, 0) / 255


def bytes8(planes):
    return np.moveaxis(planes.clip(0, 1) * 255, 0, -1).round().astype(np.uint8)


def found(planes):
    return tone.find(torch.from_numpy(np.asarray(planes, np.float32))[None], color=True)


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(sorted(TONES)),
    noisy=st.booleans(),
    saved=st.sampled_from([None, (90, 2), (85, 0)]),
    gain=st.sampled_from([1.0, 65535.0, 1e-3]),
    offset=st.sampled_from([0.0, 7.0, -1000.0]),
    border=st.integers(0, 20),
    turned=st.sampled_from([(), (-1,), (-2,)]),
    slices=st.integers(1, 2),
)
def test_a_tone_is_found_however_it_is_stored_and_comes_back_bit_for_bit(
    name, noisy, saved, gain, offset, border, turned, slices
):
    planes = TONES[name](NOISY if noisy else GRAY)
    planes = jpeg(planes, *saved) if saved else planes
    seen = torch.from_numpy(planes).float()[None].flip(turned).repeat(slices, 1, 1, 1)
    seen = torch.nn.functional.pad(seen, [border] * 4, value=0.93) * gain + offset * gain
    told = tone.find(seen, color=True)
    assert told is not None
    laid = told.lay(seen)
    assert laid.shape == (slices, 1, *seen.shape[-2:])
    assert torch.equal(told.back(laid[-1], slices - 1), seen[-1])


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
@pytest.mark.parametrize("saturation", [1.0, 0.5])
def test_colours_are_none(name, saturation):
    photo = np.moveaxis(getattr(data, name)()[40:232, 80:272] / 255, -1, 0)
    assert found(saturation * photo + (1 - saturation) * photo.mean(0)) is None


def test_a_scan_whose_channels_have_each_a_noise_stays_colour():
    own = np.random.default_rng(1).normal(0, 0.04, (3, *GRAY.shape))
    for planes in (TONES["sepia"](GRAY), np.stack([GRAY] * 3)):
        assert found(planes + own) is None


def test_a_coloured_patch_is_not_lost():
    planes = TONES["sepia"](NOISY)
    planes[0, 60:76, 40:56] += 0.2
    assert found(planes) is None


@pytest.mark.parametrize("kind", ["float", "uint16", "jpeg"])
def test_a_toned_picture_gains_as_its_gray_one_does(kind):
    planes, truth = TONES["sepia"](NOISY), TONES["sepia"](GRAY)
    given = {
        "float": planes.astype(np.float32),
        "uint16": (planes.clip(0, 1) * 65535).round().astype(np.uint16),
        "jpeg": np.moveaxis(bytes8(jpeg(planes, 90, 2)), -1, 0),
    }[kind]
    result = pellucid.denoise(given, channel_axis=0, return_result=True)
    gray = pellucid.denoise(NOISY.astype(np.float32)) - GRAY
    left = np.sqrt(np.mean((result.estimate[0] - truth) ** 2))
    assert "tone" in result.reason
    assert left < 1.15 * 0.85 * np.sqrt(np.mean(gray**2))
