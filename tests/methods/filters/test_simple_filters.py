"""NLM, TV, wavelet and median: gains on a photograph, what they must leave alone, odd and tiny images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from skimage.filters import median as plain_median

from pellucid import methods, metrics, seeds, tiles
from pellucid.methods.filters import decorrelate
from pellucid.methods.filters.median import Config as MedianConfig
from pellucid.methods.filters.wavelet import Config as WaveletConfig
from pellucid.noise import models
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task

CPU = torch.device("cpu")


def photograph(channels: int = 3, size: int = 160) -> torch.Tensor:
    return torch.from_numpy(astronaut()[:size, 150 : 150 + size, :channels].copy()).permute(2, 0, 1) / 255


def noisy(clean: torch.Tensor, text: str, seed: int = 0) -> torch.Tensor:
    return models.parse(text).apply(clean, seeds.generator(seed, "noise"))


def filtered(name: str, *shots: torch.Tensor, sigma: float = 25, color: bool = True, config=None):
    method = methods.load(name)
    noise = NoiseReport.white(sigma / 255, len(shots[0]))
    task = Task(shots=torch.stack(shots), noise=noise, color=color)
    (step,) = method.steps(task, config or method.presets["fast"], seed=0, device=CPU)
    return step.estimate()


def psnr(clean: torch.Tensor, estimate: torch.Tensor) -> float:
    return metrics.psnr(clean, estimate, data_range=1.0)


# measured: nlm 29.3, tv 30.4, wavelet 30.0 in colour; the bars stay half a decibel below
@pytest.mark.parametrize(
    ("name", "channels", "least"),
    [
        ("nlm", 3, 27),
        ("nlm", 1, 27),
        ("tv", 3, 29),
        ("tv", 1, 27),
        ("wavelet", 3, 28.5),
        ("wavelet", 1, 26.5),
    ],
)
def test_gain_on_a_photograph(name, channels, least):
    clean = photograph(channels)
    assert psnr(clean, filtered(name, noisy(clean, "gaussian:25"))) > least


@pytest.mark.parametrize("name", ["nlm", "tv", "wavelet"])
@pytest.mark.parametrize("sigma", [5, 50])
def test_the_level_sets_the_strength(name, sigma):
    clean = photograph()
    y = noisy(clean, f"gaussian:{sigma}")
    right = psnr(clean, filtered(name, y, sigma=sigma))
    assert right > psnr(clean, y) + (2 if sigma == 5 else 9)
    assert right > psnr(clean, filtered(name, y, sigma=sigma / 3)) + 0.5
    assert right > psnr(clean, filtered(name, y, sigma=sigma * 3)) + 0.5


@pytest.mark.parametrize("name", ["nlm", "tv", "wavelet", "median"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (2, 1, 9), (3, 2, 3), (1, 5, 4), (5, 33, 17)])
def test_any_size_and_number_of_channels(name, shape):
    y = torch.rand(shape, generator=seeds.generator(0))
    for color in (True, False):
        out = filtered(name, y, color=color)
        assert out.shape == y.shape
        assert out.dtype == torch.float32
        assert bool(out.isfinite().all())


@pytest.mark.parametrize("name", ["nlm", "tv", "wavelet"])
def test_flat_images_and_means_are_kept(name):
    flat = torch.full((3, 24, 24), 0.4)
    torch.testing.assert_close(filtered(name, flat), flat, atol=1e-5, rtol=0)
    y = noisy(photograph(), "gaussian:15")
    out = filtered(name, y, sigma=15)
    torch.testing.assert_close(out.mean((1, 2)), y.mean((1, 2)), atol=0, rtol=2e-3)


@pytest.mark.parametrize("name", ["nlm", "tv", "wavelet"])
def test_two_shots_are_better_than_one(name):
    clean = photograph()
    a, b = noisy(clean, "gaussian:25", 1), noisy(clean, "gaussian:25", 2)
    assert psnr(clean, filtered(name, a, b)) > psnr(clean, filtered(name, a)) + 0.5


@pytest.mark.parametrize(("fraction", "least"), [(0.05, 38), (0.2, 33), (0.4, 29), (0.6, 24)])
def test_adaptive_median_beats_the_best_plain_one(fraction, least):
    clean = photograph()
    y = noisy(clean, f"salt-pepper:{fraction}")
    plain = max(
        psnr(clean, torch.from_numpy(np.stack([plain_median(c, np.ones((k, k))) for c in y.numpy()])))
        for k in (3, 5, 7)
    )
    got = psnr(clean, filtered("median", y))
    assert got > plain + 2
    assert got > least


def test_adaptive_median_replaces_only_impulses():
    clean = photograph().clamp(0.01, 0.99)
    y = noisy(clean, "salt-pepper:0.1")
    out = filtered("median", y)
    untouched = y == clean
    assert float((out == y)[untouched].float().mean()) > 0.995


def test_black_and_white_areas_survive_salt_and_pepper():
    clean = torch.zeros(1, 60, 60)
    clean[:, :, 30:] = 1
    out = filtered("median", noisy(clean, "salt-pepper:0.6"))
    assert float((out == clean)[:, :, :24].float().mean()) > 0.99
    assert float((out == clean)[:, :, 36:].float().mean()) > 0.99


def test_hot_pixel_goes_and_a_line_stays():
    clean = torch.full((1, 20, 20), 0.2)
    clean[0, 5] = 0.8
    hot = clean.clone()
    hot[0, 12, 12] = 0.9
    torch.testing.assert_close(filtered("median", hot), clean)


@pytest.mark.parametrize("channels", [1, 2, 3, 7])
def test_decorrelation_is_orthonormal_and_carries_the_covariance(channels):
    m = decorrelate.matrix(channels, color=True)
    torch.testing.assert_close(m @ m.T, torch.eye(channels), atol=1e-6, rtol=0)
    torch.testing.assert_close(m[0], torch.full((channels,), channels**-0.5))
    n = torch.randn(channels, 100, 100, generator=seeds.generator(0))
    n[0] *= 3
    covariance = torch.cov(n.flatten(1)).reshape(channels, channels).double().numpy()
    report = replace(NoiseReport.white(1.0, channels), covariance=covariance)
    there, back, sigma = decorrelate.of(report, color=True)
    torch.testing.assert_close(back @ there, torch.eye(channels), atol=1e-5, rtol=0)
    torch.testing.assert_close(sigma, decorrelate.mix(there, n).flatten(1).std(1), rtol=1e-3, atol=0)


def test_configurations_are_checked():
    with pytest.raises(ValueError, match="radius must be in"):
        MedianConfig(radius=0)
    with pytest.raises(ValueError, match="Did you mean 'sym4'"):
        WaveletConfig(wavelet="sym44")


@pytest.mark.parametrize("name", ["nlm", "median"])
def test_exact_tiling_is_exact(name):
    y = noisy(photograph(size=100), "gaussian:15+salt-pepper:0.3")
    tiling = methods.load(name).tiling
    assert tiling.kind == "exact"
    got = tiles.process(y, lambda part: filtered(name, part), tile=40, halo=tiling.halo, stride=tiling.stride)
    torch.testing.assert_close(got, filtered(name, y), atol=1e-6, rtol=0)
