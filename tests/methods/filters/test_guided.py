"""The guided filter: another band of a photograph helps, and a linear relation is exact."""

import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio

import pellucid
from pellucid.methods.filters.guided import guided


def test_a_linear_function_of_several_bands_comes_back():
    rng = np.random.default_rng(0)
    bands = rng.random((2, 30, 25))
    plane = 2 * bands[0] - 0.5 * bands[1] + 0.3
    assert np.abs(guided(plane, bands, 3, 1e-12) - plane).max() < 1e-6


def test_green_helps_red_by_far_more_than_half_a_decibel():
    picture = skimage.data.astronaut()[:128, 160:288].astype(np.float32) / 255
    red, green = picture[..., 0], picture[..., 1]
    noisy = red + np.float32(25 / 255) * np.random.default_rng(1).standard_normal(red.shape).astype(
        np.float32
    )
    common = {"sigma": 25 / 255, "data_range": 1.0}
    alone = pellucid.denoise(noisy, "nlm", **common)
    helped = pellucid.denoise(noisy, "guided", guide=green, **common)
    gain = [peak_signal_noise_ratio(red, found, data_range=1.0) for found in (alone, helped)]
    assert gain[1] > gain[0] + 2


def test_without_a_guide_a_note_says_so():
    noisy = np.random.default_rng(0).normal(0.5, 0.1, (24, 24)).astype(np.float32)
    result = pellucid.denoise(noisy, "guided", sigma=0.1, data_range=1.0, return_result=True)
    assert any("no other band" in warning for warning in result.warnings)
    with pytest.raises(ValueError, match="guide"):
        pellucid.denoise(noisy, "guided", sigma=0.1, data_range=1.0, guide=np.zeros((5, 5), np.float32))
