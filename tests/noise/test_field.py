"""Noise that varies smoothly over the field is told from texture, brightness and chance."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

import pellucid
from pellucid.noise import field
from pellucid.request import Inspect
from pellucid.run.verbs import inspected

SIDE = 192
PICTURES = {
    "camera": lambda: data.camera()[40 : 40 + SIDE, 150 : 150 + SIDE] / 255,
    "coins": lambda: data.coins()[40 : 40 + SIDE, 40 : 40 + SIDE] / 255,
    "moon": lambda: data.moon()[150 : 150 + SIDE, 150 : 150 + SIDE] / 255,
    "cell": lambda: data.cell()[200 : 200 + SIDE, 150 : 150 + SIDE] / 255,
    "astronaut": lambda: data.astronaut()[: 2 * SIDE, 100 : 100 + 2 * SIDE, 1] / 255,
}
Y, X = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
FIELDS = {
    "across": 0.03 * 4 ** ((X + 1) / 2),
    "aslant": 0.03 * 4 ** ((X - Y + 2) / 4),
    "corners": 0.03 * 4 ** ((X * X + Y * Y) / 2),
}
few = settings(max_examples=15, deadline=None, derandomize=True)


def noise(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@cache
def varied(kind, over, seed=0):
    clean = PICTURES[kind]()
    return clean + noise(clean.shape, seed) * FIELDS[over]


def found(picture):
    return field.find(torch.from_numpy(np.ascontiguousarray(picture, np.float32))[None, None])


@pytest.mark.parametrize("over", FIELDS)
@pytest.mark.parametrize("kind", ["camera", "coins", "moon", "cell"])
def test_a_field_is_found_near_the_truth(kind, over):
    told = found(varied(kind, over))
    assert told is not None
    off = np.log(told.map(SIDE, SIDE) / FIELDS[over])
    assert np.sqrt(np.mean(off**2)) < 0.25


def test_a_bump_and_a_small_picture():
    clean, bump = PICTURES["moon"](), 0.02 + 0.1 * np.exp(-3 * (X * X + Y * Y))
    told = found(clean + noise(clean.shape) * bump)
    assert np.sqrt(np.mean(np.log(told.map(SIDE, SIDE) / bump) ** 2)) < 0.25
    small = clean[:112, :112] + noise((112, 112)) * np.geomspace(0.03, 0.12, 112)
    assert found(small) is not None


@few
@given(
    st.sampled_from(["camera", "moon"]),
    st.sampled_from(["border", "flip", "turn", "moved", "hot", "hole"]),
    st.floats(-3, 3),
)
def test_what_is_around_and_how_it_is_stored_changes_no_field(kind, change, number):
    picture = varied(kind, "across")
    plain, scale = found(picture).map(SIDE, SIDE), 1.0
    if change == "border":
        told = found(np.pad(picture, ((9, 0), (30, 5)), constant_values=number)).map(SIDE + 9, SIDE + 35)
        told = told[9:, 30:-5]
    elif change == "flip":
        told = found(picture[:, ::-1]).map(SIDE, SIDE)[:, ::-1]
    elif change == "turn":
        told = found(picture.T).map(SIDE, SIDE).T
    elif change == "moved":
        scale = 10.0**number
        told = found(scale * (picture + number)).map(SIDE, SIDE)
    elif change == "hot":
        told = found(np.where(np.arange(SIDE**2).reshape(SIDE, SIDE) % 5003 == 7, 50.0, picture)).map(
            SIDE, SIDE
        )
    else:
        told = found(np.where((X > 0.5) & (Y > 0.5), number, picture)).map(SIDE, SIDE)
    assert np.abs(np.log(told / scale / plain)).max() < 0.25


EVEN = {
    "white": lambda clean, seed: clean + 0.03 * noise(clean.shape, seed),
    "strong": lambda clean, seed: clean + 0.12 * noise(clean.shape, seed),
    "photons": lambda clean, seed: np.random.default_rng(seed).poisson(clean * 60) / 60,
    "camera": lambda clean, seed: (
        np.clip(np.random.default_rng(seed).poisson(clean**2.2 * 300) / 300, 0, 1) ** (1 / 2.2)
    ),
    "none": lambda clean, seed: clean,
}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("even", EVEN)
def test_even_noise_photons_and_texture_are_no_field(kind, even):
    for seed in range(3):
        assert found(EVEN[even](PICTURES[kind](), seed)) is None


def test_sharp_ground_below_a_smooth_sky_is_no_field():
    """Texture that grows from top to bottom, as grass before a sky, without any noise and with a little."""
    ground = noise((SIDE, SIDE), 5)
    ground = (ground + np.roll(ground, 1, 1) + np.roll(ground, 1, 0)) * np.linspace(0, 0.1, SIDE)[:, None]
    assert found(0.5 + ground) is None
    assert found(0.5 + ground + 0.01 * noise((SIDE, SIDE))) is None


def test_the_filter_uses_it_and_says_so():
    clean, noisy = PICTURES["camera"](), varied("camera", "across").astype(np.float32)
    state = inspected(noisy, Inspect())
    assert state.choice.method == "bm3d"
    assert "varies smoothly over the field" in state.choice.reason
    assert state.noise.to_json()["drift"]["most_file_units"] == pytest.approx(0.12, rel=0.2)
    result = pellucid.denoise(noisy, return_result=True)
    told = pellucid.denoise(noisy, sigma=FIELDS["across"])
    level = float(np.sqrt(np.mean(FIELDS["across"] ** 2)))
    even = pellucid.denoise(noisy, sigma=level)

    def loss(picture):
        return float(np.mean((picture - clean) ** 2))

    assert result.trust.level == "high"
    assert loss(result.estimate[0, 0]) < 1.1 * loss(told)
    assert loss(result.estimate[0, 0]) < 0.9 * loss(even)


def test_colours_show_it_in_their_chroma():
    clean = data.astronaut()[100:292, 100:292] / 255
    noisy = (255 * (clean + noise(clean.shape) * FIELDS["across"][..., None])).clip(0, 255).round()
    report = pellucid.inspect(noisy.astype(np.uint8), channel_axis=-1)
    assert report.drift is not None
    assert report.drift.ends[1] == pytest.approx(0.12, rel=0.25)
    even = (255 * (clean + 0.06 * noise(clean.shape))).clip(0, 255).round()
    assert pellucid.inspect(even.astype(np.uint8), channel_axis=-1).drift is None


def test_a_stated_level_is_obeyed_and_asked_methods_use_the_field():
    noisy = varied("camera", "across").astype(np.float32)
    assert pellucid.denoise(noisy, sigma=0.05, return_result=True).noise.drift is None
    asked = pellucid.denoise(noisy, "nlm", return_result=True)
    even = pellucid.denoise(noisy, "nlm", sigma=0.07)
    clean = PICTURES["camera"]()
    assert np.mean((asked.estimate[0, 0] - clean) ** 2) < np.mean((even - clean) ** 2)
