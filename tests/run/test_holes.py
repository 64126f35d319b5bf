"""Pixels that take no part in a run: NaN, nodata and what the user masked."""

import numpy as np
import pytest
import torch
from skimage import data

import pellucid
from pellucid.run.apply import keep_mean


@pytest.fixture(scope="module")
def truth():
    return data.camera()[100:164, 200:280].astype(np.float32) / 255


@pytest.fixture(scope="module")
def noisy(truth):
    return truth + np.random.default_rng(0).normal(0, 0.06, truth.shape).astype(np.float32)


def test_nan_stays_and_hardly_changes_the_rest(truth, noisy):
    given = noisy.copy()
    given[:, :9] = np.nan
    given[40:44, 50] = np.inf
    bad = ~np.isfinite(given)
    whole, got = pellucid.denoise(noisy, "bm3d"), pellucid.denoise(given, "bm3d")
    assert got[bad].tobytes() == given[bad].tobytes()
    assert np.isfinite(got[~bad]).all()
    assert ((got - truth)[~bad] ** 2).mean() < 1.2 * ((whole - truth)[~bad] ** 2).mean()


def test_who_gives_an_array_is_told_of_its_holes(noisy):
    given = (noisy * 100).astype(np.float32)
    given[:9] = -9999
    result = pellucid.denoise(given, "nlm", return_result=True)
    assert any("hold -9999, which is taken for nodata" in warning for warning in result.warnings)
    assert not any("nodata" in w for w in pellucid.denoise(noisy, "nlm", return_result=True).warnings)


def test_a_mask_leaves_its_pixels_alone(noisy):
    mask = np.zeros(noisy.shape, bool)
    mask[10:20, 5:60] = True
    for given in (noisy, (noisy.clip(0, 1) * 255).astype(np.uint8)):
        got = pellucid.denoise(given, "nlm", mask=mask)
        assert np.array_equal(got[mask], given[mask])
        assert (got[~mask] != given[~mask]).mean() > 0.3
    with pytest.raises(ValueError, match="mask must mark at least one left alone pixel"):
        pellucid.denoise(noisy, "nlm", mask=~mask & mask)
    with pytest.raises(ValueError, match="mask must have the shape of image"):
        pellucid.denoise(noisy, "nlm", mask=mask[1:])


def test_inpaint_fills_nan_under_its_mask_only(truth):
    given = truth.copy()
    given[20:24, 30:40] = np.nan
    given[50, 50] = np.nan
    mask = np.zeros(truth.shape, bool)
    mask[20:24, 30:40] = True
    got = pellucid.inpaint(given, mask, "biharmonic")
    assert np.isfinite(got[mask]).all()
    assert np.argwhere(np.isnan(got)).tolist() == [[50, 50]]
    assert np.abs(got - truth)[mask].max() < 0.5
    assert np.array_equal(got[~mask], given[~mask], equal_nan=True)


def test_what_is_under_the_mask_has_no_say_in_the_range(truth):
    mask = np.zeros(truth.shape, bool)
    mask[20:24, 30:40] = True
    for dtype, factor in (("float32", 1), ("float32", 1e-5), ("int32", 4000)):
        one, two = (
            pellucid.inpaint((np.where(mask, v, truth) * factor).astype(dtype), mask, "idbp", iterations=2)
            for v in (0.5, -3e4)
        )
        assert np.abs(one.astype(float) - two).max() <= (1 if dtype == "int32" else 1e-4 * factor)


def test_a_hole_of_one_shot_is_seen_by_the_others(truth):
    shots = [
        truth + np.random.default_rng(i).normal(0, 0.06, truth.shape).astype(np.float32) for i in range(3)
    ]
    whole = pellucid.denoise(shots, "nlm", shots=True, sigma=0.06)
    shots[1][10:40, 10:40] = np.nan
    shots[0][50, 50] = np.nan
    got = pellucid.denoise(shots, "nlm", shots=True, sigma=0.06)
    assert np.argwhere(np.isnan(got)).tolist() == [[50, 50]]
    assert np.nanmean((got - truth) ** 2) < 1.3 * np.mean((whole - truth) ** 2)


def test_shots_far_from_zero_share_an_offset(truth):
    shots = [1e6 + 100 * truth + np.random.default_rng(i).normal(0, 6, truth.shape) for i in range(3)]
    got = pellucid.denoise(shots, "nlm", shots=True, sigma=6)
    assert (got - 1e6 - 100 * truth).std() < 4


def test_upscale_leaves_holes(truth):
    given = truth.copy()
    given[5, 6] = np.nan
    got = pellucid.upscale(given, 2, "bicubic")
    assert np.isnan(got[10:12, 12:14]).all()
    assert np.isnan(got).sum() == 4


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [
        ("int16", 1100, -1000),
        ("int32", 2000, -3000),
        ("uint16", 4095, 0),
        ("int8", 100, -60),
        ("float32", 2100, -1000),
    ],
)
def test_the_mean_is_kept_for_every_type(truth, dtype, scale, offset):
    """CT in Hounsfield units had its mean moved by 1810: negative values were clipped in one of two means."""
    draws = np.random.default_rng(1).normal(0, 0.03, truth.shape)
    given = (truth + draws) * scale + offset
    if np.dtype(dtype).kind != "f":
        given = given.round().clip(0 if dtype[0] == "u" else None, 4095 if dtype[0] == "u" else None)
    given = given.astype(dtype)
    got = pellucid.denoise(given, "nlm")
    assert abs(got.mean(dtype=float) - given.mean(dtype=float)) < 2e-3 * scale
    assert np.abs(got.astype(float) - given).mean() > 0.005 * scale


def test_the_mean_counts_what_takes_part():
    noisy = torch.tensor([[[1.0, 2.0, 100.0]]])
    left = torch.tensor([[[False, False, True]]])
    kept = keep_mean(torch.zeros(1, 1, 3), noisy, left_out=left)
    assert kept.flatten().tolist() == [1.5, 1.5, 1.5]
    both = keep_mean(torch.full((1, 1, 2), 0.5), torch.tensor([[[-1.0, 1.0]]]), limits=(0.0, 1.0))
    assert both.flatten().tolist() == [0.5, 0.5]
