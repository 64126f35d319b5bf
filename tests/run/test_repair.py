"""`restore` in Python: damage is filled, the noise is measured around it, pages are evened."""

import numpy as np
import pytest
from skimage import data
from skimage.draw import line

import pellucid


@pytest.fixture(scope="module")
def clean():
    return data.camera()[60:188, 150:278]


@pytest.fixture(scope="module")
def cracks(clean):
    mask = np.zeros(clean.shape, bool)
    for ends in ((5, 10, 120, 60), (100, 3, 70, 120), (2, 110, 90, 70)):
        rows, columns = line(*ends)
        mask[rows, columns] = mask[rows, np.minimum(columns + 1, clean.shape[1] - 1)] = True
    return mask


def worn(clean, mask, sigma=12):
    noise = np.random.default_rng(0).normal(0, sigma, clean.shape)
    return np.where(mask, 250, np.clip(np.rint(clean + noise), 0, 255)).astype(np.uint8)


def error(one, other, where=...):
    return float(np.sqrt(np.square(one.astype(float) - other)[where].mean()))


def test_the_mask_is_filled_and_the_rest_denoised(clean, cracks):
    given = worn(clean, cracks)
    result = pellucid.restore(given, cracks, return_result=True)
    made = result.estimate[0, 0] * 255
    plain = pellucid.denoise(worn(clean, np.zeros_like(cracks))).astype(float)
    assert np.array_equal(result.extras["mask"][0], cracks)
    assert error(made, clean, ~cracks) < 1.1 * error(plain, clean, ~cracks)
    assert error(made, clean, cracks) < 0.3 * error(given, clean, cracks)
    assert "by the mask" in " ".join(result.warnings)


def test_the_noise_is_measured_outside_the_damage(clean, cracks):
    """Filled before it is measured, white noise reads as shared; here it reads as without any damage."""
    whole = pellucid.inspect(worn(clean, np.zeros_like(cracks)))
    found = pellucid.restore(worn(clean, cracks), cracks, return_result=True).noise
    assert found.correlated == whole.correlated
    assert found.level == pytest.approx(whole.level, rel=0.1)


def test_an_empty_mask_is_plain_denoising(clean, cracks):
    given = worn(clean, np.zeros_like(cracks))
    assert np.array_equal(pellucid.restore(given, np.zeros_like(cracks)), pellucid.denoise(given))
    assert np.array_equal(pellucid.restore(given, damage="none"), pellucid.denoise(given))


def test_nothing_to_remove_still_fills(cracks):
    ramp = np.tile(np.linspace(30, 200, cracks.shape[1]), (cracks.shape[0], 1)).astype(np.uint8)
    made = pellucid.restore(np.where(cracks, 255, ramp).astype(np.uint8), cracks)
    assert np.array_equal(made[~cracks], ramp[~cracks])
    assert np.abs(made[cracks].astype(int) - ramp[cracks]).max() <= 3


def test_what_does_not_fit_is_refused(clean, cracks):
    with pytest.raises(ValueError, match="restore works on one picture, got a stack of 2"):
        pellucid.restore(np.stack([clean, clean]), cracks)
    with pytest.raises(ValueError, match=r"white='known' \(--white known\)"):
        pellucid.restore(clean, ~np.eye(128, dtype=bool))
    with pytest.raises(ValueError, match="document evens a page out and fills nothing"):
        pellucid.restore(clean, cracks, document=True)
    with pytest.raises(ValueError, match="Use denoise for shots"):
        pellucid.restore(clean, shots=True)
    with pytest.raises(ValueError, match="damage must be one of"):
        pellucid.restore(clean, damage="scratches")


def test_a_page_is_evened_out():
    page = data.page()  # a photographed page in uneven light
    made = pellucid.restore(page, document=True)
    assert made.dtype == page.dtype
    corners = [(slice(0, 40), slice(0, 60)), (slice(-40, None), slice(-60, None))]
    before, after = ([np.percentile(p[c], 90) for c in corners] for p in (page, made))
    assert abs(after[0] - after[1]) < 0.2 * abs(before[0] - before[1]) + 5
    assert np.percentile(made, 90) > 245
    assert np.percentile(made, 2) < 90


def test_two_thin_scratches_may_be_wires_and_the_hint_that_is_given_finds_them():
    scratched = np.clip(data.camera()[:256, :256] + np.random.default_rng(0).normal(0, 8, (256, 256)), 0, 255)
    scratched = scratched.astype(np.uint8)
    rows, columns = line(10, 20, 120, 250)
    for shift in (0, 1):
        scratched[rows + shift, columns] = 250
    found = pellucid.restore(scratched, return_result=True)
    (said,) = [words for words in found.warnings if "no damage was found" in words]
    assert "--sensitivity 1" in said
    more = pellucid.restore(scratched, return_result=True, sensitivity=1)
    assert any("of the pixels are filled" in words for words in more.warnings)
