"""Counts of few photons are told by their own signs, however stored; nothing else is taken for them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from skimage import data

import pellucid
from pellucid.noise import photons
from pellucid.noise.analysis import analyse
from pellucid.request import Inspect
from pellucid.run.verbs import inspected

SIDE = 96
few = settings(max_examples=25, deadline=None, derandomize=True)
PICTURES = (data.camera()[60:, 190:], data.coins()[60:, 40:], data.moon()[100:, 100:], data.page()[20:, 20:])


def scene(number=0, side=SIDE):
    return 0.05 + PICTURES[number][:side, :side].astype(float) / 255


def counts(mean, seed=0, number=0, side=SIDE):
    clean = scene(number, side)
    return np.random.default_rng(seed).poisson(clean / clean.mean() * mean)


def found(picture):
    return photons.find(torch.from_numpy(np.asarray(picture, np.float32))[None, None])


@few
@given(
    st.sampled_from([0.2, 0.5, 1.0, 2.0, 5.0]),
    st.integers(0, 3),
    st.integers(0, 9),
    st.sampled_from([1.0, 10.0, 1 / 7, 12.75]),
    st.sampled_from([0.0, 100.0, -1000.0]),
    st.sampled_from(["", "border", "flip", "crop", "hot"]),
)
def test_counts_are_told_whatever_a_photon_is_worth_and_whatever_is_around(
    mean, number, seed, step, base, change
):
    picture = step * counts(mean, seed, number) + base
    picture = {
        "": lambda p: p,
        "border": lambda p: np.pad(p, ((0, 9), (14, 3)), constant_values=base + 7.3 * step),
        "flip": lambda p: p[::-1].T,
        "crop": lambda p: p[5:90, 3:92],
        "hot": lambda p: np.where(np.arange(p.size).reshape(p.shape) == 4000, 65535, p),
    }[change](picture)
    told = found(picture)
    assert told is not None
    assert told.step == pytest.approx(step, rel=0.01)
    assert told.base == pytest.approx(base, abs=0.05 * step)


def test_the_law_of_photons_is_the_report():
    report = pellucid.inspect(counts(0.5, side=128).astype(np.uint8))
    assert report.gain == pytest.approx((1 / 255,))
    assert report.sigma[0] * 255 == pytest.approx(np.sqrt(counts(0.5, side=128).mean()), rel=1e-3)
    assert report.clipped[0][0] == 0 == report.impulse
    assert report.to_json()["photons_per_pixel"] == pytest.approx(0.5, rel=0.05)


def text(ink, paper):
    sheet = Image.new("L", (SIDE, SIDE), paper)
    pen = ImageDraw.Draw(sheet)
    pen.multiline_text(
        (4, 4), "Few words, on\nwhich nothing\nhangs but the\nquestion what\nthey are\n", fill=ink
    )
    return np.asarray(sheet)


def labels():
    smooth = gaussian_filter(np.random.default_rng(1).normal(size=(SIDE, SIDE)), 4)
    return np.digitize(smooth, np.quantile(smooth, [0.3, 0.5, 0.7, 0.9]))


OTHERS = {
    "text": lambda n: text(3 * n + 1, 0),
    "paper": lambda n: text(10, 200 + n),
    "labels": lambda n: labels(),
    "two values": lambda n: scene(n) > 0.5,
    "ten levels": lambda n: np.rint(9 * scene(n)),
    "four levels": lambda n: np.rint(3 * scene(n)),
    "photograph": lambda n: np.rint(255 * scene(n)),
    "dim photograph": lambda n: np.rint(
        25 * scene(n) + np.random.default_rng(n).normal(0, 0.6, (SIDE, SIDE))
    ),
    "noise of one level": lambda n: np.rint(
        25 * scene(n) + np.random.default_rng(n).normal(0, 1.5, (SIDE, SIDE))
    ),
    "ten levels, dithered": lambda n: np.floor(9 * scene(n) + np.random.default_rng(n).random((SIDE, SIDE))),
    "blurred counts": lambda n: np.rint(gaussian_filter(counts(5.0, n, n).astype(float), 0.7)),
    "ct": lambda n: np.rint(1100 * scene(n) - 1000 + np.random.default_rng(n).normal(0, 30, (SIDE, SIDE))),
    "salt": lambda n: 255 * (np.random.default_rng(n).random((SIDE, SIDE)) < 0.1),
    "constant": lambda n: np.full((SIDE, SIDE), 3),
}


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("kind", OTHERS)
def test_nothing_else_is_taken_for_photons(kind, number):
    assert found(OTHERS[kind](number)) is None


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 3), st.integers(0, 99), st.integers(3, 30), st.floats(0, 0.7))
def test_lattices_of_few_values_are_no_photons(number, seed, values, noise):
    draws = np.random.default_rng(seed).normal(0, noise, (SIDE, SIDE))
    assert found(np.rint(np.clip(scene(number), 0, 1) * (values - 1) + draws)) is None


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    st.sampled_from([0, 1]),
    st.floats(3, 8),
    st.floats(0.04, 0.3),
    st.floats(4, 9),
    st.booleans(),
    st.integers(0, 9),
)
def test_heaps_of_counts_hide_no_noise(number, mean, reading, unit, colours, seed):
    """As of a camera that counts photons, shown in 8 bits, cut off at 0: each count is a heap of its own."""
    draws = np.random.default_rng(seed)
    clean = scene(number, 160) / scene(number, 160).mean() * mean
    clean = np.stack([clean, clean**0.8, 0.3 * clean]) if colours else clean[None]
    stored = (unit * (draws.poisson(clean) + reading * draws.normal(size=clean.shape))).clip(0, 255).round()
    level = analyse(torch.from_numpy(stored / 255).float()[None], color=colours).level
    truth = np.sqrt(np.square(stored - unit * clean).mean()) / 255
    assert 0.6 < level / truth < 1.4


def test_auto_takes_the_path_for_photons_and_says_so():
    state = inspected(counts(0.5).astype(np.float32), Inspect())
    assert state.choice.method == "photons"
    assert "few photons (0.5" in state.choice.reason
    brighter = inspected(counts(4.0).astype(np.float32), Inspect())
    assert brighter.choice.method == "photo"
    assert "few photons (4" in brighter.choice.reason


def test_slices_of_a_stack_are_told_one_by_one():
    dark, bright = counts(0.5), np.rint(150 * scene() + np.random.default_rng(0).normal(0, 9, (SIDE, SIDE)))
    state = inspected(np.stack([dark, bright]).clip(0, 255).astype(np.uint8), Inspect())
    assert [report.counts is not None for report in state.reports] == [True, False]
