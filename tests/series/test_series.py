"""What goes on along the axis of a stack: known films, and laws that every film obeys."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage import data

from pellucid.noise.report import NoiseReport
from pellucid.series import Series, measure, words

SIDE, FRAMES = 96, 10
Y, X = np.mgrid[:SIDE, :SIDE].astype(float)


def turning(picture: np.ndarray, frames: int = FRAMES, speed: float = 1.0) -> np.ndarray:
    """A picture past which a camera turns: (T, H, W), 0 to 1."""
    places = [(Y + 90 + 1.5 * speed * t, X + 170 - 0.7 * speed * t) for t in range(frames)]
    return np.stack([map_coordinates(picture / 255.0, place, order=3) for place in places]).clip(0, 1)


CAMERA = turning(data.camera())
COINS = np.stack([data.coins()[60:156, 60:156] / 255] * 4)


def white(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def seen(film: np.ndarray, sigma: float, axis: str = "T") -> Series:
    """The series of (T, H, W) whose level is told."""
    pixels = torch.from_numpy(np.asarray(film, np.float32))[:, None]
    return measure(pixels, range(len(film)), axis, [NoiseReport.white(sigma, 1)])


def noisy(clean: np.ndarray, sigma: float = 0.05, seed: int = 0) -> np.ndarray:
    return clean + sigma * white(clean.shape, seed)


@pytest.mark.parametrize("sigma", [0.02, 0.08, 0.2])
def test_of_an_even_film_nothing_is_said_but_its_movement(sigma):
    found = seen(noisy(CAMERA, sigma), sigma)
    assert found.scenes == (tuple(range(FRAMES)),)
    assert found.blank == ()
    assert not found.shares_noise
    assert not found.interlaced
    assert found.alike > 0.98
    assert found.left == pytest.approx(1, abs=0.03)
    assert found.flicker < 0.01
    assert 1 < found.shift < 2.5  # it moves by (-1.5, 0.7) pixels


@pytest.mark.parametrize("lag", [0.3, 0.6])
def test_the_lag_of_a_scanner_is_the_correlation_of_its_noise(lag):
    drawn = [white(CAMERA.shape[1:], 100)]
    for t in range(FRAMES + 3):
        drawn.append(lag * drawn[-1] + np.sqrt(1 - lag**2) * white(CAMERA.shape[1:], t))
    found = seen(CAMERA + 0.05 * np.stack(drawn[4:]), 0.05)
    assert found.shared == pytest.approx(lag, abs=0.1)
    assert found.shares_noise
    assert "shares noise with the next one" in words(found)


def test_what_stays_at_its_place_is_no_noise_that_is_shared():
    """Fine texture and the pattern of a sensor are the same in all frames, however far apart."""
    still = np.repeat(0.5 + 0.05 * white((1, SIDE, SIDE), 7), FRAMES, 0)
    assert not seen(noisy(still), 0.07).shares_noise


@pytest.mark.parametrize("sigma", [0.02, 0.08])
def test_rows_of_different_times_are_told_from_rows_of_one(sigma):
    half = turning(data.camera(), 2 * FRAMES, 0.7)
    progressive, fields = half[::2], half[::2].copy()
    fields[:, 1::2] = half[1::2, 1::2]
    assert seen(noisy(fields, sigma), sigma).interlaced
    assert not seen(noisy(progressive, sigma), sigma).interlaced
    still = np.repeat(half[:1], FRAMES, 0)
    assert not seen(noisy(still, sigma), sigma).interlaced


def test_bleaching_and_flicker_are_measured():
    bleached = seen(noisy(CAMERA * np.exp(-0.05 * np.arange(FRAMES))[:, None, None]), 0.05)
    assert bleached.left == pytest.approx(np.exp(-0.05 * (FRAMES - 1)), abs=0.03)
    assert bleached.flicker < 0.015
    light = 1 + 0.1 * np.tile([1, -1], FRAMES // 2)
    flicker = seen(noisy(CAMERA * light[:, None, None]), 0.05)
    assert flicker.flicker == pytest.approx(
        0.1 * np.sqrt(4 / 1.5), rel=0.25
    )  # each lies 0.2 off its neighbours
    assert flicker.left == pytest.approx(1, abs=0.1)
    assert "it is kept" in words(flicker)


def test_cuts_and_blank_frames():
    film = np.concatenate([CAMERA[:4], COINS, CAMERA[4:]])
    film[6], film[11] = 0.0, 0.1
    found = seen(noisy(film), 0.05)
    assert found.scenes == ((0, 1, 2, 3), (4, 5), (6,), (7,), (8, 9, 10), (11,), (12, 13))
    assert found.blank == (6, 11)
    assert "Nothing is seen in frame 7, 12." in words(found)
    assert "Another scene begins at frame 5, 9." in words(found)


def test_a_dark_frame_of_the_scene_is_not_blank():
    film = CAMERA.copy()
    film[5] *= 0.3
    assert seen(noisy(film, 0.02), 0.02).scenes == (tuple(range(FRAMES)),)


def test_faint_spots_under_much_noise_are_one_scene():
    """What noise does to the likeness of two frames is no cut."""
    draws = np.random.default_rng(1).uniform(5, SIDE - 5, (15, 2))
    spots = sum(np.exp(-((Y - y) ** 2 + (X - x) ** 2) / 8) for y, x in draws)
    film = np.repeat(0.1 + 0.1 * spots[None], FRAMES, 0)
    assert seen(noisy(film, 0.1), 0.1).scenes == (tuple(range(FRAMES)),)


def test_slices_of_fine_structure_are_one_volume_and_a_cut_is_still_seen():
    """Each slice is half like the next, here as everywhere in it."""
    rough = gaussian_filter(white((24, SIDE, SIDE), 5), (1.2, 1.5, 1.5))
    sheets = 0.05 + 0.8 * np.exp(-((rough / rough.std() / 0.35) ** 2))
    assert seen(noisy(sheets, 0.02), 0.02, "Z").scenes == (tuple(range(24)),)
    both = np.concatenate([sheets[:8], sheets[:7:-1]])
    assert seen(noisy(both, 0.02), 0.02, "Z").scenes == (tuple(range(8)), tuple(range(8, 24)))


def test_frames_that_show_other_things_do_not_help_and_it_is_said():
    rough = gaussian_filter(white((FRAMES, SIDE, SIDE), 5), (0, 2, 2))
    found = seen(noisy(0.5 + 0.15 * rough / rough.std()), 0.05)
    assert found.apart
    assert "too little to help each other" in words(found)


def comparable(one: Series) -> tuple:
    """What no change of units moves."""
    return one.scenes, one.blank, one.interlaced, one.shares_noise, round(one.shift, 1)


FILM = np.concatenate([noisy(CAMERA * np.linspace(1, 0.7, FRAMES)[:, None, None]), noisy(COINS, seed=3)])


def test_another_type_changes_nothing():
    whole = seen(FILM, 0.05)
    rounded = (FILM.clip(-1, 2) * 1000).round() / 1000
    other = seen(rounded, 0.05)
    assert comparable(other) == comparable(whole)
    assert other.left == pytest.approx(whole.left, abs=0.005)
    assert other.alike == pytest.approx(whole.alike, abs=0.005)


def test_an_offset_moves_means_alone():
    whole, moved = seen(FILM, 0.05), seen(FILM + 0.5, 0.05)
    assert comparable(moved) == comparable(whole)
    np.testing.assert_allclose(np.subtract(moved.mean, whole.mean), 0.5, atol=1e-5)
    assert moved.alike == pytest.approx(whole.alike, abs=0.002)


def test_a_crop_tells_nearly_the_same():
    whole, part = seen(FILM, 0.05), seen(FILM[:, 8:88, 8:88], 0.05)
    assert part.scenes == whole.scenes
    assert part.left == pytest.approx(whole.left, abs=0.06)
    assert part.alike == pytest.approx(whole.alike, abs=0.02)


def test_the_other_way_round_it_is_the_same_film():
    whole, back = seen(FILM, 0.05), seen(FILM[::-1].copy(), 0.05)
    count = len(FILM)
    there = tuple(tuple(count - 1 - i for i in reversed(scene)) for scene in reversed(whole.scenes))
    assert back.scenes == there
    assert back.left == pytest.approx(1 / whole.left, abs=0.06)
    assert back.shares_noise == whole.shares_noise
    assert back.alike == pytest.approx(whole.alike, abs=0.01)


def test_a_single_pair_and_tiny_frames_are_no_error():
    assert seen(FILM[:2], 0.05).shared is None
    tiny = seen(FILM[:5, :6, :7], 0.05)
    assert not tiny.interlaced
    assert tiny.shift == 0


def test_json_is_in_the_units_of_the_file_and_counts_from_one():
    one = replace(seen(FILM[:3], 0.05), scale=255.0)
    told = one.to_json()
    assert told["axis"] == "t"
    assert told["slices"] == [1, 2, 3]
    np.testing.assert_allclose(told["sigma_file_units"], 0.05 * 255)
    np.testing.assert_allclose(told["mean_file_units"], 255 * FILM[:3].mean((1, 2)), rtol=1e-5)


def test_channels_that_cancel_show_what_each_shows():
    """A bright field and its fluorescence: one is dark where the other is bright, at any share and offset."""
    film = noisy(np.concatenate([CAMERA[:5], np.zeros((1, SIDE, SIDE)), COINS]), 0.03)
    alone = seen(film, 0.03)
    for share, base in ((1.0, 0.0), (1.0, 1.0), (0.6, 3.0)):
        other = base - share * np.concatenate([CAMERA[:5], np.zeros((1, SIDE, SIDE)), COINS])
        both = torch.from_numpy(np.stack([film, noisy(other, 0.03, 9)], 1).astype(np.float32))
        found = measure(both, range(len(film)), "T", [NoiseReport.white(0.03, 2)])
        assert found.scenes == alone.scenes
        assert found.blank == alone.blank == (5,)
        assert found.alike == pytest.approx(alone.alike, abs=0.02)
