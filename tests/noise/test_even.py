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


COLOURS = data.astronaut()[60:300, 100:340] / 255.0


def colours(picture):
    return even.find(torch.from_numpy(np.asarray(picture, np.float32)).permute(2, 0, 1)[None], color=True)


def before_gamma(level):
    """Colours whose light had noise of one level before the curve."""
    light = COLOURS**2.2 + np.random.default_rng(0).normal(0, level, COLOURS.shape)
    return np.round(np.clip(light, 0, 1) ** (1 / 2.2) * 255) / 255


def test_colours_are_told_by_what_their_channels_do_not_share():
    cat = data.chelsea()[60:300, 100:340] / 255.0
    speckle = cat * np.random.default_rng(0).gamma(9, 1 / 9, cat.shape)
    for picture, power in ((before_gamma(0.03), -1.2), (speckle, 1.0)):
        told = colours(picture)
        assert told is not None
        assert told.power == power
        assert told.color
        seen = told.given
        assert torch.equal(told.back(told.lay(seen)[0], 0), seen[0])


def test_other_noise_of_colours_is_not():
    draws = np.random.default_rng(0)
    clean = COLOURS * 255
    for picture in (
        clean,
        clean + draws.normal(0, 12, clean.shape),
        clean + draws.normal(0, 1, clean.shape) * (4, 4, 20),
        clean + draws.normal(0, 12, clean.shape[:2])[..., None],
        draws.poisson(clean / 4) * 4.0,
        jpeg(clean + draws.normal(0, 12, clean.shape), 90),
    ):
        assert colours(picture) is None


def test_colours_gain_more_along_the_curve_than_by_one_level():
    noisy = (before_gamma(0.03) * 255).round().astype(np.uint8)
    result = pellucid.denoise(noisy, channel_axis=-1, return_result=True)
    assert "even it" in result.reason

    def error(picture):
        return np.mean((picture / 255.0 - COLOURS) ** 2)

    usual = pellucid.denoise(noisy, channel_axis=-1, method="photo")  # a named method works on no curve
    assert error(pellucid.denoise(noisy, channel_axis=-1)) < 0.8 * error(usual)
