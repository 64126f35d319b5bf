"""PSNR and SSIM against scikit-image and closed forms."""

import math

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pellucid.metrics import psnr, ssim


def pair(kind: str, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(shape)
    return {
        "noise": (rng.random(shape), rng.random(shape)),
        "flat": (np.full(shape, 0.25), np.full(shape, 0.75)),
        "black": (np.zeros(shape), np.zeros(shape)),
        "flat against noise": (np.full(shape, 0.5), 0.5 + 0.1 * noise),
        "excursions": (noise, noise + 0.3),
        "opposite": (noise, -noise),
        "huge offset": (1e3 + noise, 1e3 + 0.9 * noise),
    }[kind]


KINDS = ["noise", "flat", "black", "flat against noise", "excursions", "opposite", "huge offset"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 11, 11), (3, 23, 40), (2, 64, 17)])
def test_ssim_equals_scikit_image(kind, shape):
    x, y = pair(kind, shape)
    expected = structural_similarity(
        x,
        y,
        data_range=1.0,
        channel_axis=0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(x, y, data_range=1.0) == pytest.approx(expected, abs=1e-6)


def test_ssim_of_a_photograph_in_8_bit_units():
    x = astronaut()[:200, :200]
    y = np.clip(x.astype(int) + np.random.default_rng(1).integers(-20, 20, x.shape), 0, 255).astype(np.uint8)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = structural_similarity(x, y, data_range=255, channel_axis=-1, **options)
    got = ssim(x.transpose(2, 0, 1), y.transpose(2, 0, 1), data_range=255)
    assert got == pytest.approx(expected, abs=1e-6)


def test_psnr_equals_scikit_image_and_the_closed_form():
    x, y = pair("noise", (3, 20, 30))
    assert psnr(x, y, data_range=1) == pytest.approx(peak_signal_noise_ratio(x, y, data_range=1), abs=1e-9)
    assert psnr(torch.zeros(3, 4), torch.full((3, 4), 25.5), data_range=255) == pytest.approx(20.0)


def test_psnr_of_equal_images_is_infinite():
    assert math.isinf(psnr(torch.ones(1, 2, 2), torch.ones(1, 2, 2), data_range=1))


def test_arguments_are_checked():
    a = torch.zeros(1, 16, 16)
    with pytest.raises(ValueError, match=r"data_range must be greater than 0"):
        psnr(a, a, data_range=0)
    with pytest.raises(ValueError, match=r"estimate must have the shape of clean"):
        ssim(a, a[:, :15], data_range=1)
    with pytest.raises(ValueError, match=r"at least 11 x 11"):
        ssim(a[:, :10], a[:, :10], data_range=1)
    with pytest.raises(ValueError, match=r"at least one pixel"):
        psnr(a[:, :0], a[:, :0], data_range=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 11, 11), (3, 23, 40), (2, 64, 17)])
def test_scores_equal_torchmetrics(kind, shape):
    """It comes with lightning. Its mean also counts windows over a mirrored border; those inside are ours."""
    functional = pytest.importorskip("torchmetrics.functional.image")
    x, y = (torch.from_numpy(a)[None] for a in pair(kind, shape))
    got = psnr(x, y, data_range=1.0)
    expected = float(functional.peak_signal_noise_ratio(y, x, data_range=1.0))
    assert (math.isinf(got) and math.isinf(expected)) or got == pytest.approx(expected, abs=1e-4)
    _, similar = functional.structural_similarity_index_measure(
        y, x, gaussian_kernel=True, sigma=1.5, data_range=1.0, return_full_image=True
    )
    inside = float(similar[..., 5:-5, 5:-5].mean())
    assert ssim(x, y, data_range=1.0) == pytest.approx(inside, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_psnr_equals_scikit_image_on_degenerate_images(kind):
    x, y = pair(kind, (3, 12, 13))
    with np.errstate(divide="ignore"):
        expected = peak_signal_noise_ratio(x, y, data_range=1.0)
    assert psnr(x, y, data_range=1.0) == pytest.approx(expected, abs=1e-6)
