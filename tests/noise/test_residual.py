"""The figures of the last look: laws (storage, flips, borders, lone pixels) and what each of them sees."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import pellucid
from pellucid.noise import alive, residual, strokes

SIDE = 96


def scene(kind):
    """(clean, noisy) of (1, H, W), a photograph, a page or stars, with white noise."""
    draw = np.random.default_rng(3)
    if kind == "photograph":
        clean = skimage.data.camera()[100 : 100 + SIDE, 150 : 150 + SIDE] / 255.0
    elif kind == "page":
        clean = skimage.data.page()[20 : 20 + SIDE, 60 : 60 + SIDE] / 255.0
    else:
        clean = np.full((SIDE, SIDE), 0.1)
        clean[tuple(draw.integers(2, SIDE - 2, (2, 40)))] = 0.8
    return clean[None], clean[None] + draw.normal(0, 0.06, (1, SIDE, SIDE))


def spoilt(noisy):
    return ndimage.gaussian_filter(noisy, (0, 1.2, 1.2))


def figures(noisy, estimate):
    found = residual.measure(noisy, estimate)
    assert found is not None
    scaled = {"removed", "calm", "span", "white"}
    return np.array([v / found.span if name in scaled else v for name, v in asdict(found).items()])


@pytest.mark.parametrize("kind", ["photograph", "page", "stars"])
@settings(max_examples=8, deadline=None)
@given(factor=st.sampled_from([1e-3, 0.2, 1.0, 300.0]), start=st.sampled_from([-1000.0, 0.0, 0.3, 29000.0]))
def test_figures_do_not_depend_on_how_numbers_are_stored(kind, factor, start):
    _, noisy = scene(kind)
    if abs(start) > 1e4 * factor:
        start = 0.0  # float32 patches hold no more
    moved = figures(factor * noisy + start, factor * spoilt(noisy) + start)
    np.testing.assert_allclose(moved, figures(noisy, spoilt(noisy)), rtol=0.02, atol=0.01)


@pytest.mark.parametrize("kind", ["photograph", "page"])
def test_flips_change_no_figure_by_more_than_a_hair(kind):
    _, noisy = scene(kind)
    here = figures(noisy, spoilt(noisy))
    for turned in (lambda a: a[:, ::-1], lambda a: a[..., ::-1], lambda a: np.swapaxes(a, 1, 2)):
        there = figures(turned(noisy), turned(spoilt(noisy)))
        np.testing.assert_allclose(there, here, rtol=0.05, atol=0.02)


@pytest.mark.parametrize("kind", ["photograph", "page"])
@settings(max_examples=6, deadline=None)
@given(width=st.integers(1, 60), value=st.sampled_from([0.0, 0.5, 1.0, -3.0]))
def test_a_constant_border_changes_no_figure(kind, width, value):
    _, noisy = scene(kind)

    def framed(pixels):
        return np.pad(pixels, ((0, 0), (width, width), (width, width)), constant_values=value)

    bare, within = figures(noisy, spoilt(noisy)), figures(framed(noisy), framed(spoilt(noisy)))
    np.testing.assert_allclose(within, bare, rtol=1e-6, atol=1e-9)


def test_a_black_surround_changes_little():
    clean, noisy = scene("photograph")
    y, x = np.mgrid[:SIDE, :SIDE]
    round_one = np.hypot(y - 48, x - 48) < 44
    seen = residual.measure(np.where(round_one, noisy, 0.0), np.where(round_one, clean, 0.0))
    assert seen.removed == pytest.approx(0.06, rel=0.05)
    assert abs(seen.detail) < 0.1
    assert seen.stroke == 0
    assert seen.direction < 0.25


def test_clean_text_between_constant_gaps_is_looked_at():
    page = np.kron(np.random.default_rng(0).integers(0, 2, (24, 24)), np.ones((4, 4)))[None]
    found = residual.measure(page, ndimage.gaussian_filter(page, (0, 2, 2)))
    assert found is not None
    assert found.removed > 3 * found.white


def test_hot_and_dead_pixels_change_no_figure():
    clean, noisy = scene("photograph")
    hot = noisy.copy()
    hot[0, 20, 30], hot[0, 60, 61] = 40.0, -40.0
    np.testing.assert_allclose(figures(hot, clean)[:-1], figures(noisy, clean)[:-1], rtol=0.05, atol=0.02)


@pytest.mark.parametrize("kind", ["photograph", "page"])
def test_the_true_noise_has_neither_detail_nor_direction_nor_strokes(kind):
    clean, noisy = scene(kind)
    found = residual.measure(noisy, clean)
    assert found.removed == pytest.approx(0.06, rel=0.05)
    assert abs(found.detail) < 0.05
    assert found.direction < 0.25
    assert found.stroke == 0
    assert found.moved < 0.01


def test_correlated_noise_has_no_direction_either():
    clean, _ = scene("photograph")
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=clean.shape), (0, 1.5, 1.5))
    found = residual.measure(clean + 0.3 * noise, clean)
    assert found.oriented < 0.27
    assert found.stroke == 0
    assert found.shared > 0.6


def test_a_blur_takes_edges_along():
    _, noisy = scene("page")
    found = residual.measure(noisy, ndimage.gaussian_filter(noisy, (0, 2, 2)))
    assert found.direction > 0.28
    assert found.removed > 1.5 * found.white


@pytest.mark.parametrize("line", ["level", "slanted", "bright"])
def test_a_line_that_vanished_is_a_stroke(line):
    clean, noisy = scene("photograph")
    gone = noisy.copy()
    rows = np.full(50, 40) if line == "level" else np.arange(20, 70)
    gone[0, rows, np.arange(20, 70)] += 0.5 if line == "bright" else -0.5
    assert residual.measure(gone, clean).stroke >= 40


def test_scattered_impulses_are_no_stroke():
    clean, noisy = scene("photograph")
    draw = np.random.default_rng(5)
    hit = draw.random(clean.shape)
    speckled = np.where(hit < 0.03, 0.0, np.where(hit > 0.97, 1.0, noisy))
    assert residual.measure(speckled, clean).stroke < 12


def test_isolated_points_are_told_from_strokes():
    plane = np.random.default_rng(0).normal(size=(40, 40))
    plane[10, 10] = 30.0
    plane[20, 5:25] = 30.0
    found = strokes.isolated(plane, np.ones((40, 40), bool), 8.0)
    assert found[10, 10]
    assert not found[20, 6:24].any()


def test_few_patches_tell_no_level():
    draw = np.random.default_rng(0)
    small, large = draw.normal(0, 1, (3, 64, 64)), draw.normal(0, 1, (3, 160, 160))
    assert residual.measure(small, 0 * small).white == 0
    assert residual.measure(large, 0 * large).white == pytest.approx(1, rel=0.1)


def test_nothing_is_told_of_what_is_as_it_was():
    _, noisy = scene("page")
    assert residual.measure(noisy, noisy) is None
    assert residual.measure(np.zeros((1, 50, 50)), np.ones((1, 50, 50))) is None


@pytest.mark.parametrize("shape", [(1, 2000), (2000, 1), (3, 700), (600, 2)])
def test_a_line_longer_than_what_is_looked_at_is_one_part(shape):
    noisy = np.random.default_rng(0).normal(0.5, 0.06, shape).astype(np.float32)
    for rows, columns in alive.parts(noisy[None], noisy[None] * 0 + 0.5):
        assert noisy[rows, columns].size > 0
    assert float(pellucid.denoise(noisy, sigma=0.06).std()) < 0.95 * float(noisy.std())
