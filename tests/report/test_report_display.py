"""Pictures for the page: display limits, amplification, composites, previews."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image as Pillow

from pellucid.image import Image
from pellucid.pages import display
from pellucid.report import views


def picture(pixels, *, color=True, scale=255.0):
    pixels = np.ascontiguousarray(pixels, np.float32)
    return Image(pixels=pixels, axes="", shape=pixels.shape, color=color, dtype="uint8", scale=scale)


def decode(uri):
    head, body = uri.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(body))))


def test_a_photo_is_shown_as_it_is():
    values = np.random.default_rng(0).integers(0, 256, (1, 3, 20, 30))
    shown = views.make(picture(values / 255), picture(values / 255))
    assert len(shown) == 1
    np.testing.assert_array_equal(decode(shown[0].before), np.moveaxis(values[0], 0, -1))


def test_a_dim_micrograph_is_stretched_and_says_so():
    values = np.linspace(0.001, 0.02, 400, dtype=np.float32).reshape(1, 1, 20, 20)
    view = views.make(picture(values, color=False, scale=65535), picture(values, color=False))[0]
    shown = decode(view.before)
    assert shown.min() == 0
    assert shown.max() == 255
    low, high = np.percentile(values, (0.1, 99.9)) * 65535
    assert f"black is {low:.5g}, white is {high:.5g}" in view.note


def test_removed_part_is_amplified_by_the_factor_it_states():
    clean = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (1, 1, 64, 1))
    sign = np.where(np.random.default_rng(0).random(clean.shape) < 0.5, -1, 1)
    view = views.make(picture(clean + 0.01 * sign, color=False), picture(clean, color=False))[0]
    assert "amplified 20 times" in view.note
    shown = decode(view.removed).astype(float) / 255 - 0.5
    np.testing.assert_allclose(shown, 20 * 0.01 * sign[0, 0], atol=1 / 255)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1)])
def test_tiny_pictures_where_nothing_was_removed(size):
    pixels = np.full((1, 3, *size), 0.3, np.float32)
    view = views.make(picture(pixels), picture(pixels))[0]
    assert (view.height, view.width) == size
    assert "Nothing was removed" in view.note


def test_a_large_picture_has_a_preview_of_block_means_and_a_crop_pixel_by_pixel():
    rng = np.random.default_rng(0)
    pixels = np.zeros((1, 1, 1800, 2000), np.float32)
    pixels[0, 0, 1200:1700, 300:700] = rng.random((500, 400))
    noisy = picture(pixels, color=False)
    preview, crop = views.make(noisy, noisy)
    assert (preview.height, preview.width) == (900, 1000)
    assert "2 times smaller" in preview.note
    means = pixels[0, 0].reshape(900, 2, 1000, 2).mean((1, 3))
    assert np.abs(decode(preview.before) / 255 - means).max() < 1 / 255
    # The grid of 256 pixels whose block holds most of the only part with detail.
    top, left = 1280, 256
    expected = np.rint(pixels[0, 0, top : top + 512, left : left + 512] * 255)
    np.testing.assert_allclose(decode(crop.before), expected, atol=1)


def test_stack_of_channels_offers_few_slices_and_every_channel():
    pixels = np.random.default_rng(0).random((9, 7, 12, 10), np.float32)
    shown = views.make(picture(pixels, color=False), picture(pixels, color=False))
    assert {v.slice for v in shown} == {"1 of 9", "5 of 9", "9 of 9"}
    assert [v.channel for v in shown[:8]] == ["composite", *(f"channel {c}" for c in range(1, 8))]
    one = next(v for v in shown if (v.slice, v.channel) == ("5 of 9", "channel 3"))
    np.testing.assert_array_equal(decode(one.before), np.floor(pixels[4, 2] * 255 + 0.5))


def test_composite_of_two_channels_is_green_and_magenta():
    one = np.array([[[255, 0]], [[0, 255]]], np.uint8)
    assert display.composite(one).tolist() == [[[0, 255, 0], [255, 0, 255]]]
