"""The noise analysis against noise of known law, and the Anscombe transform against drawn photons."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from pellucid import auto
from pellucid.noise import spectrum
from pellucid.noise.analysis import analyse
from pellucid.noise.models import parse
from pellucid.noise.report import NoiseReport
from pellucid.noise.stabilise import Anscombe


@pytest.fixture(scope="module")
def photograph():
    """(3, 400, 400), enlarged: smooth like a camera's own pixels."""
    picture = torch.from_numpy(data.astronaut()[:200, 100:300].copy()).permute(2, 0, 1).float() / 255
    return torch.nn.functional.interpolate(picture[None], scale_factor=2, mode="bicubic")[0].clamp(0, 1)


def noisy(clean, text, seed=0):
    return parse(text).apply(clean, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_white_noise_is_white_and_measured_within_five_percent(photograph, sigma):
    report = analyse(noisy(photograph, f"gaussian:{sigma}")[None], color=True)
    assert not report.correlated
    assert report.level * 255 == pytest.approx(sigma, rel=0.05)
    assert report.kernel.shape[-1] == 1


def test_weak_white_noise_within_twenty_percent(photograph):
    report = analyse(noisy(photograph, "gaussian:5")[None], color=True)
    assert report.level * 255 == pytest.approx(5, rel=0.2)


@pytest.mark.parametrize("blur", [0.8, 1.5])
def test_correlated_noise_is_seen_where_white_estimators_fail(photograph, blur):
    report = analyse(noisy(photograph, f"correlated:10,{blur}")[None], color=True)
    assert report.correlated
    assert report.level * 255 == pytest.approx(10, rel=0.3)
    assert report.chen * 255 < 5
    assert report.length_px == pytest.approx(2 * blur, rel=0.5)


def test_the_spectrum_follows_the_noise(photograph):
    y = noisy(photograph, "correlated:12,1.0")
    report = analyse(y[None], color=True)
    true = (y - photograph).unfold(1, 8, 8).unfold(2, 8, 8)
    atoms = torch.from_numpy(np.asarray(spectrum._autocorrelations()))
    assert atoms.shape == (64, 15, 15)
    low = report.spectrum[:, 0, 1] / report.spectrum[:, 6, 6]
    assert (low > 10).all()
    assert true.std() == pytest.approx(12 / 255, rel=0.05)


def test_kernel_and_spectrum_invert_each_other():
    line = torch.exp(-(torch.arange(-7, 8) ** 2) / 2.0).double()
    kernel = torch.outer(line, line)
    back = spectrum.to_kernel(spectrum.to_variance(kernel))
    # the tail of a spectrum over three decades is the hard part; the lags are what filters use
    assert float((back - kernel).abs().max()) < 0.1
    assert float(back[7, 7]) == pytest.approx(1.0, rel=0.05)


def test_photon_noise_shows_its_gain():
    clean = torch.linspace(0.05, 0.9, 256).repeat(256, 1)[None]
    report = analyse(noisy(clean, "poisson:200")[None], color=False)
    assert report.gain[0] == pytest.approx(1 / 200, rel=0.25)
    assert auto.choose(report, color=False, channels=1).stabilise is not None


def test_a_clean_drawing_is_left_alone():
    clean = torch.zeros(1, 3, 96, 96)
    clean[..., 30:60, 30:60] = 0.8
    report = analyse(clean, color=True)
    assert auto.choose(report, color=True, channels=3).method == "none"


def test_salt_and_pepper_is_counted(photograph):
    report = analyse(noisy(photograph, "salt-pepper:0.05")[None], color=True)
    assert report.impulse == pytest.approx(0.05, rel=0.3)
    assert auto.choose(report, color=True, channels=3).method == "median"


def test_gaussian_noise_is_no_salt_and_pepper(photograph):
    report = analyse(noisy(photograph, "gaussian:30").clamp(0, 1)[None], color=True)
    assert report.impulse < 1e-3


def test_a_sine_is_found_at_its_period(photograph):
    report = analyse(noisy(photograph, "banding:12,7")[None], color=True)
    frequencies = [(p.frequency[0] ** 2 + p.frequency[1] ** 2) ** 0.5 for p in report.periodic]
    assert any(abs(1 / f - 7) < 0.3 for f in frequencies)


@pytest.mark.parametrize("size", [1, 2, 7, 15, 16, 17, 40])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_any_size_gives_a_finite_report(size, channels):
    picture = torch.rand(2, channels, size, size + 1, generator=torch.Generator().manual_seed(0))
    report = analyse(picture, color=channels == 3)
    assert len(report.sigma) == channels
    assert np.isfinite(report.sigma).all()
    assert np.isfinite(report.kernel).all()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_picture_has_no_noise(value):
    report = analyse(torch.full((1, 3, 64, 64), value), color=True)
    assert report.level < 1e-4
    assert auto.choose(report, color=True, channels=3).method == "none"


def test_large_pictures_are_sampled_and_read_the_same():
    drawn = 0.5 + 0.05 * torch.randn(1, 1, 1600, 1500, generator=torch.Generator().manual_seed(0))
    assert analyse(drawn, color=False).level == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize("photons", [1.0, 3.0, 10.0, 50.0])
def test_the_inverse_of_anscombe_is_unbiased(photons):
    peak = 100.0
    report = replace(NoiseReport.white(0.1, 1), gain=(1 / peak,), offset=(0.0,))
    transform = Anscombe(report)
    counts = np.random.default_rng(0).poisson(photons, 400_000) / peak
    stable = transform.forward(torch.from_numpy(counts).float().view(1, 1, -1))
    if photons >= 3:
        assert float(stable.std()) == pytest.approx(1.0, abs=0.05)
    back = transform.inverse(stable.mean().view(1, 1, 1))
    assert float(back) * peak == pytest.approx(photons, rel=0.02, abs=0.03)


def test_anscombe_loses_no_dark_value():
    report = replace(NoiseReport.white(0.1, 2), gain=(0.01, 0.0), offset=(0.0, 0.01))
    transform = Anscombe(report)
    dark = torch.linspace(-0.2, 0.1, 31).repeat(2, 1)[:, None]
    order = transform.forward(dark)
    assert (order.diff(dim=-1) > 0).all()
    torch.testing.assert_close(transform.inverse(order)[1], dark[1])


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (1e4, -300.0)])
@pytest.mark.parametrize("name", ["camera", "coins"])
def test_noise_beside_a_lamp_is_not_too_weak(name, gain, offset):
    """Light as it is: the lamp makes nearly all of the contrast, and the scene is as noisy as without it."""
    y, x = np.mgrid[:192, :192]
    scene = getattr(data, name)()[40:232, 40:232] / 255.0 + 40 * np.exp(
        -((y - 60) ** 2 + (x - 120) ** 2) / 50
    )
    draws = np.random.default_rng(0)
    picture = (scene + draws.normal(0, 0.04, scene.shape)) * gain + offset
    report = analyse(torch.from_numpy(picture).float()[None, None], color=False)
    assert auto.faded(report) > 0.7 * 0.04 * gain


@pytest.mark.parametrize(
    ("name", "top", "left", "quality"),
    [
        ("astronaut", 40, 40, 40),
        ("astronaut", 100, 150, 30),
        ("rocket", 100, 150, 40),
        ("coins", 100, 150, 30),
    ],
)
def test_what_jpeg_emptied_does_not_hide_the_noise(name, top, left, quality):
    """Of coarse quantisation eigenvalues and fine detail see half the noise or less."""
    clean = np.atleast_3d(getattr(data, name)())[top : top + 192, left : left + 192, -1].astype(float)
    given = np.clip(clean + np.random.default_rng(0).normal(0, 15, clean.shape), 0, 255)
    buffer = io.BytesIO()
    Image.fromarray(given.round().astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    picture = np.asarray(Image.open(buffer)).astype(np.float32)
    report = analyse(torch.from_numpy(picture)[None, None], color=False)
    assert report.level == pytest.approx(float(np.std(picture - clean)), rel=0.25)
