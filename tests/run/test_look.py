"""What `auto` does where the last look fails: a milder result, a share of the change, or the input."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

import pellucid
from pellucid import files
from pellucid.noise import analysis
from pellucid.noise import share as shares
from pellucid.noise.report import NoiseReport
from pellucid.request import Denoise
from pellucid.run import decide, look, settle, verdict
from pellucid.run.state import State
from pellucid.steps import Trust

SIGMA = 12.0


def page():
    """(clean, noisy) text in grey levels, float32 and uint8."""
    clean = skimage.data.page()[20:148, 40:232].astype(np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, SIGMA, clean.shape)
    return clean, np.clip(noisy, 0, 255).round().astype(np.uint8)


def dense(size, seed):
    """A page (256, 256) of letters of so many pixels, 0 to 255."""
    paper, draws = Image.new("L", (1024, 1024), 250), np.random.default_rng(seed)
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(4 * size)
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789")
    for row in range(20):
        words = " ".join("".join(draws.choice(letters, draws.integers(2, 9))) for _ in range(12))
        pen.text((16, 8 + row * (4 * size + 10)), words, font=font, fill=26)
    return np.asarray(paper.resize((256, 256), Image.Resampling.BOX))


@pytest.mark.parametrize(("size", "quality"), [(5, 75), (4, 80), (5, 60)])
def test_what_stands_instead_is_never_stronger(size, quality):
    """Small dense text raises the eigenvalues of patches far above what was read."""
    clean, file = dense(size, 430), io.BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=quality)
    given = np.asarray(Image.open(file))
    result = pellucid.denoise(given, return_result=True)
    removed = np.asarray(result.estimate)[0, 0] * 255 - given
    assert float(removed.std()) < 0.5 * result.noise.level * 255 + 1
    error, before = (float(np.square(clean - e.astype(float)).mean()) for e in (given + removed, given))
    assert error < 1.05 * before


@pytest.fixture
def misread(monkeypatch):
    """Makes the analysis say what a test wants."""

    def say(report):
        monkeypatch.setattr(analysis, "analyse", lambda *args, **more: report)

    return say


def error(clean, result):
    return float(np.sqrt(np.mean((np.asarray(result, np.float32) - clean) ** 2)))


def far_too_high(chen=SIGMA / 255):
    return replace(NoiseReport.white(80 / 255, 1, scale=255), chen=chen, mad=(chen,))


def test_a_level_far_too_high_is_taken_back_for_a_milder_one(misread):
    clean, noisy = page()
    misread(far_too_high())
    forced = pellucid.denoise(noisy, return_result=True, force=True, lines="off")
    assert forced.trust.level == "low"
    found = pellucid.denoise(noisy, return_result=True, lines="off")
    assert found.method == "bm3d"
    assert found.trust.level == "medium"
    assert any("failed the last look" in words for words in found.warnings)
    assert "failed the last look" in found.reason
    ours, first = error(clean, found.estimate[0, 0] * 255), error(clean, forced.estimate[0, 0] * 255)
    assert ours < error(clean, noisy) - 2 < first


def test_what_cannot_be_defended_comes_back_as_it_was(misread):
    _, noisy = page()
    misread(far_too_high(chen=0.0))
    found = pellucid.denoise(noisy, return_result=True, lines="off")
    assert found.method == "none"
    assert found.trust.level == "low"
    np.testing.assert_array_equal(np.rint(found.estimate[0, 0] * 255), noisy)
    assert any("the input is returned" in words and "--force" in words for words in found.warnings)


def test_a_level_that_is_stated_is_obeyed(misread):
    _, noisy = page()
    misread(far_too_high())
    found = pellucid.denoise(noisy, return_result=True, sigma=80, data_range=255, lines="off")
    assert found.method != "none"
    assert found.trust.level == "low"
    assert "failed the last look" not in found.reason


@pytest.mark.parametrize("apart", [False, True])
def test_only_the_slices_that_fail_are_replaced(misread, monkeypatch, apart):
    monkeypatch.setattr(decide, "_apart", lambda report, whole: apart)  # each by a report of its own
    clean, noisy = page()
    draw = np.random.default_rng(1)
    flat = np.clip(120 + draw.normal(0, 80, noisy.shape), 0, 255).round().astype(np.uint8)
    misread(far_too_high())
    stack = np.stack([noisy, flat])
    forced = pellucid.denoise(stack, return_result=True, force=True, lines="off")
    found = pellucid.denoise(stack, return_result=True, lines="off")
    np.testing.assert_array_equal(found.estimate[1], forced.estimate[1])
    assert error(clean, found.estimate[0, 0] * 255) < error(clean, noisy)
    assert "slice 1: BM3D at a lower, white level" in found.reason


@pytest.mark.parametrize("sigma", [10, 25, 50])
@pytest.mark.parametrize("name", ["camera", "coins"])
def test_good_results_stay_bit_for_bit(name, sigma):
    clean = getattr(skimage.data, name)()[20:148, 40:232].astype(float)
    noisy = np.clip(clean + np.random.default_rng(sigma).normal(0, sigma, clean.shape), 0, 255)
    noisy = noisy.round().astype(np.uint8)
    found, forced = (pellucid.denoise(noisy, return_result=True, force=f) for f in (False, True))
    assert forced.trust.level in ("high", "medium"), forced.trust
    np.testing.assert_array_equal(found.estimate, forced.estimate)


def test_force_is_no_option_of_a_method_that_was_asked_for():
    with pytest.raises(ValueError, match=r"force does not apply to method nlm: .* kept anyway"):
        pellucid.denoise(page()[1], "nlm", force=True)


def test_what_the_file_cuts_off_and_what_is_left_out_counts_for_nothing():
    pixels = np.full((1, 1, 4, 4), 250, np.uint8)
    image = files.from_array(pixels[0, 0])
    noisy = torch.from_numpy(image.pixels.copy())
    holes = torch.zeros(1, 4, 4, dtype=torch.bool)
    holes[0, 0, 0] = True
    state = State(settings=settle(Denoise()), images=(image,), noisy=noisy, holes=holes)
    seen = look._seen(state, torch.full((1, 4, 4), 1.4), 0)
    assert float(seen.max()) == 1.0
    assert float(seen[0, 0, 0]) == float(noisy[0, 0, 0, 0])


def test_what_comes_back_is_the_input_also_where_lines_had_been_taken_off(monkeypatch):
    """Nothing could be defended, so that not even the stripes are gone."""
    rows, columns = np.mgrid[:96, :96]
    noisy = (
        128
        + 10 * np.cos(2 * np.pi * (0.2 * rows + 0.13 * columns))
        + np.random.default_rng(0).normal(0, 4, (96, 96))
    )
    noisy = noisy.round().astype(np.uint8)
    assert any("stripes" in note for note in pellucid.denoise(noisy, return_result=True).warnings)
    low = Trust(level="low", reasons=("it was made up",))
    monkeypatch.setattr(verdict, "of_all", lambda *given, **more: low)
    found = pellucid.denoise(noisy)
    np.testing.assert_array_equal(found, noisy)


@pytest.mark.parametrize(("told", "kept"), [(0.9, 1.0), (0.2, 0.2), (0.01, 0.0)])
def test_of_a_change_that_is_part_picture_only_the_part_that_is_noise_is_kept(monkeypatch, told, kept):
    noisy = grainy()
    whole = pellucid.denoise(noisy, return_result=True, force=True)
    assert whole.noise.correlated
    monkeypatch.setattr(shares, "share", lambda seen: told)
    part = pellucid.denoise(noisy, return_result=True)
    wanted = noisy + kept * (whole.estimate[0, 0] - noisy)
    np.testing.assert_allclose(part.estimate[0, 0], wanted, atol=1e-6)
    assert part.trust.level == {0.9: whole.trust.level, 0.2: "medium", 0.01: "low"}[told]
    assert ("20% of the change" in part.reason) == (told == 0.2)


def test_a_change_that_was_asked_for_is_kept_entire(monkeypatch):
    noisy = grainy()
    whole = pellucid.denoise(noisy, "bm3d")
    monkeypatch.setattr(shares, "share", lambda seen: 0.2)
    np.testing.assert_array_equal(pellucid.denoise(noisy, "bm3d"), whole)


def grainy():
    """Noise that pixels share, on a smooth picture from 0 to 1."""
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(96, 96)), 1.0)
    clean = gaussian_filter(skimage.data.coins()[:96, :96] / 255, 2.0)
    return np.clip(clean + 0.06 * noise / noise.std(), 0, 1).astype(np.float32)
