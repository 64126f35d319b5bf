"""The user's hand: strength, detail, brightness and effort change what they say, and nothing else."""

import numpy as np
import pytest
import torch
from skimage.data import chelsea

import pellucid
from pellucid import auto
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise
from pellucid.run import settle
from pellucid.run.hand import blend

CLEAN = chelsea()[40:136, 150:246].astype(np.float32) / 255
NOISY = (CLEAN + 0.1 * np.random.default_rng(0).standard_normal(CLEAN.shape)).astype(np.float32)


def denoised(**options):
    return pellucid.denoise(NOISY, sigma=0.1, channel_axis=-1, **options)


def test_strength_is_the_share_of_what_was_removed_that_is_taken_off():
    whole, half, none = denoised(), denoised(strength=0.5), denoised(strength=0.0)
    np.testing.assert_allclose(half - NOISY, 0.5 * (whole - NOISY), atol=1e-5)
    np.testing.assert_allclose(none, NOISY, atol=1e-6)


def test_detail_gives_back_structure_and_leaves_noise_off():
    """A grating that the estimate has lost comes back; flat ground stays as it was made."""
    draw = torch.Generator().manual_seed(0)
    clean = torch.zeros(1, 64, 64)
    clean[:, :, 32:] = 0.4 * (torch.arange(32) % 2 - 0.5)
    noisy = clean + 0.05 * torch.randn(clean.shape, generator=draw)
    lost = torch.zeros_like(clean)
    given = blend(noisy, lost, NoiseReport.white(0.05, 1), detail=1.0)
    error = (given - clean).square().mean(1)[0].sqrt()
    assert float(error[40:].mean()) < 0.1  # 0.2 without it
    assert float(error[:24].mean()) < 0.025  # of noise of 0.05


def test_a_photograph_keeps_its_brightness_where_that_is_asked_for():
    draws = np.random.default_rng(1)
    light = np.clip(CLEAN, 0.02, 1) ** 2.2
    noise = draws.standard_normal(light.shape)
    noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / 3**0.5
    dark = np.clip(light + 0.1 * light**0.5 * noise, 0, 1).astype(np.float32) ** (1 / 2.2)
    kept = pellucid.denoise(dark, channel_axis=-1, keep_brightness=True)
    np.testing.assert_allclose(kept.mean((0, 1)), dark.mean((0, 1)), atol=2e-4)


@pytest.mark.parametrize(
    ("effort", "method", "preset"),
    [
        ("quick", "dip", "fast"),
        ("normal", "dip", "fast"),
        ("best", "dip", "paper"),
        ("quick", "photo", "quick"),
    ],
)
def test_effort_takes_a_preset_of_a_named_method(effort, method, preset):
    settings = settle(Denoise(method=method, effort=effort))
    assert settings.config == settings.method.presets[preset]


def test_effort_and_preset_are_two_answers_to_one_question():
    with pytest.raises(ValueError, match="Keep one of them"):
        Denoise(method="dip", preset="fast", effort="best")


@pytest.mark.parametrize("effort", ["quick", "normal", "best"])
def test_no_effort_changes_what_is_decided_about_the_noise(effort):
    report = NoiseReport.white(0.1, 3)
    choice = auto.choose(report, color=True, channels=3, effort=effort)
    assert choice.noise.sigma == report.sigma
    assert choice.method == "photo"
    assert "network" in choice.reason
    assert ("CBM3D" in choice.reason) == (effort != "quick")


def test_quick_is_nearly_as_good():
    def error(estimate):
        return float(np.sqrt(np.mean((estimate - CLEAN) ** 2)))

    assert error(denoised(effort="quick")) < 1.1 * error(denoised())
