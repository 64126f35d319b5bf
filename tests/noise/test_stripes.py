"""Stripes: one wave over a whole picture is found and taken off; what is woven, built or drawn is not."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

from pellucid.noise.shown import shown
from pellucid.noise.stripes import waves, without

ROOT = Path(os.environ.get("PELLUCID_DATA", "../shared/data"))
SCENES = {
    "camera": data.camera()[64:320, 100:356] / 255,
    "moon": data.moon()[:300, :280] / 255,
    "bricks": data.brick()[:256, :256] / 255,
    "flat": np.full((200, 180), 0.4),
}
Y, X = np.mgrid[:256, :256]


def wave(shape, down, across, amplitude=0.05):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return amplitude * np.sin(2 * np.pi * (down * y + across * x) + 1)


def noisy(picture, sigma=0.05, seed=0):
    return picture + sigma * np.random.default_rng(seed).normal(0, 1, picture.shape)


def drawn(picture):
    return sum((w.drawn(*picture.shape) for w in waves(picture, shown(picture))), 0 * picture)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(("down", "across"), [(0.2, 0.13), (0.0, 0.25), (-0.31, 0.07)])
def test_a_wave_is_found_and_drawn(scene, down, across):
    added = wave(SCENES[scene].shape, down, across)
    found = drawn(noisy(SCENES[scene]) + added)
    assert np.std(added - found) < 0.25 * np.std(added)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("sigma", [0, 0.02, 0.1])
def test_ordinary_pictures_have_none(scene, sigma):
    assert not drawn(noisy(SCENES[scene], sigma)).any()


WOVEN = {
    "a grating": 0.5 + wave((256, 256), 0.2, 0.1, 0.4),
    "a striped shirt": SCENES["camera"] + wave((256, 256), 0.2, 0.1, 0.2) * (np.hypot(Y - 128, X - 128) < 70),
    "blinds": (Y // 6) % 2 * 0.5,
    "fading": SCENES["camera"] + wave((256, 256), 0.2, 0.1, 0.1) * X / 255,
    "bending": SCENES["camera"] + 0.1 * np.sin(2 * np.pi * (0.1 * Y + 0.0002 * Y * Y)),
    "weave": SCENES["camera"] + 0.2 * np.sin(X * 1.3) * np.sin(Y * 1.3) * (X > 128),
    "two by two": SCENES["camera"] + 0.05 * (Y % 2),
}


@pytest.mark.parametrize("kind", WOVEN)
@pytest.mark.parametrize("sigma", [0, 0.05])
def test_what_is_woven_built_or_drawn_is_left(kind, sigma):
    assert not drawn(noisy(WOVEN[kind], sigma)).any()


def test_clean_photographs_have_none():
    files = sorted((ROOT / "clean" / "CBSD68").glob("*.png"))[::8]
    if not files:
        pytest.skip(f"no clean pictures in {ROOT}")
    for path in files:
        assert not drawn(np.asarray(Image.open(path).convert("L"), float)).any(), path.name


def test_lines_of_text_are_no_stripes():
    """A scanned page lost a wave of the period of its lines."""
    rows = (Y % 23 < 15) * (np.random.default_rng(3).random((256, 256)) < 0.3)
    written = 0.9 - 0.7 * rows
    assert not drawn(noisy(written, 0.02)).any()
    for path in sorted((ROOT / "real" / "documents" / "train").glob("*.png"))[:3]:
        assert not drawn(np.asarray(Image.open(path).convert("L"), float)).any(), path.name


def test_holes_are_left_as_they_are_and_a_calm_stack_stays_the_very_array():
    stack = np.stack([noisy(SCENES["camera"], seed=n) for n in range(4)])[None, :, None]
    assert without(stack)[0] is stack
    holes = np.zeros(stack.shape[1:], bool)
    holes[:, :, 100:140, 60:90] = True
    striped = np.where(holes, 9.0, stack + wave((256, 256), 0.2, 0.13))
    rest, found = without(striped, holes)
    assert len(found) == 1
    assert (rest[:, holes] == 9.0).all()
    assert np.std((rest - stack)[:, ~holes]) < 0.15 * np.std(striped - stack, where=~holes[None])


@settings(max_examples=50, deadline=None)
@given(
    striped=st.booleans(),
    gain=st.sampled_from([1.0, 255.0, 65535.0, 1e-4, -3.0]),
    offset=st.sampled_from([0.0, -1000.0, 0.25]),
    turned=st.sampled_from([(), (0,), (1,), (0, 1)]),
    border=st.sampled_from([0, 3, 20]),
    value=st.sampled_from([0.0, 1.0, 0.37]),
    cut=st.integers(0, 30),
)
def test_what_is_found_does_not_depend_on_storage_flip_border_or_crop(
    striped, gain, offset, turned, border, value, cut
):
    added = wave((256, 256), 0.2, 0.13) * striped
    inner = (noisy(SCENES["camera"]) + added)[cut : 256 - cut, cut : 256 - cut]
    seen = np.flip(np.pad(inner, border, constant_values=value), turned) * gain + offset
    found = np.flip(drawn(seen), turned)[border : border + len(inner), border : border + len(inner)] / gain
    own = added[cut : 256 - cut, cut : 256 - cut]
    assert np.std(found - own) <= 0.15 * np.std(own)
