"""Impulses, black, white or of any value, are found in any type; strokes, stars and other noise are none."""

from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.ndimage import gaussian_filter
from skimage import data

import pellucid
from pellucid.noise import impulses

SIDE = 160
few = settings(max_examples=25, deadline=None, derandomize=True)
NAMES = ("camera", "moon", "coins", "cell", "page", "astronaut")
STARS = ("equal stars", "stars", "stars in a cloud", "blurred stars", "blurred stars in a cloud")
# values of the file per gray level, offset, type, least and largest value of the impulses
STORED = {
    "u8": (1.0, 0.0, np.uint8, 0, 255),
    "u16 at its limits": (12.0, 20000.0, np.uint16, 0, 65535),
    "u16 within": (12.0, 20000.0, np.uint16, 20000, 23060),
    "i16": (4.0, -700.0, np.int16, -700, 320),
    "float": (1 / 255, 0.0, np.float32, 0.0, 1.0),
    "float, offset": (1e-3, 3.0, np.float32, 3.0, 3.255),
}


@cache
def clean(name):
    picture = getattr(data, name)().astype(float)
    return picture[-SIDE:, 100 : 100 + SIDE]


def stored(name, kind, share, sigma, seed, alike=False, only=None):
    """A picture with Gaussian noise and impulses as a file has it, that without impulses, and the truth.

    Half of the impulses are black and half white, or all are of the one kind that is named, or of any value.
    """
    factor, offset, dtype, low, high = STORED[kind]
    draws, truth = np.random.default_rng(seed), clean(name)
    beneath = truth + draws.normal(0, sigma, truth.shape)
    if dtype is np.uint8:
        beneath = np.clip(beneath, 0, 255)
    chance = draws.random(truth.shape[:2] if alike else truth.shape)
    chance = chance[..., None] if chance.ndim < truth.ndim else chance
    parts = {None: (share / 2, share / 2), "pepper": (share, 0), "salt": (0, share), "any": (0, 0)}
    black, white = parts[only]
    if only == "any":
        anything = draws.uniform(0, 255, truth.shape)
        beneath = np.where(draws.random(truth.shape) < share, anything, beneath)
    values = np.where(chance < black, low, factor * beneath + offset)
    values = np.where(chance > 1 - white, high, values)
    whole = np.issubdtype(dtype, np.integer)
    return (np.round(values) if whole else values).astype(dtype), factor * truth + offset, factor


def read(picture):
    pixels = torch.from_numpy(np.ascontiguousarray(picture, np.float32))
    return impulses.find([pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)])


@few
@given(
    name=st.sampled_from(NAMES),
    kind=st.sampled_from(sorted(STORED)),
    share=st.floats(0.01, 0.4),
    sigma=st.sampled_from([0.0, 8.0, 16.0]),
    seed=st.integers(0, 9),
    alike=st.booleans(),
)
def test_any_share_is_told_in_any_type_whatever_noise_is_beneath(name, kind, share, sigma, seed, alike):
    picture, _, _ = stored(name, kind, share, sigma, seed, alike)
    found = read(picture)
    assert found is not None
    assert found.share == pytest.approx(share, rel=0.2, abs=0.003)


@few
@given(
    name=st.sampled_from(NAMES),
    kind=st.sampled_from(sorted(STORED)),
    only=st.sampled_from(["pepper", "salt"]),
    share=st.floats(0.07, 0.4),
    sigma=st.sampled_from([0.0, 12.0]),
    seed=st.integers(0, 9),
)
def test_one_kind_alone_is_told(name, kind, only, share, sigma, seed):
    """Some pixels of a sensor are blind, or saturate."""
    picture, _, _ = stored(name, kind, share, sigma, seed, only=only)
    found = read(picture)
    assert found is not None
    assert found.share == pytest.approx(share, rel=0.2)
    assert np.isnan(found.high if only == "pepper" else found.low)


@few
@given(
    name=st.sampled_from(["moon", "coins", "cell", "astronaut"]),
    kind=st.sampled_from(sorted(STORED)),
    share=st.floats(0.03, 0.15),
    sigma=st.sampled_from([0.0, 8.0]),
    seed=st.integers(0, 9),
)
def test_those_of_any_value_are_told(name, kind, share, sigma, seed):
    picture, _, _ = stored(name, kind, share, sigma, seed, only="any")
    found = read(picture)
    assert found is not None
    assert np.isnan([found.low, found.high]).all()
    # what differs from its surroundings no more than these do is not counted, and fine detail is
    assert found.share == pytest.approx(share, rel=0.5, abs=0.02)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(["moon", "coins", "astronaut"]),
    kind=st.sampled_from(sorted(STORED)),
    share=st.sampled_from([0.005, 0.15, 0.3, 0.4]),
    sigma=st.sampled_from([0.0, 15.0]),
    only=st.sampled_from([None, "pepper", "salt", "any"]),
)
def test_it_goes_and_so_does_the_noise_beneath(name, kind, share, sigma, only):
    share = min(max(share, 0.03), 0.2 if only == "any" else 0.4) if only else share
    picture, truth, factor = stored(name, kind, share, sigma, 0, only=only)
    result = pellucid.denoise(picture, channel_axis=-1 if picture.ndim == 3 else None)
    error = float(np.sqrt(np.mean((result - truth) ** 2))) / factor
    # Gray levels; a fifth of the pixels may be lost, and the rest of them is less than the noise beneath.
    # Of any value those that differ little from what is around them stay.
    assert error < (6 if only == "any" else 2) + 28 * share + 0.45 * sigma


def sky(seed, *, cloud, spread):
    """Stars by their law (ten times fewer are ten times as bright), over a cloud or the dark."""
    draws = np.random.default_rng(seed)
    field = gaussian_filter(draws.normal(0, 1, (SIDE, SIDE)), 16)
    field = 30 + cloud * (field - field.min()) / np.ptp(field)
    stars = np.zeros((SIDE, SIDE))
    np.add.at(stars, tuple(draws.integers(0, SIDE, (2, 2000))), 30 * (draws.pareto(1, 2000) + 1))
    return field + (gaussian_filter(stars, spread) * 6 * spread if spread else stars)


def sheet(kind, seed):
    """What looks like it: marks of a few pixels, black and white on gray, print, codes, and stars."""
    paper = Image.new("L", (SIDE, SIDE), 128)
    pen, draws, font = ImageDraw.Draw(paper), np.random.default_rng(seed), ImageFont.load_default(9)
    photo = Image.fromarray(data.camera()[:SIDE, :SIDE])
    if kind == "dither":
        return np.asarray(photo.convert("RGB").quantize(6, dither=Image.Dither.FLOYDSTEINBERG).convert("L"))
    if kind == "codes":
        return np.repeat(np.repeat(draws.choice([0, 128, 255], (SIDE // 2, SIDE // 2)), 2, 0), 2, 1)
    if kind == "sharpened":
        noisy = np.clip(np.asarray(photo) + draws.normal(0, 20, (SIDE, SIDE)), 0, 255).astype(np.uint8)
        return np.asarray(Image.fromarray(noisy).filter(ImageFilter.UnsharpMask(1, 250, 0)))
    if kind == "equal stars":
        dark = draws.normal(40, 6, (SIDE, SIDE))
        dark[tuple(draws.integers(0, SIDE, (2, 300)))] = 255
        return dark
    if "star" in kind:
        return sky(seed, cloud=90 * ("cloud" in kind), spread=0.6 * ("blurred" in kind))
    for _ in range(400):
        x, y = (int(v) for v in draws.integers(0, SIDE, 2))
        colour = int(draws.choice([0, 255]))
        if kind == "letters":
            pen.text((x, y), str(draws.choice(list("abcde:;'"))), fill=colour, font=font)
        elif kind == "dashes":
            pen.line((x, y, x + 2, y), fill=colour)
        else:
            pen.line((x, y, *(int(v) for v in draws.integers(0, SIDE, 2))), fill=colour)
    return np.asarray(paper)


@few
@given(
    kind=st.sampled_from(["dither", "codes", "sharpened", "letters", "dashes", "lines", *STARS]),
    sigma=st.sampled_from([0.0, 5.0, 20.0]),
    seed=st.integers(0, 9),
)
def test_what_is_drawn_printed_sharpened_or_a_star_is_none(kind, sigma, seed):
    picture = sheet(kind, seed) + np.random.default_rng(seed).normal(0, sigma, (SIDE, SIDE))
    found = read(np.clip(np.round(picture), 0, 255))
    assert found is None or found.share < impulses.MUCH


@few
@given(
    name=st.sampled_from(NAMES),
    law=st.sampled_from(["gaussian", "laplace", "speckle", "photons"]),
    strength=st.floats(0.1, 1.0),
    contrast=st.floats(1, 3),
)
def test_no_other_noise_is_taken_for_it(name, law, strength, contrast):
    picture = np.clip((clean(name) - 128) * contrast + 128, 0, 255)
    draws = np.random.default_rng(1)
    noisy = {
        "gaussian": lambda: picture + draws.normal(0, 80 * strength, picture.shape),
        "laplace": lambda: picture + draws.laplace(0, 25 * strength, picture.shape),
        "speckle": lambda: picture * (1 + draws.normal(0, strength, picture.shape)),
        "photons": lambda: draws.poisson(picture * strength) / strength,
    }[law]()
    found = read(np.clip(np.round(noisy), 0, 255))
    assert found is None or found.share < impulses.MUCH


def test_hot_pixels_off_leaves_them_to_the_median():
    picture, _, _ = stored("camera", "u8", 0.1, 0.0, 0)
    result = pellucid.denoise(picture, hot_pixels="off", return_result=True)
    assert result.method == "median"
    assert not any("salt" in words for words in result.warnings)


def test_each_slice_of_a_stack_has_its_own():
    spoilt, truth, _ = stored("coins", "u8", 0.2, 0.0, 0)
    stack = np.stack([truth.astype(np.uint8), spoilt])
    result = pellucid.denoise(stack)
    alone = pellucid.denoise(spoilt)
    assert (result[0] == pellucid.denoise(stack[0])).all()
    assert np.abs(result[1].astype(float) - alone).mean() < 0.1


def test_a_level_that_was_stated_is_obeyed_as_it_was():
    picture, _, _ = stored("camera", "u8", 0.2, 0.0, 0)
    result = pellucid.denoise(picture, sigma=5 / 255, return_result=True)
    assert result.method != "median"
    assert not any("salt" in words for words in result.warnings)
