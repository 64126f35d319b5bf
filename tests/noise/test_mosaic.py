"""Mosaics: found in what a colour sensor gives, in nothing else, and laid out without a loss."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from pellucid.noise import mosaic

ROOT = Path(os.environ.get("PELLUCID_DATA", "../shared/data"))
PATTERNS = {"RGGB": ((0, 1), (1, 2)), "GRBG": ((1, 0), (2, 1)), "BGGR": ((2, 1), (1, 0))}


def raw(name="astronaut", pattern="RGGB", balance=(0.5, 1, 0.7)):
    """What a sensor sees of a picture, linear light from 0 to 1, each pixel in its colour."""
    light = (getattr(data, name)()[:290, 100:360] / 255) ** 2.2 * np.array(balance)
    seen = np.empty(light.shape[:2])
    for y in (0, 1):
        for x in (0, 1):
            seen[y::2, x::2] = light[y::2, x::2, PATTERNS[pattern][y][x]]
    return seen


def photons(seen, white=11000, seed=0):
    return np.random.default_rng(seed).poisson(seen * white) / white


def found(picture):
    return mosaic.find(torch.from_numpy(np.ascontiguousarray(picture, dtype=np.float64))[None, None])


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
@pytest.mark.parametrize("white", [11000, 300, 60])
def test_raw_pictures_are_mosaics(name, pattern, white):
    assert found(photons(raw(name, pattern), white)) is not None


@pytest.mark.parametrize("name", ["camera", "page", "text", "coins", "moon", "brick", "grass", "gravel"])
@pytest.mark.parametrize("sigma", [0, 0.02, 0.2])
def test_gray_pictures_are_none(name, sigma):
    picture = getattr(data, name)() / 255
    assert found(picture + np.random.default_rng(0).normal(0, 1, picture.shape) * sigma) is None


def test_what_is_drawn_or_dithered_is_none():
    y, x = np.mgrid[:128, :128]
    gray = data.camera()[:128, :128]
    for drawn in ((x + y) % 2, (y % 2) * (x % 2), y % 2, np.asarray(Image.fromarray(gray).convert("1")) * 1):
        assert found(drawn * 0.5) is None


def test_noise_alone_is_none():
    for seed in range(20):
        assert found(np.random.default_rng(seed).normal(0, 1, (80, 80))) is None


def test_no_picture_of_the_test_sets_is_one():
    files = sorted((ROOT / "clean" / "CBSD68").glob("*.png"))[::4] + sorted(
        (ROOT / "microscopy").rglob("*.png")
    )
    if not files:
        pytest.skip(f"no pictures in {ROOT}")
    for path in files:
        picture = np.asarray(Image.open(path))
        assert found(picture if picture.ndim == 2 else picture[..., 1]) is None, path.name


@pytest.mark.parametrize("size", [(6, 8), (7, 8), (6, 9), (7, 9)])
def test_odd_sizes_come_back_whole(size):
    picture = torch.arange(2.0 * size[0] * size[1]).view(2, 1, *size)
    layout = mosaic.Mosaic(height=size[0], width=size[1])
    laid = layout.lay(picture)
    assert laid.shape == (2, 4, -(-size[0] // 2), -(-size[1] // 2))
    assert torch.equal(layout.back(laid, 0), picture)
    assert torch.equal(layout.back(laid[1], 1), picture[1])
    assert torch.equal(laid[0, 0], picture[0, 0, ::2, ::2])


@settings(max_examples=50, deadline=None)
@given(
    mosaicked=st.booleans(),
    gain=st.sampled_from([1.0, 65535.0, 1e-4, -3.0]),
    offset=st.sampled_from([0.0, -1000.0, 0.25]),
    turned=st.sampled_from([(), (0,), (1,), (0, 1)]),
    border=st.sampled_from([0, 3, 40]),
    value=st.sampled_from([0.0, 1.0]),
    cut=st.integers(0, 50),
    extreme=st.sampled_from([0.0, 1.0, 1e3]),
)
def test_what_is_found_does_not_depend_on_storage_flip_border_crop_or_single_pixels(
    mosaicked, gain, offset, turned, border, value, cut, extreme
):
    picture = photons(raw(), 500) if mosaicked else photons(data.camera()[:290, :260] / 255, 500)
    picture[60, 70] = extreme
    inner = picture[cut : 290 - cut, cut : 260 - cut]
    seen = np.flip(np.pad(inner, border, constant_values=value), turned) * gain + offset
    assert (found(seen) is not None) == mosaicked
