"""Films under auto: neighbours help where a trial says so, scenes are kept apart, nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage import data
from skimage.data import binary_blobs

import pellucid
from pellucid import files, metrics, series
from pellucid.methods.filters import bm3d, vbm3d
from pellucid.request import Denoise
from pellucid.run import State, run, settle, trial
from pellucid.run.pipeline import DECIDE

SIDE = 96


def turning(picture: np.ndarray, frames: int = 6, top: float = 90, left: float = 170) -> np.ndarray:
    """A picture past which a camera turns: (T, H, W), 0 to 1."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    places = [(y + top + 1.5 * t, x + left - 0.7 * t) for t in range(frames)]
    return np.stack([map_coordinates(picture / 255.0, place, order=3) for place in places]).clip(0, 1)


CAMERA = turning(data.camera())
COINS = turning(data.coins(), 3, 60, 60)


def noisy(clean: np.ndarray, sigma: float = 0.08, seed: int = 0) -> np.ndarray:
    drawn = clean + sigma * np.random.default_rng(seed).standard_normal(clean.shape)
    return (255 * drawn).round().clip(0, 255).astype(np.uint8)


def psnr(clean: np.ndarray, found: np.ndarray) -> float:
    pair = (torch.from_numpy(np.asarray(p, np.float32)) for p in (clean, found / 255.0))
    return metrics.psnr(*pair, data_range=1.0)


def decided(x, **options) -> State:
    return run(State(settings=settle(Denoise(**options)), given=(x,)), DECIDE)


def test_the_frames_of_a_film_help_each_other(tmp_path):
    tifffile.imwrite(tmp_path / "film.tif", noisy(CAMERA), imagej=True, metadata={"axes": "TYX"})
    image = files.read(tmp_path / "film.tif")
    result = pellucid.denoise(image, return_result=True)
    assert result.method == "vbm3d"
    assert "V-BM3D, as the slices along T help each other" in result.reason
    together = files.to_array(pellucid.denoise(image))
    alone = files.to_array(pellucid.denoise(image, axis="none"))
    assert psnr(CAMERA, together) > psnr(CAMERA, alone) + 1.5
    np.testing.assert_array_equal(alone, pellucid.denoise(noisy(CAMERA)))


def test_photons_are_made_even_first():
    clean = 0.05 + 0.8 * CAMERA
    counts = np.random.default_rng(0).poisson(40 * clean).astype(np.uint16)
    state = decided(counts, axes="TYX")
    assert state.choice.method == "vbm3d"
    assert state.choice.stabilise is not None
    together, alone = (pellucid.denoise(counts, axes="TYX", axis=axis) for axis in ("auto", "none"))
    errors = [float(np.square(found / 40 - clean).mean()) for found in (together, alone)]
    assert errors[0] < 0.8 * errors[1]


def test_frames_that_show_other_things_are_left_alone():
    pictures = [data.camera(), data.coins(), data.moon(), data.clock()]
    stack = noisy(np.stack([p[100 : 100 + SIDE, 100 : 100 + SIDE] / 255 for p in pictures]))
    result = pellucid.denoise(stack, axes="TYX", return_result=True)
    assert result.method != "vbm3d"
    assert any("each is denoised by itself" in note for note in result.warnings)
    np.testing.assert_array_equal(
        pellucid.denoise(stack, axes="TYX"), pellucid.denoise(stack, axes="TYX", axis="none")
    )


def test_a_stack_that_says_nothing_stays_as_it_was_and_a_line_says_so():
    """Plain TIFF and arrays: pages may be anything."""
    state = decided(noisy(CAMERA))
    assert state.runs == ()
    assert any("--axes TYX lets them help each other" in note for note in state.notes)
    other = decided(noisy(np.stack([CAMERA[0], COINS[0]])))
    assert not any("--axes" in note for note in other.notes)


def test_scenes_and_blank_frames_are_kept_apart():
    blank = np.full((1, SIDE, SIDE), 0.4)
    stack = noisy(np.concatenate([CAMERA[:3], COINS, blank]))
    state = decided(stack, axes="TYX", sigma=0.08)
    assert state.runs == ((0, 1, 2), (3, 4, 5))
    assert [choice.method for choice in state.choices[:6]] == ["vbm3d"] * 6
    assert state.choices[6].method != "vbm3d"


def test_bleaching_and_flicker_stay():
    light = np.array([1.0, 0.95, 0.7, 0.86, 0.81, 0.77])
    bleached = noisy(CAMERA * light[:, None, None], 0.05)
    found = pellucid.denoise(bleached, axes="TYX")
    np.testing.assert_allclose(found.mean((1, 2)), bleached.mean((1, 2)), atol=0.6)


def test_the_trial_tells_the_true_difference_of_the_errors():
    """What it expects of noise a little stronger, against the errors that only the truth tells."""
    given = noisy(CAMERA).astype(np.float32) / 255
    state = decided(given, axes="TYX", axis="none", sigma=0.08, data_range=1.0)
    alone = replace(state.choice, method="bm3d", config=bm3d.Config())
    gain, error = trial.gain(state, alone, tuple(range(len(given))), "T", "vbm3d")
    clean = torch.from_numpy(CAMERA[1:6]).float()[None]
    level = 0.08 * (1 + trial.SHARE**2) ** 0.5
    more = clean + level * torch.randn(clean.shape, generator=torch.Generator().manual_seed(5))
    kernel = torch.full((1, 1, 1, 1), level**2)
    ours = vbm3d.restore(more, kernel, vbm3d.Config(), color=False)
    apart = torch.stack([bm3d.restore(f, kernel, bm3d.Config(), color=False) for f in more.unbind(1)], 1)
    true = float((apart - clean).square().mean() - (ours - clean).square().mean())
    assert gain == pytest.approx(true, abs=4 * error)
    assert gain > trial.SURE * error


def test_who_names_the_axis_is_obeyed():
    state = decided(noisy(CAMERA), axis="t")
    assert state.runs == (tuple(range(len(CAMERA))),)
    assert not any("lose by each other" in note for note in state.notes)
    few = decided(noisy(CAMERA[:3]), axes="ZYX", axis="z")
    assert few.runs == ()
    assert few.choice.method != "bm4d"


def test_who_names_the_axis_is_told_where_the_frames_lose_by_each_other():
    """One shade over bricks that are others in every frame."""
    places = [(0, 0), (211, 37), (97, 301), (333, 160), (50, 222)]
    bricks = np.stack([data.brick()[y : y + SIDE, x : x + SIDE] / 255.0 for y, x in places])
    shade = np.mgrid[:SIDE, :SIDE].sum(0) / (2 * SIDE)
    film_of_them = noisy(0.5 * shade + 0.8 * (bricks - 0.3))
    state = decided(film_of_them, axes="TYX", axis="t")
    assert state.choice.method == "vbm3d"
    assert any("lose by each other" in note for note in state.notes)
    left = decided(film_of_them, axes="TYX")
    assert left.choice.method != "vbm3d"


def test_the_slices_of_a_volume_help_each_other_where_they_do(tmp_path):
    blobs = binary_blobs(48, n_dim=3, volume_fraction=0.4, blob_size_fraction=0.2, rng=1)[:12]
    clean = 0.2 + 0.5 * gaussian_filter(blobs.astype(float), 0.6)
    tifffile.imwrite(tmp_path / "volume.tif", noisy(clean), imagej=True, metadata={"axes": "ZYX"})
    image = files.read(tmp_path / "volume.tif")
    assert decided(image).choice.method == "bm4d"
    together, alone = (files.to_array(pellucid.denoise(image, axis=axis)) for axis in ("auto", "none"))
    filtered = files.to_array(pellucid.denoise(image, method="bm3d"))
    assert psnr(clean, together) > psnr(clean, filtered) + 1.0
    assert psnr(clean, together) > psnr(clean, alone) + 0.3  # alone, the network for gray pictures helps
    others = [data.camera(), data.coins(), data.moon(), data.clock(), data.page()]
    apart = noisy(np.stack([p[60 : 60 + SIDE, 100 : 100 + SIDE] / 255 for p in others]))
    assert decided(apart, axes="ZYX").choice.method != "bm4d"


def test_an_axis_that_is_not_there_is_one_clear_error():
    with pytest.raises(ValueError, match="axis='z' must be an axis of several slices"):
        pellucid.denoise(noisy(CAMERA), axes="TYX", axis="z", sigma=0.08)


def test_scene_cuts_and_blank_frames_end_a_run_also_for_a_method_by_name():
    film = np.concatenate([CAMERA[:3], COINS, CAMERA[3:]])
    film[7] = 0.0
    stack = noisy(film, 0.05)
    state = decided(stack, axes="TYX", method="vbm3d", sigma=0.05)
    assert state.runs == ((0, 1, 2), (3, 4, 5), (6,), (7,), (8,))
    own = decided(stack, axes="TYX", sigma=0.05)
    assert any("nothing is seen in frame 8" in note for note in own.notes)
    assert own.series[0].blank == (7,)


@pytest.mark.parametrize("method", ["bm4d", "auto"])
@pytest.mark.parametrize(
    ("kind", "unit", "base"), [(np.uint8, 255, 0), (np.uint16, 3000, 500), (np.float32, 1, -2)]
)
def test_no_slice_of_a_volume_bleeds_into_a_blank_one_or_past_a_cut(method, kind, unit, base):
    """The blank slice shows nothing of its neighbours, and what is before the cut nothing of what follows."""
    first, second = np.stack([CAMERA[0]] * 6), np.stack([COINS[0]] * 6)
    clean = np.concatenate([first, second])
    clean[3] = 0.15
    exact = clean + 0.08 * np.random.default_rng(0).standard_normal(clean.shape)
    stored = base + unit * (exact if kind is np.float32 else exact.clip(0, 1).round(4))
    given = stored.astype(kind)
    made = (
        pellucid.denoise(given, method, axes="ZYX", sigma=0.08 * unit, data_range=unit + max(base, 0))
        - float(base)
    ) / unit
    left = made - clean

    def shown(place: int, other: np.ndarray) -> float:
        """The share of a contrast that is seen in the error of a slice."""
        contrast = gaussian_filter(other - other.mean(), 1)
        return float((left[place] * contrast).mean() / np.square(contrast).mean())

    assert abs(shown(3, first[0])) < 0.01
    assert abs(shown(5, second[0])) < 0.04
    assert abs(shown(6, first[0])) < 0.04
    assert left[3].std() < 0.01


def test_frames_that_share_their_noise_are_taken_alone_and_it_is_said():
    draws = np.random.default_rng(4).standard_normal((len(CAMERA) + 1, SIDE, SIDE))
    lagged = CAMERA + 0.08 * (draws[1:] + draws[:-1]) / np.sqrt(2)
    stack = (255 * lagged).round().clip(0, 255).astype(np.uint8)
    state = decided(stack, axes="TYX", sigma=0.08)
    assert state.runs == ()
    assert any("share their noise" in note for note in state.notes)
    assert decided(stack, axes="TYX", axis="t", sigma=0.08).choice.method == "vbm3d"


def test_blank_slices_of_several_films_are_told_once_by_their_numbers_in_the_file():
    film = np.stack([CAMERA[:4], CAMERA[2:6]], 1)  # T, Z
    film[1, 0], film[2, 1] = 0, 0
    state = decided(noisy(film), axes="TZYX", sigma=0.08)
    told = [note for note in state.notes if "nothing is seen" in note]
    assert told == [
        "nothing is seen in slice 3, 6 (counted through the file), which takes no part in what others get"
    ]
    lines = "\n".join(series.words(one) for one in state.series if one.axis == "T")
    assert "Nothing is seen in frame 2." in lines
    assert "Nothing is seen in frame 3." in lines


def test_an_axis_that_is_asked_for_and_not_taken_is_told():
    drawn = np.random.default_rng(0).standard_normal(CAMERA.shape)
    soft = gaussian_filter(drawn, (0, 1, 1))
    state = decided(
        (255 * (CAMERA + 0.08 * soft / soft.std())).clip(0, 255).astype(np.uint8), axes="TYX", axis="t"
    )
    assert state.runs == ()
    assert any(
        note.startswith("--axis t: each slice is denoised by itself, as pixels share") for note in state.notes
    )


def lit() -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """The turning camera with spots that are there in one frame only, and where they are."""
    y, x = np.mgrid[:SIDE, :SIDE]
    film, places = 0.5 * CAMERA.copy(), [(1, 20, 60), (2, 70, 25), (3, 30, 30), (4, 50, 80), (4, 80, 60)]
    for t, row, column in places:
        film[t] += 0.45 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * 1.5**2))
    return film, places


def test_what_one_frame_shows_stays_there_and_nowhere_else():
    clean, places = lit()
    given = noisy(clean, 0.06)
    together, alone = (pellucid.denoise(given, axes="TYX", axis=axis) / 255 for axis in ("t", "none"))

    def peak(film: np.ndarray, t: int, y: int, x: int) -> float:
        return float(film[t, y - 1 : y + 2, x - 1 : x + 2].mean() - 0.5 * CAMERA[t, y, x])

    there = [peak(together, *place) for place in places]
    assert np.mean(there) > 0.9 * np.mean([peak(alone, *place) for place in places])
    before, after = (
        np.mean([peak(together, t + d, y, x) for t, y, x in places if t + d < 6]) for d in (-1, 1)
    )
    assert max(abs(before), abs(after)) < 0.08 * np.mean(there)


def test_hot_pixels_that_stay_at_their_place_go_and_what_blinks_does_not():
    clean, places = lit()
    given = noisy(clean, 0.04)
    hot = [(12, 14), (44, 52), (88, 33)]
    for y, x in hot:
        given[:, y, x] = 255
    result = pellucid.denoise(given, axes="TYX", axis="t", return_result=True)
    assert any("3 hot pixels" in note for note in result.warnings)
    for y, x in hot:
        assert np.abs(result.estimate[:, 0, y, x] - clean[:, y, x]).max() < 0.15
    t, y, x = places[0]
    assert result.estimate[t, 0, y, x] > clean[t, y, x] - 0.1


def test_flicker_keeps_the_mean_and_the_contrast_of_every_frame():
    light = np.array([1.0, 0.75, 0.95, 0.7, 0.9, 0.65])
    clean = CAMERA * light[:, None, None]
    given = noisy(clean, 0.05)
    found = pellucid.denoise(given, axes="TYX", axis="t").astype(float)
    np.testing.assert_allclose(found.mean((1, 2)), given.mean((1, 2)), atol=0.6)
    for t, frame in enumerate(found):
        slope = np.polyfit(255 * clean[t].ravel(), frame.ravel(), 1)[0]
        assert slope == pytest.approx(1, abs=0.03)


def test_laws_of_films():
    """Another type, an offset, and the frames the other way round give the same picture."""
    given = noisy(CAMERA, 0.06)
    usual = pellucid.denoise(given, axes="TYX", axis="t", sigma=0.06).astype(float)
    deep = pellucid.denoise(given.astype(np.uint16) * 257, axes="TYX", axis="t", sigma=0.06) / 257
    assert np.sqrt(np.square(deep - usual).mean()) < 0.6
    back = pellucid.denoise(given[::-1].copy(), axes="TYX", axis="t", sigma=0.06)[::-1]
    assert np.sqrt(np.square(back - usual).mean()) < 0.15 * 0.06 * 255
    floats = given.astype(np.float32) / 510
    low, high = (
        pellucid.denoise(floats + shift, axes="TYX", axis="t", sigma=0.03, data_range=1.0)
        for shift in np.float32([0, 0.25])
    )
    np.testing.assert_allclose(high - low, 0.25, atol=0.003)


def test_in_a_hurry_the_frames_are_averaged_before_a_small_network():
    given = noisy(np.tile(CAMERA, (2, 1, 1)))  # twelve frames, whose noise is measured together
    result = pellucid.denoise(given, effort="quick", axes="TYX", return_result=True)
    assert result.method == "mctf"
    assert "averaged along their motion, as the slices along T help each other" in result.reason
    found, alone = (
        pellucid.denoise(given, effort="quick", axes="TYX", axis=axis) for axis in ("auto", "none")
    )
    assert psnr(np.tile(CAMERA, (2, 1, 1)), found) > psnr(np.tile(CAMERA, (2, 1, 1)), alone) + 1.0
    pictures = [data.camera(), data.coins(), data.moon(), data.clock()]
    apart = noisy(np.stack([p[100 : 100 + SIDE, 100 : 100 + SIDE] / 255 for p in pictures]))
    assert decided(apart, axes="TYX", effort="quick").runs == ()


def test_in_a_hurry_a_film_whose_noise_changes_is_measured_frame_by_frame():
    levels = np.where(np.arange(12) < 6, 0.05, 0.15)
    clean = np.tile(CAMERA[:1], (12, 1, 1))
    given = np.stack(
        [noisy(c[None], level, i)[0] for i, (c, level) in enumerate(zip(clean, levels, strict=True))]
    )
    state = decided(given, axes="TYX", effort="quick")
    assert len(state.reports) == 12
    even = decided(noisy(clean, 0.05), axes="TYX", effort="quick")
    assert even.reports == ()
