"""The last look: what it says of good results and of mishaps, and where it is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import skimage.data
import torch
from scipy import ndimage

import pellucid
from pellucid.noise.report import NoiseReport
from pellucid.run import verdict
from pellucid.steps import Trust

SIGMA = 0.06


@pytest.fixture(scope="module")
def photograph():
    clean = torch.from_numpy(skimage.data.camera()[60:220, 100:260] / 255.0).float()[None]
    return clean, clean + SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))


def told(noisy, estimate, sigma=SIGMA, **more):
    return verdict.judge(noisy, torch.as_tensor(estimate).float(), NoiseReport.white(sigma, 1), **more)


def test_the_truth_is_trusted(photograph):
    clean, noisy = photograph
    assert told(noisy, clean) == Trust()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda x: ndimage.gaussian_filter(x, (0, 3, 3)), "lines show"),
        (lambda x: x + 0.1, "mean brightness"),
        (lambda x: np.where(np.arange(160) < 80, x, x + 0.4).astype(np.float32), "parts"),
    ],
)
def test_mishaps_are_not_trusted(photograph, spoil, word):
    clean, noisy = photograph
    found = told(noisy, spoil(clean.numpy()))
    assert found.level == "low"
    assert any(word in reason for reason in found.reasons), found


def test_a_line_that_is_gone_is_not_trusted(photograph):
    clean, noisy = photograph
    lined = noisy.clone()
    lined[0, 30, 20:120] -= 0.5
    found = told(lined, clean)
    assert found.level == "low"
    assert "stroke" in " ".join(found.reasons)


def test_brightness_that_a_method_means_to_change_is_no_fault(photograph):
    clean, noisy = photograph
    assert told(noisy, clean + 0.06).level == "low"
    assert told(noisy, clean + 0.06, meant=True).level == "medium"


def shrunk(uneven, level):
    """The verdict on a field of white values of which little more than half was taken off, by a spectrum."""
    draw = torch.Generator().manual_seed(1)
    weave = torch.randn(1, 160, 160, generator=draw)
    if uneven:
        weave = weave * (1 + torch.sin(torch.arange(160) / 12)) / 1.22
    noisy = 0.5 + 0.1 * weave + 0.03 * torch.randn(1, 160, 160, generator=draw)
    report = replace(NoiseReport.white(level, 1), correlated=True)
    return verdict.judge(noisy, 0.5 + 0.45 * (noisy - 0.5), report, spectral=True)


@pytest.mark.parametrize("level", [0.2, 0.085])
def test_texture_that_was_taken_for_noise_is_named(level):
    found = shrunk(True, level)
    assert found.level == "low"
    assert "texture was taken for noise" in " ".join(found.reasons)


@pytest.mark.parametrize("level", [0.2, 0.085])
def test_what_is_as_strong_everywhere_is_no_texture(level):
    found = shrunk(False, level)
    assert found.level != "low"
    assert "texture" not in " ".join(found.reasons)


def test_a_level_told_four_times_too_high_on_text_is_named():
    clean = skimage.data.page()[20:148, 40:232]
    noisy = clean + np.random.default_rng(0).normal(0, 8, clean.shape)
    noisy = np.clip(noisy, 0, 255).round().astype(np.uint8)
    found = pellucid.denoise(noisy, "bm3d", sigma=32, data_range=255, return_result=True)
    assert found.trust.level == "low"
    assert pellucid.denoise(noisy, "bm3d", sigma=8, data_range=255, return_result=True).trust.level != "low"


def test_what_nobody_sees_is_no_harm(photograph):
    clean, _ = photograph
    assert told(clean, ndimage.gaussian_filter(clean.numpy(), (0, 0.25, 0.25)), 0.0005).level != "low"


@pytest.mark.parametrize("sigma", [10, 25, 50])
def test_the_default_is_trusted_on_white_noise(sigma):
    clean = skimage.data.astronaut()[:160, 120:280].astype(float)
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, sigma, clean.shape), 0, 255)
    found = pellucid.denoise(noisy.round().astype(np.uint8), channel_axis=-1, return_result=True)
    assert found.trust.level in ("high", "medium"), found.trust
    assert not [w for w in found.warnings if "worse than the input" in w]


def test_a_method_that_was_asked_for_keeps_its_result_and_gets_its_warning():
    page = skimage.data.page()[:96, :128]
    found = pellucid.denoise(page, "bm3d", sigma=90, data_range=255, return_result=True)
    assert found.trust.level == "low"
    assert found.method == "bm3d"
    assert any("worse than the input" in w for w in found.warnings)


def test_the_worst_slice_speaks_for_a_stack():
    verdicts = [Trust(level="medium", reasons=("a",)), Trust(), Trust(level="low", reasons=("b", "c"))]
    assert verdict.worst(verdicts) == Trust(level="low", reasons=("slice 3: b", "slice 3: c"))
    assert verdict.worst([]) == Trust()


def test_slices_that_are_as_bad_are_numbered_and_not_repeated():
    bad = Trust(level="low", reasons=("a", "b"))
    told = verdict.worst([bad if number in (4, 5, 6, 9) else Trust() for number in range(1, 11)])
    assert told.reasons == ("slice 4: a", "slice 4: b", "slices 5, 6, 9 are no better")
    assert verdict.worst([bad] * 2).reasons[-1] == "slice 2 is no better"
    assert verdict.worst([bad] * 100).reasons[-1] == "slices 2 to 100 are no better"
