"""Patterns that are drawn are no patterns of a sensor; noise is no wider than the values where they heap."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from skimage import data

import pellucid
from pellucid.noise import analysis, values


def table(width=208, height=160, paper=255, ink=0):
    """A grid of lines with numbers in it, every 13 pixels."""
    sheet = Image.new("L", (width, height), paper)
    pen, draws = ImageDraw.Draw(sheet), np.random.default_rng(2)
    for y in range(0, height, 13):
        pen.line((0, y, width, y), fill=ink)
        for x in range(0, width, 42):
            pen.text((x + 2, y + 1), f"{draws.normal() * 100:.2f}", fill=ink)
    for x in range(0, width, 42):
        pen.line((x, 0, x, height), fill=ink)
    return np.asarray(sheet)


@pytest.mark.parametrize("inks", [(255, 0), (0, 255), (235, 90)])
def test_a_clean_table_comes_back_bit_for_bit(inks):
    sheet = table(paper=inks[0], ink=inks[1])
    np.testing.assert_array_equal(pellucid.denoise(sheet), sheet)


@pytest.mark.parametrize("sigma", [4, 12, 25])
def test_a_noisy_table_keeps_its_lines(sigma):
    sheet = table(paper=235, ink=40).astype(float)
    noisy = np.clip(sheet + np.random.default_rng(0).normal(0, sigma, sheet.shape), 0, 255).round()
    found = pellucid.denoise(noisy.astype(np.uint8)).astype(float)
    assert np.square(found - sheet).mean() <= 1.05 * np.square(noisy - sheet).mean()


def test_two_values_are_never_noise():
    """A code of single pixels, and dithering: nothing in them is flat."""
    coded = np.random.default_rng(0).integers(0, 2, (120, 120)).astype(np.uint8) * 255
    np.testing.assert_array_equal(pellucid.denoise(coded), coded)
    rows, columns = np.mgrid[:96, :128]
    dithered = ((rows * 7 + columns * 3) % 16 < columns / 8).astype(np.uint8) * 200 + 20
    np.testing.assert_array_equal(pellucid.denoise(dithered), dithered)


@pytest.mark.parametrize("sigma", [0.02, 0.05, 0.1])
def test_the_bound_holds_for_gaussian_noise_and_is_near_for_two_heaps(sigma):
    draw = torch.Generator().manual_seed(0)
    pictures = {
        "photograph": torch.from_numpy(data.camera()[:256, 100:356]).float() / 255,
        "heaps": (torch.rand(256, 256, generator=draw) > 0.4).float(),
    }
    for kind, clean in pictures.items():
        noisy = (clean + sigma * torch.randn(clean.shape, generator=draw))[None]
        (most,) = values.look([noisy]).most
        assert most >= sigma
        if kind == "heaps":
            assert most <= 1.3 * sigma


@pytest.mark.parametrize("scale", [1.0, 200.0, 1000.0, 1700.0])
def test_the_bound_knows_no_lattice_for_noise(scale):
    """Whole numbers in a small picture of floats: the comb of a histogram is no heap of values."""
    noise = torch.randn(64, 80, generator=torch.Generator().manual_seed(0))
    clean = torch.from_numpy(data.camera()[100:164, 200:280]).float() / 255
    noisy = (clean + 0.03 * noise) * scale
    noisy = noisy.round() if scale > 1 else noisy
    (most,) = values.look([noisy[None]]).most
    assert most >= 0.03 * scale


def test_a_reading_that_is_doubted_altogether_changes_nothing(monkeypatch):
    noisy = (np.random.default_rng(0).normal(128, 20, (96, 96))).clip(0, 255).round().astype(np.uint8)
    read = analysis.reading.read

    def doubtful(*given, **more):
        found = read(*given, **more)
        return analysis.reading.Reading(found.variance, torch.full_like(found.doubt, 1.5))

    monkeypatch.setattr(analysis.reading, "read", doubtful)
    found = pellucid.denoise(noisy, return_result=True)
    assert found.method == "none"
    assert "can't be told apart" in found.reason


def test_a_dense_field_of_stars_is_no_shared_noise():
    """Blurred points everywhere have the spectrum of blurred noise; the finest detail knows better."""
    draws = np.random.default_rng(3)
    sky = np.zeros((160, 160))
    sky[tuple(draws.integers(2, 158, (2, 2500)))] = draws.uniform(200, 1200, 2500)
    truth = np.clip(20 + gaussian_filter(sky, 1.1), 0, 255)
    noisy = np.clip(truth + draws.normal(0, 5, truth.shape), 0, 255).round()
    found = pellucid.denoise(noisy.astype(np.uint8)).astype(float)
    assert np.square(found - truth).mean() < np.square(noisy - truth).mean()
