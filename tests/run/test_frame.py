"""The law of storage for methods: a y + b gives a x + b, in every type, wherever the values lie."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

import pellucid
from pellucid.auto import around
from pellucid.files import from_array
from pellucid.noise.report import NoiseReport
from pellucid.run.frame import Frame, extent, of_frame

SIGMA = 12.0
TRUTH = data.camera()[100:148, 200:256].astype(float)
NOISY = np.clip(TRUTH + np.random.default_rng(0).normal(0, SIGMA, TRUTH.shape), 0, 255).round()


def denoised(method, factor=1.0, offset=0.0, dtype="float64"):
    """What comes back of a y + b, in the units of y, and the step of its type there."""
    stored = (factor * NOISY + offset).astype(dtype)
    known = None if dtype.startswith("float") else from_array(stored).scale
    got = pellucid.denoise(stored, method, sigma=SIGMA * abs(factor), data_range=known)
    return (got.astype(float) - offset) / factor


BASE = {}
PLACES = st.sampled_from(
    [
        ("uint16", 1, 0),
        ("uint16", 200, 3000),
        ("uint16", 1, 29000),
        ("int16", 20, -3000),
        ("int16", -20, 3000),
        ("int32", 1, 10**9),
        ("uint32", 7, 10**6),
        ("float32", 1e-7, 0),
        ("float32", 1e7, 1e8),
        ("float32", 0.01, 290),
        ("float64", -1e-3, -20),
        ("float64", 1e-3, 1e6),
    ]
)


@pytest.mark.parametrize("method", ["bm3d", "photo", "nlm", "tv", "wavelet"])
@given(place=PLACES)
@settings(max_examples=5, deadline=None)
def test_a_picture_comes_back_alike_however_it_is_stored(method, place):
    dtype, factor, offset = place
    if factor < 0 and method == "photo":
        factor = -factor  # a network knows pictures, not their negatives
    if method not in BASE:
        BASE[method] = denoised(method, 1 / 255) * 1.0
    rounding = 0.0 if dtype.startswith("float") else 0.5 / abs(factor)
    differ = denoised(method, factor, offset, dtype) - BASE[method]
    assert differ.std() < 0.05 * SIGMA + rounding
    assert abs(differ.mean()) < 0.01 * SIGMA + rounding / 5


def test_networks_see_thermal_data_from_0_to_1():
    """`photo` on counts between 29000 and 29300 of 65535 was off by 21 grey levels."""
    assert (denoised("photo", 1, 29000, "uint16") - TRUTH).std() < (NOISY - TRUTH).std() / 1.5


def test_a_method_that_iterates_is_framed_as_well():
    stored = (-1000 + NOISY * 8).astype(np.int16)
    result = pellucid.denoise(stored, "dip", iterations=60, return_result=True)
    assert result.estimate.min() < -0.1


@pytest.mark.parametrize(("dtype", "factor", "offset"), [("int16", 8, -1000), ("uint16", 1, 29000)])
def test_what_is_restored_lies_where_the_picture_does(dtype, factor, offset):
    """`inpaint` by DIP, whose output lies between 0 and 1, was off by 81 and 243 levels in CT and heat."""
    hole = np.zeros(TRUTH.shape, bool)
    hole[20:26, 10:40] = True
    stored = (factor * TRUTH + offset).astype(dtype)
    shown = np.where(hole, stored.max(), stored)
    filled = (pellucid.inpaint(shown, hole, "dip", iterations=60).astype(float) - offset) / factor
    assert np.array_equal((filled * factor + offset)[~hole], stored[~hole])
    assert np.sqrt(((filled - TRUTH)[hole] ** 2).mean()) < 40
    large = (pellucid.upscale(stored, 2, "zssr", iterations=5).astype(float) - offset) / factor
    assert abs(large.mean() - TRUTH.mean()) < 3


def test_uncertainty_is_in_the_units_of_the_file():
    told = {"iterations": 4, "return_result": True, "seed": 1}
    one = pellucid.denoise(NOISY / 255, "self2self", **told)
    two = pellucid.denoise(NOISY / 255 * 0.01 + 1, "self2self", **told)
    ratio = two.extras["uncertainty"].mean() / one.extras["uncertainty"].mean()
    assert ratio == pytest.approx(0.01, rel=0.2)


def test_the_report_of_a_frame_says_the_same_of_what_it_shows():
    report = replace(NoiseReport.white(0.02, 1), gain=(0.001,), offset=(0.0001,), mad=(0.02,), chen=0.02)
    report = replace(report, low=0.4, span=0.1)
    framed = of_frame(report, 0.4, 0.1)
    for y in (0.4, 0.45, 0.5):
        z = (y - 0.4) / 0.1
        assert framed.gain[0] * z + framed.offset[0] == pytest.approx((0.001 * y + 0.0001) / 0.01)
    assert (framed.level, framed.mad[0], framed.chen) == pytest.approx((0.2, 0.2, 0.2))
    inside = around("photo", framed)
    frame = Frame(0.4, 0.1, framed, inside)
    values = torch.linspace(0.4, 0.5, 9).view(1, 3, 3)
    assert frame.noise is inside.noise
    assert frame.forward(values).flatten()[[0, -1]].tolist() == pytest.approx([0, 1], abs=1e-5)
    assert torch.allclose(frame.inverse(frame.forward(values)), values, atol=2e-3)


def test_what_takes_no_part_has_no_say_in_the_frame():
    pixels = torch.linspace(0, 1, 4096).view(1, 1, 64, 64).clone()
    pixels[..., :8, :] = 50
    left = torch.zeros(1, 1, 64, 64, dtype=torch.bool)
    left[..., :8, :] = True
    assert extent(pixels, left)[1] < 1.01
