"""Pseudo-colour: the table of one value is found and undone exactly, colours of photographs are left."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from pellucid.noise import palette
from pellucid.noise.analysis import analyse

T = np.linspace(0, 1, 256)
TABLES = {
    "hot": np.stack([3 * T, 3 * T - 1, 3 * T - 2], 1).clip(0, 1),
    "jet": (1.5 - np.abs(4 * T[:, None] - [3, 2, 1])).clip(0, 1),
    "sepia": np.stack([T, 0.8 * T, 0.5 * T], 1),
    "bent": np.stack([T, T**2, 0.5 + 0.5 * np.cos(3 * T)], 1),
}
VALUES = np.clip(
    data.camera()[64:192, 100:228] + np.random.default_rng(0).normal(0, 15, (128, 128)), 0, 255
).astype(np.uint8)


def shown(name, values=VALUES):
    """(1, 3, H, W) values in the colours of a table, from 0 to 1 in steps of 8 bits."""
    colours = (TABLES[name] * 255).round().astype(np.float32) / 255
    return torch.from_numpy(np.moveaxis(colours[values], -1, 0).copy())[None]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_found_and_undone_exactly(name):
    picture = shown(name)
    found = palette.find(picture, color=True)
    assert found is not None
    laid = found.lay(picture)
    assert laid.shape == (1, 1, 128, 128)
    assert torch.equal(found.back(laid[0], 0), picture[0])
    assert abs(np.corrcoef(laid.numpy().ravel(), VALUES.ravel())[0, 1]) > 0.97
    assert found.back_map(laid[0], 0).shape == (3, 128, 128)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
@pytest.mark.parametrize("colours", [64, 256])
@pytest.mark.parametrize("way", [0, 2])
def test_photographs_of_few_colours_are_none(name, colours, way):
    reduced = Image.fromarray(getattr(data, name)()).quantize(colours, method=way).convert("RGB")
    picture = torch.from_numpy(np.moveaxis(np.asarray(reduced), -1, 0).astype(np.float32))[None] / 255
    assert palette.find(picture, color=True) is None


def test_what_is_no_colour_picture_or_has_many_colours_is_none():
    draws = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert palette.find(draws, color=True) is None
    assert palette.find(draws[:, :1], color=False) is None
    assert palette.find(shown("hot"), color=False) is None


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from([*TABLES, ""]),
    gain=st.sampled_from([1.0, 65535.0, 1e-3]),
    turned=st.sampled_from([(), (-1,), (-2,), (-1, -2)]),
    cut=st.integers(0, 20),
    slices=st.integers(1, 3),
)
def test_what_is_found_does_not_depend_on_storage_flip_crop_or_stack(name, gain, turned, cut, slices):
    reduced = Image.fromarray(data.chelsea()).quantize(128, method=2).convert("RGB")
    photo = torch.from_numpy(np.moveaxis(np.asarray(reduced), -1, 0).astype(np.float32))[None] / 255
    picture = shown(name) if name else photo
    inner = picture[..., cut : picture.shape[-2] - cut, cut : picture.shape[-1] - cut]
    seen = (inner.flip(turned) * gain).repeat(slices, 1, 1, 1)
    assert (palette.find(seen, color=True) is not None) == bool(name)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_noise_under_a_palette_is_read(name):
    """256 colours of a noisy picture stand for a wide cell each, which hides no noise."""
    clean = getattr(data, name)()[40:232, 80:272]
    picture = np.clip(clean + np.random.default_rng(0).normal(0, 15, clean.shape), 0, 255).astype(np.uint8)

    def level(x):
        reduced = np.asarray(Image.fromarray(x).quantize(256).convert("RGB"))
        pixels = torch.from_numpy(np.moveaxis(reduced, -1, 0).astype(np.float32))[None] / 255
        return analyse(pixels, color=True).level * 255

    assert 7.5 < level(picture) < 18
    assert level(clean) < 4


def test_texture_in_a_palette_is_no_white_noise():
    """White noise shows in the eigenvalues of patches; texture that a lens has blurred does not."""
    draws = np.random.default_rng(0)
    fine = gaussian_filter(draws.normal(0, 1, (192, 192, 1)), (0.5, 0.5, 0))
    tint = gaussian_filter(draws.normal(0, 1, (192, 192, 3)), (8, 8, 0))
    detail = 30 * fine / fine.std() * [1.0, 0.95, 0.85] + 7 * tint / tint.std()
    picture = np.add(detail, [120, 110, 90]).clip(0, 255).astype(np.uint8)
    reduced = np.asarray(Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE).convert("RGB"))
    pixels = torch.from_numpy(np.moveaxis(reduced, -1, 0).astype(np.float32))[None] / 255
    report = analyse(pixels, color=True)
    assert not report.correlated
    assert report.level < 4 * report.chen
