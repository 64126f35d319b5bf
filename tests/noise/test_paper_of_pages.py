"""Pages: what paper tells of the noise between the strokes of small dense text."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter
from skimage import data

import pellucid
from pellucid.noise import paper
from pellucid.noise.analysis import analyse

SIDE = 224
LINE = "it was the age of wisdom and of foolishness (1859, p. 3) the epoch of belief: season of Light"
few = settings(max_examples=12, deadline=None, derandomize=True)


@cache
def text(size, gap, seed):
    """Lines of small words all over a page, 0 for paper and 1 for ink."""
    sheet = Image.new("L", (SIDE, SIDE), 0)
    pen, draws, font = ImageDraw.Draw(sheet), np.random.default_rng(seed), ImageFont.load_default(size)
    for y in range(2, SIDE, size + gap):
        pen.text((3, y), " ".join(draws.choice(LINE.split(), 30)), fill=255, font=font)
    return np.asarray(sheet) / 255


def noisy(page, light, ink, sigma, seed=0):
    """Bytes of a page with noise, cut off where they leave the range."""
    picture = light + (ink - light) * page + np.random.default_rng(seed).normal(0, sigma, page.shape)
    return np.clip(picture, 0, 255).round().astype(np.uint8)


def read(picture):
    return analyse(torch.from_numpy(picture.astype(np.float32) / 255)[None, None], color=False).level * 255


@few
@given(
    size=st.sampled_from([8, 9, 10, 12]),
    gap=st.integers(1, 4),
    sigma=st.floats(5, 24),
    room=st.floats(1, 3),
    ink=st.floats(0, 40),
    dark=st.booleans(),
    seed=st.integers(0, 3),
)
def test_paper_tells_the_level_however_dense_the_text_is(size, gap, sigma, room, ink, dark, seed):
    """Also where values are cut off a deviation above the paper."""
    light = 255 - room * sigma
    light, ink = (255 - light, 255 - ink) if dark else (light, ink)
    picture = noisy(text(size, gap, seed), light, ink, sigma, seed).astype(np.float32)
    ends = {"floor": 0.0} if dark else {"ceiling": 255.0}
    found = paper.find([torch.from_numpy(picture)[None]], step=1.0, **ends)
    assert found is not None
    assert abs(found.sigma[0] / sigma - 1) < 0.12


@few
@given(
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, SIDE - 1)), min_size=1, max_size=6),
    st.sampled_from([0.25, 0.5]),
    st.sampled_from([-30000.0, 60000.0]),
)
def test_a_few_values_between_those_of_the_lattice_and_extremes_change_nothing(places, between, extreme):
    """As where holes were filled: the least distance of two values is then no step of the paper's."""
    picture = noisy(text(9, 2, 0), 200, 30, 12.0).astype(np.float32)
    (alone,) = paper.find([torch.from_numpy(picture)[None]], step=1.0).sigma
    for number, (place, column) in enumerate(places):
        picture[place % SIDE, column] = extreme if number % 2 else picture[place % SIDE, column] + between
    (found,) = paper.find([torch.from_numpy(picture)[None]], step=between).sigma
    assert found == pytest.approx(alone, rel=0.01)


@few
@given(
    factor=st.sampled_from([1e-6, 0.01, 1.0, 300.0, 1e6]),
    shift=st.floats(-3, 3),
    turns=st.integers(0, 3),
    dark=st.booleans(),
)
def test_it_follows_a_change_of_units_and_turns(factor, shift, turns, dark):
    draws = np.random.default_rng(5)
    picture = 200 - 160 * text(9, 3, 1) + draws.normal(0, 15, (SIDE, SIDE))
    moved = (-1 if dark else 1) * factor * np.rot90(picture, turns) + 100 * shift * factor
    plain = paper.find([torch.from_numpy(picture.astype(np.float32))[None]]).sigma[0]
    found = paper.find([torch.from_numpy(np.ascontiguousarray(moved, np.float32))[None]]).sigma[0]
    assert abs(found / factor / plain - 1) < 0.05


def test_nothing_else_is_a_page():
    draws = np.random.default_rng(0)
    shared = gaussian_filter(draws.normal(size=(SIDE, SIDE)), 1.0)
    page = 230 - 190 * text(10, 3, 0)
    others = {
        "noise that pixels share": page + 15 * shared / shared.std(),
        "a clean page": page,
        "paper in the shade": page * np.linspace(0.5, 1, SIDE) + draws.normal(0, 6, page.shape),
        "brick": data.brick()[:SIDE, :SIDE],
        "grass": data.grass()[:SIDE, :SIDE],
        "camera": data.camera()[100 : 100 + SIDE, 100 : 100 + SIDE] + draws.normal(0, 10, page.shape),
        "noise": draws.normal(100, 10, page.shape),
        "coins": data.coins()[:SIDE, :SIDE] + draws.normal(0, 10, page.shape),
    }
    found = {name: paper.find([torch.from_numpy(x.astype(np.float32))[None]]) for name, x in others.items()}
    assert not {name: sigma for name, sigma in found.items() if sigma is not None}


@pytest.mark.parametrize(("size", "sigma", "light"), [(8, 8, 240), (9, 12, 245), (10, 24, 225)])
@pytest.mark.parametrize("dark", [False, True])
def test_dense_text_gains_and_its_level_is_read(size, sigma, light, dark):
    page = text(size, 2, 7)
    ends = (255 - light, 235) if dark else (light, 20)
    clean, picture = ends[0] + (ends[1] - ends[0]) * page, noisy(page, *ends, sigma, 7)
    assert abs(read(picture) / sigma - 1) < 0.12
    result = pellucid.denoise(picture)
    before, after = (float(np.mean((x - clean) ** 2)) for x in (picture.astype(float), result.astype(float)))
    assert 10 * np.log10(before / after) > 0.5


def test_strokes_at_the_end_of_the_range_are_no_impulses():
    """White letters of a pixel's width on black, with noise: half of their pixels are the largest value."""
    for seed in range(4):
        picture = noisy(text(11, 3, seed), 10, 235, 20, seed)
        report = analyse(torch.from_numpy(picture.astype(np.float32) / 255)[None, None], color=False)
        assert report.impulse == 0, seed


@pytest.mark.parametrize("name", ["camera", "moon", "coins"])
def test_salt_and_pepper_is_still_found(name):
    share, draws = 0.02, np.random.default_rng(0)
    clean = getattr(data, name)()[60:284, 100:324]
    place = draws.random(clean.shape)
    picture = np.where(place < share / 2, 0, np.where(place > 1 - share / 2, 255, clean))
    pixels = torch.from_numpy(picture.astype(np.float32) / 255)[None, None]
    assert 0.5 * share < analyse(pixels, color=False).impulse < 1.3 * share


def test_paper_of_which_nothing_shows_is_none(monkeypatch):
    """A fit may put its middle above all that was not cut off: a map as JPEG stopped with a traceback."""
    values = np.random.default_rng(0).normal(100, 5, (64, 64)).clip(0, 110)
    monkeypatch.setattr(paper, "_fit", lambda *told: (115.0, 1.0))
    assert paper._beyond(values, 110.0, 0.0) is None
