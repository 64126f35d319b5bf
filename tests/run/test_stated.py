"""A level that is stated is obeyed: one, one per channel, a map, that of a region; a misfit is refused."""

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

import pellucid
from pellucid.files import from_array
from pellucid.noise import region
from pellucid.request import Denoise
from pellucid.run.stated import in_units, stated

RNG = np.random.default_rng(0)
FLAT = np.full((64, 64, 3), 0.5, np.float32)
LEVELS = (0.02, 0.05, 0.1)
NOISY = (FLAT + RNG.normal(0, 1, FLAT.shape) * LEVELS).astype(np.float32)


def left(estimate):
    """What is left of the noise, per channel, of it."""
    return (estimate - FLAT).std((0, 1)) / LEVELS


@pytest.mark.parametrize("form", [list, tuple, np.asarray, torch.tensor])
def test_a_level_per_channel(form):
    got = pellucid.denoise(NOISY, channel_axis=-1, sigma=form(LEVELS), data_range=1.0)
    assert (left(got) <= 0.5).all()


@pytest.mark.parametrize("method", ["auto", "bm3d", "nlm"])
def test_a_map_is_obeyed_at_every_place(method):
    level = np.linspace(0.02, 0.15, 96, dtype=np.float32)[None] * np.ones((64, 1), np.float32)
    flat = np.full(level.shape, 0.4, np.float32)
    noisy = flat + (RNG.normal(0, 1, level.shape) * level).astype(np.float32)
    got = pellucid.denoise(noisy, method, sigma=level)
    for part in np.split(np.abs(got - flat) / level, 6, axis=1):
        assert part.mean() < (0.3 if method != "nlm" else 0.6)


def test_a_map_of_one_level_is_that_level():
    one = pellucid.denoise(NOISY, "bm3d", channel_axis=-1, sigma=0.05)
    for shape in ((64, 64), (3, 64, 64), (64, 64, 3)):
        same = pellucid.denoise(NOISY, "bm3d", channel_axis=-1, sigma=np.full(shape, 0.05))
        assert np.abs(same - one).max() < 1e-4


def test_a_map_may_hold_zeros_and_a_channel_without_noise():
    noisy = NOISY.copy()
    noisy[..., 0] = 0.5
    got = pellucid.denoise(noisy, channel_axis=-1, sigma=[0, 0.05, 0.1])
    assert np.isfinite(got).all()
    assert np.abs(got[..., 0] - 0.5).max() < 0.02
    level = np.full((64, 64), 0.05)
    level[:20] = 0
    assert np.isfinite(pellucid.denoise(NOISY, channel_axis=-1, sigma=level)).all()
    assert np.array_equal(pellucid.denoise(NOISY, channel_axis=-1, sigma=level * 0), NOISY)


@pytest.mark.parametrize(
    "sigma",
    [
        [0.02, 0.05],
        np.full((64, 63), 0.1),
        np.full((2, 64, 64), 0.1),
        [0.1, -0.1, 0.1],
        [0.1, float("nan"), 0.1],
        float("inf"),
        -0.1,
        "no such file.tif",
        ["a", "b", "c"],
        object(),
    ],
)
def test_anything_else_is_a_value_error_of_one_line(sigma):
    kind = OSError if isinstance(sigma, str) else ValueError
    with pytest.raises(kind) as caught:
        pellucid.denoise(NOISY, channel_axis=-1, sigma=sigma, data_range=1.0)
    assert "\n" not in str(caught.value)
    if kind is ValueError:
        assert "sigma must" in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "largest", "hint"),
    [
        ("uint8", 200, "sigma=20, data_range=255 (--sigma 20 --data-range 255)"),
        ("uint16", 900, "--data-range 1023"),
        ("uint16", 4000, "--data-range 4095"),
        ("uint16", 40000, "--data-range 65535"),
        ("int16", 2000, "--data-range 4095"),
        ("int32", 100_000, "--data-range 16777215"),
    ],
)
def test_the_hint_names_the_white_of_the_file_and_holds(dtype, largest, hint):
    picture = from_array(np.linspace(0, largest, 64 * 64).reshape(64, 64).astype(dtype))
    with pytest.raises(ValueError, match=r"sigma must be in \[0, 1\], got 20") as caught:
        stated(Denoise(sigma=20), picture)
    assert hint in str(caught.value)
    told = float(str(caught.value).split("data_range=")[1].split(" ")[0])
    levels = stated(Denoise(sigma=20, data_range=told), picture)
    assert levels is not None
    assert levels.item() * picture.scale == pytest.approx(20)


@given(
    dtype=st.sampled_from(["uint8", "uint16", "int16", "int32", "float32", "float64"]),
    white=st.sampled_from([200.0, 3000.0, 30000.0]),
    share=st.floats(0.001, 0.4),
)
@settings(max_examples=60, deadline=None)
def test_a_level_in_the_units_of_the_file_is_the_same_share_of_it(dtype, white, share):
    """Floats take it in their own units without a data range; and the way back is exact."""
    white = 200.0 if dtype == "uint8" else white
    picture = from_array(np.linspace(0, white, 256).reshape(16, 16).astype(dtype))
    told = None if dtype.startswith("float") else picture.scale
    request = Denoise(sigma=share * white, data_range=told)
    levels = stated(request, picture)
    assert levels is not None
    assert levels.item() * picture.scale == pytest.approx(share * white, rel=1e-5)
    assert in_units(levels, request, picture)[0] == pytest.approx(share * white, rel=1e-5)


def test_a_stated_level_is_never_too_weak():
    """Noise of 12 counts in thermal data around 29000 was left alone though the user stated it."""
    truth = 29000 + 300 * np.linspace(0, 1, 96)[None] * np.ones((96, 1))
    noisy = np.round(truth + RNG.normal(0, 12, truth.shape)).astype(np.uint16)
    got = pellucid.denoise(noisy, sigma=12, data_range=65535)
    assert (got - truth).std() < 4
    floats = pellucid.denoise((noisy / 1e5).astype(np.float32), sigma=12e-5)
    assert (floats * 1e5 - truth).std() < 4


def test_the_level_of_a_region_is_measured_there_only():
    truth = np.zeros((96, 96), np.float32)
    truth[:48] = 0.5 + 0.5 * RNG.random((48, 96))  # texture, everywhere but in the region
    truth[48:] = np.linspace(0.2, 0.6, 96)
    noisy = truth + RNG.normal(0, 0.04, truth.shape).astype(np.float32)
    noisy[60, 30] = 5
    result = pellucid.denoise(noisy, "nlm", noise_region="50:90,4:92", return_result=True)
    assert result.noise.level == pytest.approx(0.04, rel=0.05)
    with pytest.raises(ValueError, match="must lie in the picture of 96 x 96"):
        pellucid.denoise(noisy, noise_region="50:97,4:92")
    with pytest.raises(ValueError, match="at least 8 x 8"):
        pellucid.denoise(noisy, noise_region="50:57,4:92")
    for wrong in ("50-90", "9:3,1:2", "a:b,c:d"):
        with pytest.raises(ValueError, match="noise_region must be Y0:Y1,X0:X1"):
            Denoise(noise_region=wrong)
    with pytest.raises(ValueError, match="sigma and noise_region all say"):
        Denoise(noise_region="0:9,0:9", sigma=0.1)


@pytest.mark.parametrize("correlated", [False, True])
def test_a_region_counts_noise_that_neighbours_share(correlated):
    noise = torch.from_numpy(RNG.normal(0, 0.1, (1, 2, 80, 80))).float()
    if correlated:
        noise = (noise + noise.roll(1, -1) + noise.roll(1, -2)) / 3**0.5
    found = region.level(noise, (slice(8, 72), slice(8, 72))).flatten()
    assert found.tolist() == pytest.approx([0.1, 0.1], rel=0.05)


def test_a_region_tells_how_pixels_share_the_noise():
    """Told the level alone, the filter takes noise that is shared for detail: 1.4 to 1.9 dB less."""
    truth = np.full((96, 96), 0.5, np.float32)
    truth[:48] = np.where(np.arange(96) // 12 % 2, 0.3, 0.7)
    noise = ndimage.gaussian_filter(RNG.normal(0, 1, truth.shape), 0.8)
    noisy = (truth + 0.06 * noise / noise.std()).astype(np.float32)
    got = pellucid.denoise(noisy, "bm3d", noise_region="50:96,0:96", return_result=True)
    assert got.noise.correlated
    assert got.noise.level == pytest.approx(0.06, rel=0.1)
    told = pellucid.denoise(noisy, "bm3d", sigma=0.06)
    assert ((got.estimate[0, 0] - truth) ** 2).mean() < 0.8 * ((told - truth) ** 2).mean()
    white = np.full((96, 96), 0.5) + RNG.normal(0, 0.06, (96, 96))
    assert not pellucid.inspect(white, noise_region="0:96,0:96").correlated


def test_shots_share_a_stated_map():
    shots = [NOISY[..., 2], (FLAT[..., 2] + RNG.normal(0, 0.1, (64, 64))).astype(np.float32)]
    result = pellucid.denoise(shots, "nlm", shots=True, sigma=np.full((64, 64), 0.1), return_result=True)
    assert result.noise.level == pytest.approx(0.1 / 2**0.5)


def test_near_clean_pictures_are_told_what_is_stated():
    told = {"sigma": [0.02, 0.05, 0.1], "near_clean": "bm3d,nlm", "iterations": 2}
    result = pellucid.denoise(NOISY, "rs-dip", channel_axis=-1, return_result=True, **told)
    assert ((result.extras["near_clean"][0, 0] - 0.5).std((-2, -1)) < 0.5 * np.array(LEVELS)).all()


def test_a_map_in_a_file(tmp_path):
    tifffile.imwrite(tmp_path / "map.tif", np.where(np.arange(64) < 9, 0.05, 0.06) * np.ones((64, 1)))
    picture = from_array(NOISY, channel_axis=-1)
    levels = stated(Denoise(sigma=str(tmp_path / "map.tif")), picture)
    assert levels is not None
    assert levels.shape == (3, 64, 64)
    assert levels.unique().tolist() == pytest.approx([0.05, 0.06])
    level = np.full((64, 64), 100, np.uint16)
    level[0] = 2000
    tifffile.imwrite(tmp_path / "counts.tif", level)
    counts = from_array(np.linspace(0, 60000, 64 * 64).reshape(64, 64).astype(np.uint16))
    levels = stated(Denoise(sigma=str(tmp_path / "counts.tif"), data_range=65535), counts)
    assert levels is not None
    assert (levels[0].numpy() * 65535).round().astype(int).tolist() == level.tolist()
