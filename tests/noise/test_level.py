"""Level estimators against scikit-image, white noise of known level, and published behaviour."""

import numpy as np
import pytest
import torch
from skimage.data import astronaut, camera
from skimage.restoration import estimate_sigma

from pellucid import seeds
from pellucid.noise import level, models


def colour() -> torch.Tensor:
    return torch.from_numpy(astronaut().copy()).permute(2, 0, 1).float() / 255


def gray() -> torch.Tensor:
    return torch.from_numpy(camera()[None].copy()).float() / 255


def add(image: torch.Tensor, text: str) -> torch.Tensor:
    return models.parse(text).apply(image, seeds.generator(0, "noise"))


@pytest.mark.parametrize("text", ["gaussian:1", "gaussian:25", "correlated:25,1", "gaussian:25+clip:8"])
@pytest.mark.parametrize("make", [colour, gray])
def test_mad_agrees_with_scikit_image(make, text):
    noisy = add(make(), text)[:, :201, :300]
    expected = estimate_sigma(noisy.permute(1, 2, 0).numpy().astype(float), channel_axis=-1)
    np.testing.assert_allclose(level.mad(noisy).numpy(), expected, rtol=0.015)


def test_mad_of_flat_areas():
    half = torch.zeros(1, 128, 128)
    half[:, :, :60] = 0.5 + 0.1 * torch.randn(1, 128, 60, generator=seeds.generator(0))
    assert float(level.mad(half)) == pytest.approx(0.1, rel=0.15)
    assert float(level.mad(half, skip_zeros=False)) < 0.05
    assert float(level.mad(torch.full((1, 64, 64), 0.3))) == 0


# methods.md section 16: astronaut 5.26 / 15.13 / 24.98 / 50.11, camera 7.92 / 16.5 / 25.9 / 50.2
@pytest.mark.parametrize(
    ("make", "sigma", "expected"),
    [
        (colour, 5, 5.26),
        (colour, 15, 15.13),
        (colour, 25, 24.98),
        (colour, 50, 50.11),
        (gray, 5, 7.92),
        (gray, 15, 16.5),
        (gray, 25, 25.9),
        (gray, 50, 50.2),
    ],
)
def test_chen_reads_what_its_authors_code_reads(make, sigma, expected):
    assert level.chen(add(make(), f"gaussian:{sigma}")) * 255 == pytest.approx(expected, rel=0.02)


def test_chen_collapses_on_correlated_noise_and_decimation_tells():
    noisy = add(colour(), "correlated:25,0.7")
    assert level.chen(noisy) * 255 < 12
    per_scale = level.mad_per_scale(noisy).mean(1) * 255
    assert float(per_scale[0]) < 15
    assert float(per_scale[2]) == pytest.approx(25, rel=0.25)


def test_clipped_patches_can_be_left_out():
    image = colour()
    clipped = add(image, "gaussian:25+clip:8")
    plain, compensated = level.chen(clipped) * 255, level.chen(clipped, floor=0.0, ceiling=1.0) * 255
    assert plain == pytest.approx(22.8, abs=0.5)
    assert abs(compensated - 25) < 0.6 * abs(plain - 25)
    white = add(image, "gaussian:25")
    assert level.chen(white, floor=0.0, ceiling=1.0) * 255 == pytest.approx(25, rel=0.03)


def test_white_noise_reads_the_same_at_every_scale():
    noise = 0.1 * torch.randn(2, 400, 401, generator=seeds.generator(0))
    got = level.mad_per_scale(noise)
    assert got.shape == (4, 2)
    np.testing.assert_allclose(got.numpy(), 0.1, rtol=0.03)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 5), (2, 7, 9), (1, 1, 40), (5, 8, 8)])
def test_tiny_images_give_finite_levels(shape):
    image = torch.rand(shape, generator=seeds.generator(0))
    assert level.mad(image).shape == (shape[0],)
    assert bool(level.mad_per_scale(image).isfinite().all())
    assert np.isfinite(level.chen(image, floor=0.0, ceiling=1.0))


def test_shape_is_checked():
    with pytest.raises(ValueError, match=r"\(C, H, W\) with pixels, got \(4, 4\)"):
        level.mad(torch.zeros(4, 4))
