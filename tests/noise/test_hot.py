"""Hot and dead pixels: found where the rest of a picture could not have made them, and stars left alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from skimage import data

from pellucid.noise import hot

DRAWS = np.random.default_rng(0)
SCENE = data.camera()[100:180, 180:270].astype(float) / 255
FRAME = 400 + DRAWS.poisson(300 * SCENE) + DRAWS.normal(0, 3, SCENE.shape)
PLACES = {(9, 7): 65535.0, (0, 0): 30000.0, (79, 40): 65535.0, (33, 60): 4095.0}


def spoilt(frame=FRAME, places=PLACES):
    frame = frame.copy()
    for place, value in places.items():
        frame[place] = value
    return frame


def as_set(found):
    return {(int(y), int(x)) for y, x in found}


def stars(seed=7):
    """Sources of one pixel, ten standard deviations above the sky, in 8 bits."""
    draws = np.random.default_rng(seed)
    sky = np.full((256, 256), 14.0)
    for y, x in draws.integers(2, 254, (700, 2)):
        sky[y, x] = 54
    return np.clip(sky + draws.normal(0, 4, sky.shape), 0, 255).round().astype(np.uint8)


def test_hot_pixels_are_found_at_borders_and_corners_too():
    found = hot.find(spoilt())
    assert as_set(found.hot) == set(PLACES)
    assert not len(found.dead)


def test_dead_pixels_are_found_where_zero_is_the_limit_of_the_type():
    frame = spoilt(places={(5, 5): 0.0, (50, 61): 0.0})
    assert as_set(hot.find(frame, limits=(0, 65535)).dead) == {(5, 5), (50, 61)}
    assert not len(hot.find(frame).places)


@pytest.mark.parametrize("seed", range(3))
def test_stars_of_one_pixel_are_kept(seed):
    sky = stars(seed)
    sky[100, 100], sky[50, 70] = 130, 200
    assert not len(hot.find(sky, limits=(0, 255)).places)


def test_a_bright_star_whose_light_spreads_is_kept():
    lights = np.zeros((80, 90))
    lights[40, 40] = 3e5
    assert not len(hot.find(FRAME + gaussian_filter(lights, 0.7)).places)


def test_salt_and_pepper_is_left_to_a_filter_of_its_own():
    frame, spots = FRAME.copy(), np.random.default_rng(1).random(FRAME.shape)
    frame[spots < 0.02], frame[spots > 0.98] = 0, 65535
    assert not len(hot.find(frame, limits=(0, 65535)).places)


@pytest.mark.parametrize("name", ["camera", "page", "text", "coins", "moon", "clock", "astronaut", "coffee"])
def test_nothing_is_found_in_ordinary_pictures(name):
    picture = np.atleast_3d(getattr(data, name)())
    for channel in range(picture.shape[2]):
        assert not len(hot.find(picture[..., channel], limits=(0, 255)).places)


def test_a_drawn_point_is_a_drawing():
    drawn = np.zeros((60, 60))
    drawn[30, 30] = 255
    assert not len(hot.find(drawn, limits=(0, 255)).places)


def test_what_stays_in_all_frames_is_found_though_no_frame_shows_it_for_sure():
    draws = np.random.default_rng(3)
    film = [np.roll(SCENE, (k, 2 * k), (0, 1)) * 300 + draws.normal(0, 6, SCENE.shape) for k in range(8)]
    film = np.stack(film)
    film[:, 20, 33] += 60
    film[:, 70, 60] -= 150
    found = hot.staying(film)
    assert as_set(found.hot) == {(20, 33)}
    assert as_set(found.dead) == {(70, 60)}
    assert not len(hot.staying(film[:2]).places)


def test_stars_that_stay_are_the_picture():
    draws = np.random.default_rng(4)
    assert not len(hot.staying(stars() + draws.normal(0, 4, (5, 256, 256))).places)


def test_holes_say_nothing():
    frame, holes = spoilt(), np.zeros(FRAME.shape, bool)
    holes[30:36, 58:64] = True
    frame[holes] = 1e6
    found = hot.find(frame, holes)
    assert as_set(found.hot) == set(PLACES) - {(33, 60)}
    mended = hot.mended(frame, found, holes)
    assert mended[~holes].max() < 1000
    assert (mended[holes] == 1e6).all()


@settings(max_examples=50, deadline=None)
@given(
    gain=st.sampled_from([1.0, 1 / 65535, 1e-6, 37.0, -2.0]),
    offset=st.sampled_from([0.0, -1000.0, 0.3, 2e5]),
    turned=st.sampled_from([(), (0,), (1,), (0, 1)]),
    border=st.integers(0, 9),
    value=st.sampled_from([0.0, 400.0, 65535.0]),
    cut=st.integers(0, 6),
)
def test_what_is_found_does_not_depend_on_storage_flip_border_or_crop(
    gain, offset, turned, border, value, cut
):
    frame = spoilt()
    side = frame[cut : 80 - cut, cut : 90 - cut]
    expected = {(y - cut, x - cut) for y, x in PLACES if cut <= y < 80 - cut and cut <= x < 90 - cut}
    if (
        border
    ):  # beside a border a pixel has fewer neighbours, and one of the border's own value is part of it
        expected = {p for p in expected if 0 < p[0] < len(side) - 1 and 0 < p[1] < side.shape[1] - 1}
        side = side.copy()
        side[[0, -1]], side[:, [0, -1]] = FRAME[cut, cut], FRAME[cut, cut]
    seen = np.pad(side, border, constant_values=value)
    expected = {(y + border, x + border) for y, x in expected}
    height, width = seen.shape
    if 0 in turned:
        expected = {(height - 1 - y, x) for y, x in expected}
    if 1 in turned:
        expected = {(y, width - 1 - x) for y, x in expected}
    found = hot.find(np.flip(seen, turned) * gain + offset)
    assert as_set(found.hot if gain > 0 else found.dead) == expected


@pytest.mark.parametrize("seed", range(20))
def test_the_quick_no_is_never_said_where_a_pixel_would_be_found(seed):
    draws = np.random.default_rng(seed)
    frame = draws.normal(100, 5, (40, 50))
    for height in draws.choice([-400, -90, -40, 40, 90, 400], 2):
        frame[draws.integers(40), draws.integers(50)] += height
    known = np.ones(frame.shape, bool)
    possible = hot._possible(frame, known)
    found = [len(hot._beyond(sign * frame, known, np.inf)) > 0 for sign in (1, -1)]
    assert all(able or not there for able, there in zip(possible, found, strict=True))
