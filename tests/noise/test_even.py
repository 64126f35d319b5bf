"""Noise that follows the brightness otherwise than photons: found in any storage, evened, and put back."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage import data

import pellucid
from pellucid.noise import even

SCENE = data.camera()[60:252, 100:292] / 255.0
POWER = (0.05 + 0.95 * SCENE) ** 2


def speckled(looks):
    """Intensities of so many looks: the standard deviation is the mean over the root of the looks."""
    return POWER * np.random.default_rng(looks).gamma(looks, 1 / looks, POWER.shape)


def found(picture):
    return even.find(torch.from_numpy(np.asarray(picture, np.float32))[None, None])


@settings(max_examples=20, deadline=None)
@given(
    looks=st.sampled_from([1, 4, 9]),
    gain=st.sampled_from([1.0, 65535.0, 1e-3]),
    offset=st.sampled_from([0.0, 7.0, -100.0]),
    border=st.integers(0, 20),
    value=st.sampled_from([-3.0, 0.0, 5.0]),
    turned=st.sampled_from([(), (-1,), (-2,)]),
    slices=st.integers(1, 2),
)
def test_speckle_is_found_however_it_is_stored_and_comes_back_bit_for_bit(
    looks, gain, offset, border, value, turned, slices
):
    seen = torch.from_numpy(speckled(looks)).float()[None, None].flip(turned).repeat(slices, 1, 1, 1)
    seen = torch.nn.functional.pad(seen, [border] * 4, value=value) * gain + offset * gain
    told = even.find(seen)
    assert told is not None
    assert told.power == 1
    assert told.level == pytest.approx(looks**-0.5, rel=0.15)
    assert torch.equal(told.back(told.lay(seen)[-1], slices - 1), seen[-1])


def jpeg(picture, quality):
    buffer = io.BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize("name", ["camera", "coins", "moon", "brick", "page"])
def test_other_noise_and_none_are_not(name):
    draws = np.random.default_rng(0)
    clean = getattr(data, name)()[:192, :192].astype(float)
    for picture in (
        clean,
        clean + draws.normal(0, 12, clean.shape),
        draws.poisson(clean / 4) * 4.0,
        jpeg(clean + draws.normal(0, 12, clean.shape), 80),
    ):
        assert found(picture) is None


@pytest.mark.parametrize(("looks", "least"), [(1, 9.0), (4, 9.0)])
def test_speckle_goes_and_the_mean_stays(looks, least):
    noisy = speckled(looks).astype(np.float32)
    result = pellucid.denoise(noisy, return_result=True)
    estimate = pellucid.denoise(noisy)
    before, after = (np.mean((a - POWER) ** 2) for a in (noisy, estimate))
    assert "speckle" in result.reason
    assert 10 * np.log10(before / after) > least
    assert estimate.mean() == pytest.approx(noisy.mean(), rel=0.005)


def test_noise_before_a_curve_that_lifts_the_shadows_is_evened():
    light = np.clip(SCENE**2 * 0.8 + 0.1 + np.random.default_rng(0).normal(0, 0.03, SCENE.shape), 0, 1)
    told = found(light**0.45)
    assert told is not None
    assert told.power < 0
