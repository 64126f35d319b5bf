"""Row and column offsets: found where a sensor makes them, and nowhere else."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from scipy.stats import spearmanr
from skimage import data

from pellucid.noise.lines import offsets, rank_correlation
from pellucid.noise.shown import shown

ROOT = Path(os.environ.get("PELLUCID_DATA", "../shared/data"))
SCENES = {
    "camera": data.camera()[64:320, 100:356] / 255,
    "coins": data.coins() / 255,
    "bricks": data.brick()[:300, :280] / 255,
    "grass": data.grass()[:256, :256] / 255,
    "flat": np.full((200, 180), 0.4),
}
Y, X = np.mgrid[:256, :256]


def noisy(picture, rows=0.0, sigma=0.02, seed=5):
    draws = np.random.default_rng(seed)
    added = draws.normal(0, 1, (len(picture), 1)) * rows
    return picture + added + sigma * draws.normal(0, 1, picture.shape), added[:, 0]


def of(picture):
    return offsets(picture.astype(float), shown(picture))


def page(size, step, ink, paper):
    """A page on which every line says the same, so that its columns have much in common."""
    picture = Image.new("L", (256, 256), paper)
    draw = ImageDraw.Draw(picture)
    for y in range(2, 256, step):
        words = "Lorem ipsum dolor sit amet, consectetur elit sed do"
        draw.text((4, y), words, fill=ink, font=ImageFont.load_default(size))
    return np.asarray(picture, float) / 255


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(("size", "sigma"), [(0.027, 0.02), (0.05, 0.02), (0.1, 0.05)])
def test_offsets_are_told_from_the_picture(scene, size, sigma):
    picture, added = noisy(SCENES[scene], size, sigma)
    found = of(picture)
    assert found is not None
    assert np.std(found - added) < 0.5 * np.std(added)
    assert of(picture.T) is None


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("sigma", [0.0, 0.02, 0.1])
def test_pictures_without_them_have_none(scene, sigma):
    picture, _ = noisy(SCENES[scene], 0.0, sigma)
    assert of(picture) is None
    assert of(picture.T) is None


DRAWN = {
    "ramp": Y / 255,
    "a sine": 0.5 + 0.4 * np.sin(2.4 * Y),
    "bars of one row": np.random.default_rng(0).integers(0, 2, (256, 1)) * np.ones((1, 256)),
    "ruled": (Y % 5 == 0) * 1.0,
    "ruled closely": (Y % 3 == 0) * 1.0,
    "interlaced": (Y % 2) * 0.1,
    "blinds": (Y // 3) % 2 * 0.5,
    "checkered": (X + Y) % 2 * 1.0,
    "horizon": (Y > 100) * 0.5 + (Y == 180) * 0.3,
    **{f"page of {size}": page(size, size + 3, 0, 255) for size in (7, 9, 12, 24)},
    "gray page": page(9, 12, 30, 240),
    "pale page": page(14, 17, 60, 200),
}


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("sigma", [0.0, 0.02, 0.05, 0.1])
def test_drawings_and_pages_have_none(kind, sigma):
    picture, _ = noisy(DRAWN[kind], 0.0, sigma)
    assert of(picture) is None
    assert of(picture.T) is None


def test_clean_photographs_have_none():
    files = sorted((ROOT / "clean" / "CBSD68").glob("*.png"))[::3]
    if not files:
        pytest.skip(f"no clean pictures in {ROOT}")
    for path in files:
        green = np.asarray(Image.open(path).convert("RGB"), float)[..., 1]
        assert of(green) is None, path.name
        assert of(green.T) is None, path.name


def test_holes_and_saturated_parts_have_no_say():
    picture, added = noisy(SCENES["camera"], 0.027, 0.02)
    picture[:, 60:120] = 7.0
    picture[150:200, 130:] = 1.0
    found = of(picture)
    assert found is not None
    assert np.std(found - added) < 0.5 * np.std(added)


@settings(max_examples=50, deadline=None)
@given(
    scene=st.sampled_from(["camera", "coins", "bricks"]),
    size=st.sampled_from([0.0, 0.03, 0.06]),
    gain=st.sampled_from([1.0, 255.0, 65535.0, 1e-4, -3.0]),
    offset=st.sampled_from([0.0, -1000.0, 0.25]),
    turned=st.sampled_from([(), (0,), (1,), (0, 1)]),
    border=st.sampled_from([0, 3, 40]),
    value=st.sampled_from([0.0, 1.0, 0.37]),
    cut=st.integers(0, 30),
)
def test_what_is_found_does_not_depend_on_storage_flip_border_or_crop(
    scene, size, gain, offset, turned, border, value, cut
):
    picture, added = noisy(SCENES[scene], size, 0.02)
    height, width = picture.shape
    inner, own = picture[cut : height - cut, cut : width - cut], added[cut : height - cut]
    seen = np.flip(np.pad(inner, border, constant_values=value), turned) * gain + offset
    found = of(seen)
    if size == 0:
        assert found is None
        return
    assert found is not None
    found = (found[::-1] if 0 in turned else found)[border : len(found) - border] / gain
    assert np.std(found - own) < 0.45 * np.std(own)


@pytest.mark.parametrize("values", [3, 10, 10**6])
def test_rank_correlation_is_that_of_scipy_also_with_ties(values):
    draws = np.random.default_rng(values)
    one = draws.integers(0, values, 60).astype(float)
    other = one / values + draws.normal(size=60).round(1)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-9)
    assert rank_correlation(one, np.zeros(60)) == 0.0
