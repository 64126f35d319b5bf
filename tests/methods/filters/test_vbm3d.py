"""V-BM3D: what neighbouring frames gain, what moves and what blinks, and what must not change."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage import data

import pellucid
from pellucid import methods, metrics
from pellucid.methods.filters import bm3d, vbm3d
from pellucid.methods.filters.blinking import smoothed_variance
from pellucid.methods.filters.grouping import tables
from pellucid.methods.filters.grouping.predictive import Prediction, predict
from pellucid.methods.filters.grouping.search import SPARE, empty
from pellucid.methods.filters.variance import covariances
from pellucid.methods.filters.vbm3d import Config, pans, restore
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task

SIDE, FRAMES = 96, 9


def panned() -> np.ndarray:
    """The cameraman, past whom a camera turns unevenly, by up to four pixels a frame."""
    picture = data.camera() / 255
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    places = [(90 + 1.5 * t, 170 + 2.25 * t + 2 * np.sin(t)) for t in range(FRAMES)]
    return np.stack([map_coordinates(picture, [y + top, x + left], order=3) for top, left in places])


def zoomed() -> np.ndarray:
    """The cat, nearer and turned by half a degree from frame to frame."""
    picture = data.chelsea().mean(2) / 255
    y, x = np.mgrid[:SIDE, :SIDE].astype(float) - SIDE / 2
    frames = []
    for t in range(FRAMES):
        angle, size = 0.01 * t, 1 - 0.01 * t
        turned = (np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x)
        frames.append(map_coordinates(picture, [140 + size * turned[0], 235 + size * turned[1]], order=3))
    return np.stack(frames)


def carried() -> np.ndarray:
    """A coin that is carried over other coins, which lie still."""
    picture = data.coins() / 255
    y, x = np.mgrid[:40, :40] - 19.5
    coin, shape = picture[24:64, 24:64], gaussian_filter((np.hypot(y, x) < 17).astype(float), 0.7)
    film = np.repeat(picture[None, 100 : 100 + SIDE, 60 : 60 + SIDE], FRAMES, 0)
    for t, frame in enumerate(film):
        place = frame[8 + 2 * t : 48 + 2 * t, 50 - 5 * t : 90 - 5 * t]
        place += shape * (coin - place)
    return film


MADE = {"panned": panned, "zoomed": zoomed, "carried": carried}


@cache
def film(name: str) -> torch.Tensor:
    """(1, T, H, W) in [0, 1]."""
    return torch.from_numpy(MADE[name]().clip(0, 1)).float()[None]


def drawn(clean: torch.Tensor, sigma: float, seed: int = 0) -> torch.Tensor:
    return clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))


def white(sigma: float, channels: int = 1) -> torch.Tensor:
    return torch.diag(torch.full((channels,), sigma**2))[:, :, None, None]


def by_frames(noisy: torch.Tensor, kernel: torch.Tensor, *, color: bool = False) -> torch.Tensor:
    """Frame by frame, as if there were no others."""
    frames = [bm3d.restore(frame, kernel, bm3d.Config(), color=color) for frame in noisy.unbind(1)]
    return torch.stack(frames, 1)


def psnr(clean: torch.Tensor, estimate: torch.Tensor) -> float:
    return metrics.psnr(clean.flatten(0, 1), estimate.flatten(0, 1), data_range=1.0)


@pytest.mark.parametrize(("sigma", "least"), [(10, 0.8), (25, 1.2), (50, 1.5)])
@pytest.mark.parametrize("name", MADE)
def test_neighbouring_frames_gain_over_frame_by_frame(name, sigma, least):
    clean, level = film(name), sigma / 255
    noisy = drawn(clean, level)
    ours = psnr(clean, restore(noisy, white(level), Config(), color=False))
    assert ours - psnr(clean, by_frames(noisy, white(level))) > least


def test_the_published_constants_gain_on_slow_motion():
    clean, level = film("zoomed"), 25 / 255
    noisy = drawn(clean, level)
    paper = methods.load("vbm3d").presets["paper"]
    ours = psnr(clean, restore(noisy, white(level), paper, color=False))
    assert ours - psnr(clean, by_frames(noisy, white(level))) > 1.0


def spots(
    width: float, height: float
) -> tuple[torch.Tensor, list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """A film (1, T, H, W) of spots; where they are that blink in one frame, and those that move."""
    draws = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE]
    made = np.repeat((0.2 + 0.1 * np.sin(x / 9) * np.cos(y / 13))[None], FRAMES, 0)

    def light(t: int, row: float, column: float) -> tuple[int, int, int]:
        made[t] += height * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))
        return t, round(row), round(column)

    blinking = [light(int(draws.integers(1, FRAMES - 1)), *draws.integers(8, SIDE - 8, 2)) for _ in range(12)]
    moving = []
    for _ in range(5):
        start, speed = draws.uniform(20, SIDE - 20, 2), draws.uniform(-2, 2, 2)
        moving += [light(t, *(start + speed * (t - FRAMES // 2))) for t in range(FRAMES)]
    return torch.from_numpy(made).float()[None], blinking, moving


def peaks(picture: torch.Tensor, places: list[tuple[int, int, int]]) -> float:
    """Mean over the 3 x 3 pixels of every place, less what lies around."""
    found = []
    for t, y, x in places:
        around = picture[0, t, max(0, y - 6) : y + 7, max(0, x - 6) : x + 7]
        found.append(float(picture[0, t, y - 1 : y + 2, x - 1 : x + 2].mean() - around.median()))
    return float(np.mean(found))


@pytest.mark.parametrize(("sigma", "height"), [(10, 0.25), (25, 0.5), (50, 1.0)])
def test_what_blinks_and_what_moves_stays(sigma, height):
    clean, blinking, moving = spots(1.3, height)
    level = sigma / 255
    noisy = drawn(clean, level)
    alone, ours = by_frames(noisy, white(level)), restore(noisy, white(level), Config(), color=False)
    assert peaks(ours, blinking) > 0.9 * peaks(alone, blinking)
    assert peaks(ours, moving) > 0.9 * peaks(alone, moving)
    assert psnr(clean, ours) > psnr(clean, alone) + 1.5
    ghosts = [(t + 1, y, x) for t, y, x in blinking if (t + 1, y, x) not in blinking]
    assert peaks(ours, ghosts) < 0.05 * height + peaks(clean, ghosts)


def test_a_block_is_followed_where_it_goes():
    """The places of a group against the known motion, and against an exhaustive search of all windows."""
    scene = torch.rand(60, 60, generator=torch.Generator().manual_seed(0)).numpy()
    frames = np.stack([scene[2 * t : 2 * t + 40, 10 - t : 50 - t] for t in range(5)])
    guide = np.pad(frames, ((0, 0), (0, 0), (0, SPARE))).astype(np.float32)
    found, best, own = empty(5), empty(3), empty(3)
    where = Prediction(4, 3, 2, 2, 0.0)
    number = predict(guide, np.zeros((5, 2), np.int64), (2, 16, 16), where, 1e-6, found, best, own)
    assert number == 5
    places = {
        (int(t), int(y), int(x)) for t, y, x in zip(found.frames, found.downs, found.acrosses, strict=True)
    }
    assert places == {(t, 16 - 2 * (t - 2), 16 + (t - 2)) for t in range(5)}
    assert found.distances.max() == 0.0


def test_a_fast_pan_is_found_and_followed():
    clean = film("panned")[:, :, 16:80, 16:80]
    fast = torch.stack([film("panned")[0, 0, 0:64, 0:64], film("panned")[0, 0, 8:72, 20:84]])
    assert pans(drawn(fast, 0.1)).tolist() == [[0, 0], [-8, -20]]
    assert pans(drawn(clean[0, :1].repeat(3, 1, 1), 0.2)).tolist() == [[0, 0]] * 3


def test_frames_share_no_noise_and_each_has_its_level():
    """The variance of a group against its definition: covariance within a frame, none between frames."""
    from pellucid.methods.filters.grouping.shrinkage import scratch
    from pellucid.methods.filters.grouping.variance import group_variance

    kernel = torch.ones(1, 1, 1)
    known = tables.noise(covariances(kernel, "dct", 32), 1)
    noise = tables.of_film(known, np.array([1.0, 3.0], np.float32))
    found = empty(2)
    variance = np.zeros((2, 64), np.float32)
    found.frames[:] = 0, 1
    group_variance(found, 2, noise, 0, scratch(2, 1).between, variance)
    np.testing.assert_allclose(variance, 5.0, rtol=1e-5)  # (1 + 9) / 2 each
    found.frames[:] = 1, 1
    group_variance(found, 2, noise, 0, scratch(2, 1).between, variance)
    np.testing.assert_allclose(variance[0], 18.0, rtol=1e-5)  # the same pixels twice
    np.testing.assert_allclose(variance[1], 0.0, atol=1e-4)


def test_noisier_frames_are_told_and_gain_most():
    clean, level = film("carried"), 15 / 255
    levels = torch.tensor([1.0, 1, 1, 3, 1, 1, 1, 1, 1])
    noisy = clean + level * levels.view(1, -1, 1, 1) * drawn(torch.zeros_like(clean), 1.0)
    told = restore(noisy, white(level), Config(), color=False, levels=levels)
    untold = restore(noisy, white(level), Config(), color=False)
    assert psnr(clean[:, 3:4], told[:, 3:4]) > psnr(clean[:, 3:4], untold[:, 3:4]) + 1.0
    assert psnr(clean, told) > psnr(clean, untold)


def test_smoothed_noise_has_the_variance_that_is_expected():
    rough = drawn(torch.zeros(1, 400, 400), 1.0)[0].numpy()
    shared = gaussian_filter(rough, 1.0)
    lag = torch.arange(-7, 8).double()
    line = torch.exp(-lag.square() / 4)
    kernel = line[:, None] * line[None] / (4 * np.pi)
    expected = smoothed_variance(kernel, 2.0)
    assert float(gaussian_filter(shared, 2.0).var()) == pytest.approx(expected, rel=0.1)


def test_noise_that_pixels_share_is_filtered_by_its_spectrum():
    clean = film("carried")
    noise = torch.from_numpy(
        gaussian_filter(drawn(torch.zeros_like(clean), 1.0).numpy(), (0, 0, 1, 1))
    ).float()
    unit = 20 / 255 / float(noise.std())
    lag = torch.arange(-7, 8).float()
    line = torch.exp(-lag.square() / 4)
    kernel = (line[:, None] * line[None] * (20 / 255) ** 2)[None, None]
    noisy = clean + unit * noise
    right = psnr(clean, restore(noisy, kernel, Config(), color=False))
    assert right > psnr(clean, restore(noisy, white(20 / 255), Config(), color=False)) + 1.0
    assert right > psnr(clean, by_frames(noisy, kernel)) + 1.0


def test_colours_share_their_groups_and_other_channels_do_not():
    picture = torch.from_numpy(data.chelsea()[100:180, 150:230].copy()).permute(2, 0, 1).float() / 255
    clean = torch.stack([picture[:, t : t + 64, 2 * t : 2 * t + 64] for t in range(5)], 1)
    noisy, kernel = drawn(clean, 0.1), white(0.1, 3)
    ours = restore(noisy, kernel, Config(), color=True)
    assert psnr(clean, ours) > psnr(clean, by_frames(noisy, kernel, color=True)) + 1.0
    config = Config(blink=0.0, pan=False)
    apart = restore(noisy, kernel, config, color=False)
    one = restore(noisy[1:2], kernel[1:2, 1:2], config, color=False)
    assert torch.allclose(apart[1:2], one, atol=1e-6)


def test_a_single_frame_is_left_to_bm3d():
    noisy = drawn(film("zoomed")[:, 0], 0.1)
    task = Task(shots=noisy[None], noise=NoiseReport.white(0.1, 1), color=False)
    (step,) = vbm3d.steps(task, Config(), seed=0, device=torch.device("cpu"))
    assert torch.equal(step.estimate(), bm3d.restore(noisy, white(0.1), bm3d.Config(), color=False))


def test_threads_and_what_is_far_away_change_no_bit():
    noisy = drawn(film("carried"), 0.1)
    config = replace(Config(), blink=0.0)
    once = restore(noisy, white(0.1), config, color=False)
    torch.set_num_threads(2)
    try:
        assert torch.equal(restore(noisy, white(0.1), config, color=False), once)
    finally:
        torch.set_num_threads(1)


def test_a_constant_film_stays_and_no_noise_is_no_work():
    flat = torch.full((1, 4, 20, 17), 0.25)
    assert torch.allclose(restore(flat, white(0.1), Config(), color=False), flat, atol=1e-3)
    noisy = drawn(flat, 0.1)
    assert torch.equal(restore(noisy, white(0.0), Config(), color=False), noisy)


def test_a_film_in_python_keeps_form_and_brightness():
    frames = (255 * drawn(film("panned"), 0.1)[0]).clamp(0, 255).round().byte().numpy()
    result = pellucid.denoise(frames, "vbm3d", sigma=0.1, return_result=True)
    assert result.estimate.shape == (FRAMES, 1, SIDE, SIDE)
    assert any("slices of" in note for note in result.warnings)
    clean = pellucid.denoise(frames, "vbm3d", sigma=0.1, axes="TYX")
    assert clean.dtype == np.uint8
    np.testing.assert_allclose(clean.mean((1, 2)), frames.mean((1, 2)), atol=0.6)


@pytest.mark.parametrize("course", ["bleaching", "flicker"])
def test_what_differs_in_brightness_still_helps(course):
    light = 0.94 ** np.arange(FRAMES) if course == "bleaching" else 1 + 0.12 * np.tile([1, -1, 0.5], 3)
    light = torch.from_numpy(light).float().view(1, -1, 1, 1)
    clean, level = film("carried") * light, 15 / 255
    noisy = drawn(clean, level)
    ours, uneven = (restore(noisy, white(level), Config(even=e), color=False) for e in (True, False))
    assert psnr(clean, ours) > psnr(clean, uneven) + 0.8
    even = film("carried") * light[:, :1]
    assert psnr(even, restore(drawn(even, level), white(level), Config(even=False), color=False)) < (
        psnr(clean, ours) + 0.5
    )
    for own, true in zip(ours[0], clean[0], strict=True):
        assert float(own.mean()) == pytest.approx(float(true.mean()), abs=0.004)


def test_an_even_film_is_left_as_it_is():
    noisy = drawn(film("carried"), 0.1)
    once, again = (restore(noisy, white(0.1), Config(even=e), color=False) for e in (True, False))
    assert torch.equal(once, again)
