"""The camera model against the photon statistics and against a JPEG written by hand."""

import math

import pytest
import torch
from skimage.data import astronaut

from pellucid import metrics, seeds
from pellucid.noise import models


def photograph() -> torch.Tensor:
    return torch.from_numpy(astronaut()[:128, :128].copy()).permute(2, 0, 1).float() / 255


def test_without_noise_a_flat_picture_comes_back():
    flat = torch.tensor([0.3, 0.5, 0.7]).view(3, 1, 1).expand(3, 20, 21)
    got = models.parse("camera:1e7").apply(flat, seeds.generator(0))
    assert float((got - flat).abs().max()) < 3e-3
    assert float((models.Camera(peak=100.0).reference(flat) - flat).abs().max()) < 1e-5


def test_a_monochrome_camera_has_the_noise_of_its_photons():
    # sRGB's slope at linear light u is 1.055 / 2.4 u^(1/2.4 - 1); the variance of u is u / peak
    linear = ((0.5 + 0.055) / 1.055) ** 2.4
    slope = 1.055 / 2.4 * linear ** (1 / 2.4 - 1)
    expected = slope * math.sqrt(linear / 5000 + (1 / 255) ** 2)
    got = models.parse("camera:5000,1").apply(torch.full((1, 300, 300), 0.5), seeds.generator(0))
    assert float(got.std()) == pytest.approx(expected, rel=0.02)


def test_demosaicing_correlates_neighbours_and_red_and_blue_are_noisier():
    n = models.parse("camera:2000").apply(torch.full((3, 256, 256), 0.5), seeds.generator(0)) - 0.5
    red = n[0]
    assert float((red[:, 1:] * red[:, :-1]).mean() / red.square().mean()) > 0.3
    assert float(n[0].std()) > 1.2 * float(n[1].std())


def test_jpeg_rounds_to_eight_bits_and_loses_a_little():
    clean = photograph()
    fine, coarse = (models.parse(f"camera:1e7,0,{q}").apply(clean, seeds.generator(0)) for q in (95, 20))
    truth = models.Camera(peak=1.0).reference(clean)
    assert float((fine * 255 - (fine * 255).round()).abs().max()) < 1e-4
    assert metrics.psnr(truth, fine, data_range=1) > 35 > metrics.psnr(truth, coarse, data_range=1) > 24


def test_a_batch_is_photographed_one_by_one():
    clean = torch.stack([photograph()] * 2)
    got = models.parse("camera:500-5000,1,90").apply(clean, seeds.generator(0))
    assert got.shape == clean.shape
    assert not bool((got[0] == got[1]).all())
    assert float(got.min()) >= 0
    assert float(got.max()) <= 1


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="1 or 3 channels, got 2"):
        models.parse("camera:100").apply(torch.zeros(2, 8, 8), seeds.generator(0))
