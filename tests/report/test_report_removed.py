"""Statistics of the removed part, against closed forms and against pictures that are known to be spoilt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from scipy import ndimage, signal

from pellucid.image import Image
from pellucid.noise.report import NoiseReport
from pellucid.report import removed


def picture(pixels):
    pixels = np.ascontiguousarray(pixels, np.float32)
    return Image(pixels=pixels, axes="", shape=pixels.shape, color=True, dtype="uint8", scale=255.0)


@pytest.fixture(scope="module")
def clean():
    return np.moveaxis(skimage.data.chelsea(), -1, 0)[None] / 255.0


def test_autocorrelation_equals_direct_sums():
    residual = np.random.default_rng(0).normal(size=(31, 24))
    residual = ndimage.gaussian_filter(residual, 1)
    centred = residual - residual.mean()
    full = signal.correlate2d(centred, centred)
    pairs = signal.correlate2d(np.ones_like(centred), np.ones_like(centred))
    expected = (full / pairs)[30 - 5 : 36, 23 - 5 : 29] / np.mean(centred**2)
    np.testing.assert_allclose(removed.autocorrelation(residual, lags=5), expected, atol=1e-10)


def test_autocorrelation_of_filtered_noise_is_that_of_its_kernel():
    noise = np.random.default_rng(1).normal(size=(600, 600))
    blurred = (noise + np.roll(noise, 1, axis=1)) / 2
    found = removed.autocorrelation(blurred, lags=3)
    assert found[3].tolist() == pytest.approx([0, 0, 0.5, 1, 0.5, 0, 0], abs=0.01)
    assert found[:, 3].tolist() == pytest.approx([0, 0, 0, 1, 0, 0, 0], abs=0.01)


@pytest.mark.parametrize("sigma", [10, 25])
def test_true_noise_raises_no_alarm_and_a_blur_does(clean, sigma):
    s = sigma / 255
    noisy = clean + np.random.default_rng(0).normal(0, s, clean.shape)
    report = NoiseReport.white(s, 3)
    good = removed.measure(picture(noisy), picture(clean), report)
    assert abs(good.edges) < 0.02
    assert not good.structured
    assert not good.excessive
    assert not good.partial
    assert good.ratio == pytest.approx(1, abs=0.01)
    spoilt = ndimage.gaussian_filter(noisy, (0, 0, 1.5, 1.5))
    bad = removed.measure(picture(noisy), picture(spoilt), report)
    assert bad.structured


def test_removing_much_more_than_the_noise_is_excessive(clean):
    noisy = clean + np.random.default_rng(0).normal(0, 5 / 255, clean.shape)
    spoilt = ndimage.gaussian_filter(noisy, (0, 0, 4, 4))
    assert removed.measure(picture(noisy), picture(spoilt), NoiseReport.white(5 / 255, 3)).excessive


def test_signal_dependent_noise_has_a_gaussian_histogram_of_unit_width(clean):
    gain, offset = 0.01, 1e-4
    noisy = clean + np.random.default_rng(0).normal(size=clean.shape) * np.sqrt(gain * clean + offset)
    report = replace(NoiseReport.white(0.06, 3), gain=(gain,) * 3, offset=(offset,) * 3)
    found = removed.measure(picture(noisy), picture(clean), report)
    width = 2 * removed.REACH / removed.BINS
    centres = -removed.REACH + width * (np.arange(removed.BINS) + 0.5)
    assert (found.histogram.sum(axis=1) * width).tolist() == pytest.approx([1, 1, 1], abs=1e-3)
    assert (found.histogram @ centres**2 * width).tolist() == pytest.approx([1, 1, 1], abs=0.03)


def test_removing_a_third_of_the_noise_is_partial(clean):
    noise = np.random.default_rng(0).normal(0, 0.1, clean.shape)
    report = NoiseReport.white(0.1, 3)
    found = removed.measure(picture(clean + noise), picture(clean + noise * 2 / 3), report)
    assert found.ratio == pytest.approx(1 / 3, abs=0.01)
    assert found.partial


def test_no_noise_no_removal_no_alarm(clean):
    found = removed.measure(picture(clean), picture(clean), NoiseReport.white(0.0, 3))
    assert not found.structured
    assert not found.excessive
    assert found.std == (0, 0, 0)
    assert not found.standardised
