"""Counts of few photons from end to end: they gain, their mean stays, and whole numbers get their advice."""

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

import pellucid
from photon_counts import counts, loss


@pytest.mark.parametrize("mean", [0.2, 0.5, 1.0, 3.0])
def test_few_photons_beat_a_blur_and_keep_their_mean(mean):
    clean, noisy = counts(mean)
    found = pellucid.denoise(noisy.astype(np.float32))
    blurred = min(loss(clean, gaussian_filter(noisy.astype(float), width)) for width in (1, 2, 3))
    assert loss(clean, found) < blurred
    assert found.mean() == pytest.approx(noisy.mean(), rel=1e-3)
    assert found.min() > -0.01 * mean


@pytest.mark.parametrize(
    ("dtype", "step", "base"), [("u1", 1, 0), ("u2", 1, 100), ("i2", 10, -300), ("i4", 1, 0), ("f8", 0.1, 5)]
)
def test_however_they_are_stored(dtype, step, base):
    noisy = counts(0.5)[1]
    plain = pellucid.denoise(noisy.astype(np.float32))
    found = pellucid.denoise((noisy * step + base).astype(dtype), dtype="float32").astype(float)
    assert np.abs((found - base) / step - plain).max() < 0.02


def test_a_border_changes_nothing_inside():
    noisy = counts(0.5)[1].astype(np.float32)
    framed = pellucid.denoise(np.pad(noisy, ((0, 20), (7, 0)), constant_values=9))
    assert np.abs(framed[:96, 7:] - pellucid.denoise(noisy)).max() < 1e-3
    assert (framed[96:] == 9).all()


def test_counts_that_whole_numbers_would_lose_stay_as_they_are():
    noisy = counts(0.2)[1].astype(np.uint8)
    result = pellucid.denoise(noisy, return_result=True)
    assert result.method == "none"
    assert "--dtype float32" in result.reason
    assert (pellucid.denoise(noisy) == noisy).all()
    assert pellucid.denoise(noisy, dtype="float32").std() < 0.5 * noisy.std()


def test_floats_of_any_integers_keep_their_units(tmp_path):
    """Also compressed TIFF with a predictor, which floats have another of."""
    noisy = np.random.default_rng(0).normal(900, 30, (64, 48)).astype(np.uint16)
    for options in ({}, {"compression": "deflate", "predictor": True}):
        tifffile.imwrite(tmp_path / "deep.tif", noisy, **options)
        image = pellucid.read(tmp_path / "deep.tif")
        result = pellucid.denoise(image, "nlm", dtype="float32")
        pellucid.write(result, tmp_path / "out.tif", overwrite=True)
        back = tifffile.imread(tmp_path / "out.tif")
        assert back.dtype == np.float32
        assert back.mean() == pytest.approx(noisy.mean(), rel=1e-4)
        assert (back % 1 != 0).mean() > 0.5


@pytest.mark.parametrize("mean", [0.5, 1.0, 2.5])
def test_whole_numbers_keep_the_mean_too(mean):
    noisy = counts(mean)[1].astype(np.uint16)
    assert pellucid.denoise(noisy).mean() == pytest.approx(noisy.mean(), rel=0.01)
    bytes_of = pellucid.denoise(np.stack([noisy] * 3, -1).astype(np.uint8), channel_axis=-1)
    assert (bytes_of == bytes_of[..., :1]).all()
    assert bytes_of.mean() == pytest.approx(noisy.mean(), rel=0.01)


@pytest.mark.parametrize(("sky", "light"), [(0.3, 9), (0.5, 15), (1.0, 200)])
def test_a_star_of_one_pixel_keeps_its_light(sky, light):
    draws = np.random.default_rng(0)
    clean = np.full((96, 96), sky)
    down, across = draws.integers(4, 92, (2, 20))
    clean[down, across] += light
    found = pellucid.denoise(draws.poisson(clean).astype(np.float32))
    assert (found[down, across] - sky).mean() > 0.75 * light
    assert found[clean == sky].std() < 0.2 * np.sqrt(sky)
    assert found[clean == sky].mean() == pytest.approx(sky, rel=0.1)
