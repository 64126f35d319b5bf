"""The dots of a printed picture are neither stripes nor noise."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

import pellucid
from pellucid.noise import screen
from pellucid.noise.analysis import analyse
from pellucid.noise.report import Periodic
from pellucid.noise.stripes import waves

PICTURES = (data.camera()[100:260, 120:280], data.coins()[40:200, 40:200], data.moon()[100:260, 100:260])


def printed(number, period, angle, hardness=3.0):
    """A gray picture as dots of many sizes, in rows at an angle."""
    gray = PICTURES[number].astype(float) / 255
    y, x = np.mgrid[: gray.shape[0], : gray.shape[1]]
    turn = np.deg2rad(angle)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    waves = np.cos(2 * np.pi / period * along) + np.cos(2 * np.pi / period * across)
    return (255 / (1 + np.exp(-hardness * (4 * (gray - 0.5) + waves)))).round().astype(np.uint8)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.integers(0, 2),
    st.floats(3.3, 10),
    st.floats(10, 80),
    st.sampled_from([(1.0, 0.0), (1 / 255, 0.0), (200.0, -3000.0)]),
)
def test_a_printed_picture_comes_back_as_it_is(number, period, angle, stored):
    dots = printed(number, period, angle).astype(np.float32) * stored[0] + np.float32(stored[1])
    np.testing.assert_array_equal(np.asarray(pellucid.denoise(dots)), dots)


@pytest.mark.parametrize("angle", [15, 45])
def test_dots_are_no_stripes(angle):
    dots = printed(1, 5, angle) / 255
    assert waves(dots, np.ones(dots.shape, bool)) == ()


def test_noise_on_dots_does_not_make_them_noise():
    noisy = printed(1, 5, 30) + np.random.default_rng(0).normal(0, 10, (160, 160))
    level = analyse(torch.from_numpy(noisy / 255).float()[None, None], color=False).level
    assert level < 12 / 255


def test_stripes_one_way_and_weak_grids_are_no_dots():
    def wave(down, across, amplitude):
        return Periodic(frequency=(down, across), amplitude=amplitude)

    assert screen.screened([wave(0.0, 0.2, 0.3), wave(0.0, 0.4, 0.2), wave(0.05, 0.19, 0.3)]) == 0
    assert screen.screened([wave(0.0, 0.125, 0.02), wave(0.125, 0.0, 0.02)]) == 0
    assert screen.screened([wave(0.1, 0.2, 0.3), wave(-0.2, 0.1, 0.2)]) == 1
