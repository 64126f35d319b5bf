"""The laws of the diagnosis: what it decides does not depend on how, or beside what, a picture is stored."""

import os
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from skimage import data

import pellucid
from pellucid.request import Inspect
from pellucid.run.verbs import inspected

SIDE = 112
TEXT = (
    "It was a page of small text,\nand on it stood in black\nwhat nobody had read, and\nso it was scanned.\n"
)
NOISE = {"photograph": 18.0, "page": 12.0, "coins": 10.0, "stars": 4.0}
INTEGERS = (np.uint8, np.uint16, np.int16, np.int32)
NIGHT = bool(os.environ.get("PELLUCID_NIGHT"))
"""`make night`: ten times as many examples, other ones each time"""
few = settings(max_examples=500 if NIGHT else 50, deadline=None, derandomize=not NIGHT)
fewer = settings(max_examples=50 if NIGHT else 5, deadline=None, derandomize=not NIGHT)
kinds = st.sampled_from(sorted(NOISE))
pictures = st.sampled_from(["photograph", "coins", "stars"])
"""the kinds of which a part tells as much as the whole: a few lines of small dense text do not"""


def page(paper=225, ink=40):
    """Two columns of small text on paper."""
    sheet = Image.new("L", (SIDE, SIDE), paper)
    pen = ImageDraw.Draw(sheet)
    pen.multiline_text((6, 8), TEXT + TEXT, fill=ink, spacing=2)
    return np.asarray(sheet).astype(float)


def drawing():
    """Thin lines, as of a technical drawing."""
    sheet = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(sheet)
    for i in range(8, 104, 16):
        pen.line((i, 4, 108 - i // 2, 107), fill=0)
        pen.ellipse((20, i - 6, 20 + i, i + 30), outline=90)
    return np.asarray(sheet).astype(float)


def stars():
    """Points of light of 1.2 pixels on a dark sky."""
    draws = np.random.default_rng(3)
    sky = np.zeros((SIDE, SIDE))
    for y, x in draws.integers(4, SIDE - 4, (70, 2)):
        sky[y, x] = draws.uniform(200, 1500)
    return np.clip(30 + gaussian_filter(sky, 1.2), 0, 190)


CLEAN = {
    "photograph": lambda: 40 + 0.6 * data.camera()[60 : 60 + SIDE, 190 : 190 + SIDE].astype(float),
    "page": lambda: 0.7 * page() + 30,
    "coins": lambda: 45 + 0.6 * data.coins()[60 : 60 + SIDE, 40 : 40 + SIDE].astype(float),
    "stars": stars,
}


@cache
def noisy(kind, seed=0, factor=1.0):
    """Whole numbers of 8 bits, none of them cut off at 0 or 255."""
    draws = np.random.default_rng([seed, sorted(NOISE).index(kind)])
    picture = CLEAN[kind]() + factor * NOISE[kind] * draws.standard_normal((SIDE, SIDE))
    return np.clip(picture.round(), 2, 253)


def decided(x):
    """Method, and the levels that were read and are removed, in units of the file."""
    state = inspected(x, Inspect())
    return state.choice.method, state.noise.level * state.noise.scale


@cache
def alone(kind):
    return decided(noisy(kind).astype(np.uint8))


@st.composite
def stored(draw):
    """A type, and a and b of a y + b that fit into it: y from 0 to 255."""
    dtype = draw(st.sampled_from((*INTEGERS, np.float32, np.float64)))
    if dtype is np.uint8:
        return dtype, 1, draw(st.integers(-2, 2))
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        a = draw(st.integers(1, (int(limits.max) - int(limits.min)) // 255))
        b = draw(st.integers(int(limits.min), int(limits.max) - 255 * a))
        return dtype, a, b
    a = 10.0 ** draw(st.floats(-9, 9))
    return dtype, a, a * draw(st.floats(-3e4, 3e4))


@few
@given(kinds, stored())
def test_another_type_and_range_changes_no_decision(kind, storage):
    dtype, a, b = storage
    method, level = decided((a * noisy(kind) + b).astype(dtype))
    assert method == alone(kind)[0]
    assert level / a == pytest.approx(alone(kind)[1], rel=0.02)


@cache
def cleaned(kind):
    return pellucid.denoise(noisy(kind), data_range=255.0)


@fewer
@given(kinds, stored())
def test_another_type_and_range_changes_the_result_by_rounding_only(kind, storage):
    """Filters compare and cut off: rounding may turn the scale for a block here and there."""
    dtype, a, b = storage
    whole = np.issubdtype(dtype, np.integer)
    found = pellucid.denoise((a * noisy(kind) + b).astype(dtype)).astype(float)
    off = np.abs((found - b) / a - cleaned(kind)) / NOISE[kind]
    rounding = 0.5 / a / NOISE[kind] if whole else 0.0
    assert float(np.sqrt(np.mean(np.maximum(off - rounding, 0) ** 2))) < 0.02
    assert float(off.max()) - rounding < 0.3


@few
@given(kinds, st.integers(1, 40), st.sampled_from([0, 1, 17, 128, 254, 255]))
def test_a_constant_border_changes_no_decision(kind, width, value):
    method, level = decided(np.pad(noisy(kind), width, constant_values=value).astype(np.uint8))
    assert method == alone(kind)[0]
    assert level == pytest.approx(alone(kind)[1], rel=0.1)


@st.composite
def parts(draw):
    """Where a picture shows nothing: outside a round field, or in a rectangle."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    if draw(st.booleans()):
        radius, (y, x) = draw(st.integers(48, 56)), (draw(st.integers(50, 61)) for _ in range(2))
        return (rows - y) ** 2 + (columns - x) ** 2 > radius**2
    (top, left), (height, width) = (
        (draw(st.integers(0, 70)) for _ in range(2)),
        (draw(st.integers(9, 40)) for _ in range(2)),
    )
    return (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)


@few
@given(pictures, parts(), st.sampled_from([0, 1, 17, 128, 254, 255]))
def test_constant_parts_of_any_shape_change_no_decision(kind, part, value):
    method, level = decided(np.where(part, value, noisy(kind)).astype(np.uint8))
    assert method == alone(kind)[0]
    assert level == pytest.approx(alone(kind)[1], rel=0.2)  # a fifth of the picture is missing


@fewer
@given(pictures, parts(), st.sampled_from([0, 255]), st.sampled_from([np.uint8, np.float32]))
def test_constant_parts_at_an_end_of_the_values_come_back_as_they_are(kind, part, value, dtype):
    """The surround of a round field, a saturated sky, a fill value: no noise is in them."""
    given_ = np.where(part, value, noisy(kind)).astype(dtype)
    found = pellucid.denoise(given_, data_range=255.0)
    np.testing.assert_array_equal(found[part], given_[part])
    assert not np.array_equal(found[~part], given_[~part])
    assert found[~part].mean() == pytest.approx(given_[~part].mean(), abs=0.3)


@few
@given(pictures, st.tuples(*[st.integers(0, 12)] * 4))
def test_a_crop_of_the_interior_decides_as_the_whole(kind, margins):
    top, left, below, right = margins
    method, level = decided(noisy(kind)[top : SIDE - below, left : SIDE - right].astype(np.uint8))
    assert method == alone(kind)[0]
    assert level == pytest.approx(alone(kind)[1], rel=0.15)


@fewer
@given(kinds, st.sampled_from([np.uint8, np.float32]))
def test_a_second_run_changes_little(kind, dtype):
    given_ = noisy(kind).astype(dtype)
    once = pellucid.denoise(given_, data_range=255.0)
    twice = pellucid.denoise(once, data_range=255.0)
    first, second = (
        float(np.sqrt(np.mean((a.astype(float) - b) ** 2))) for a, b in ((once, given_), (twice, once))
    )
    assert second <= first / 4


@few
@given(
    kinds,
    st.lists(st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1)), min_size=1, max_size=4),
    st.sampled_from(
        [(np.uint8, 0), (np.uint8, 255), (np.uint16, 65535), (np.int16, -32768), (np.float32, 1e6)]
    ),
)
def test_single_extreme_pixels_change_no_decision(kind, places, extreme):
    dtype, value = extreme
    spoilt = noisy(kind).astype(dtype)
    for place in places:
        spoilt[place] = value
    method, level = decided(spoilt)
    assert method == alone(kind)[0]
    assert level == pytest.approx(alone(kind)[1], rel=0.08)


@few
@given(kinds, st.integers(0, 7))
def test_flipped_or_turned_it_is_the_same_picture(kind, turn):
    turned = np.rot90(noisy(kind), turn % 4)
    method, level = decided(np.ascontiguousarray(turned.T if turn > 3 else turned).astype(np.uint8))
    assert method == alone(kind)[0]
    assert level == pytest.approx(alone(kind)[1], rel=0.1)


@st.composite
def clean(draw):
    """Whole numbers of any type and offset without noise."""
    kind = draw(st.sampled_from(["drawing", "page", "two values"]))
    values = {"drawing": drawing, "page": page, "two values": lambda: 255.0 * (page() > 128)}[kind]()
    dtype = draw(st.sampled_from(INTEGERS))
    limits = np.iinfo(dtype)
    room = (int(limits.max) - int(limits.min)) // 255
    a = draw(st.integers(1, max(room, 1)))
    b = draw(st.integers(int(limits.min), int(limits.max) - 255 * a))
    return (a * values + b).astype(dtype)


@few
@given(clean())
def test_a_clean_drawing_or_page_comes_back_bit_for_bit(picture):
    np.testing.assert_array_equal(pellucid.denoise(picture), picture)


@fewer
@given(st.permutations([0.25, 1.0, 2.0]), kinds)
def test_a_slice_in_a_stack_is_treated_as_alone(factors, kind):
    slices = [noisy(kind, 1, factor).astype(np.uint8) for factor in factors]
    state = inspected(np.stack(slices), Inspect())
    assert len(state.reports) == 3
    for report, choice, own in zip(state.reports, state.choices, slices, strict=True):
        method, level = decided(own)
        assert choice.method == method
        assert report.level * report.scale == pytest.approx(level, rel=0.02)
