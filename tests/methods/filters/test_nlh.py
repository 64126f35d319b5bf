"""NLH against a plain writing of its equations, and against what it must not depend on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.data import chelsea

from pellucid import metrics, seeds
from pellucid.methods.filters.nlh import groups, passes, shrinkage
from pellucid.methods.filters.nlh.level import level
from pellucid.methods.filters.nlh.method import NLH, autocovariance
from pellucid.methods.filters.nlh.passes import Blocks
from pellucid.noise.report import NoiseReport
from pellucid.steps import Task

Doubles = NDArray[np.float64]
FAST = NLH.presets["fast"]


def picture(side: int = 40, *, sigma: float = 0.1, channels: int = 3) -> NDArray[np.float32]:
    piece = (
        torch.from_numpy(chelsea()[100 : 100 + side, 100 : 100 + side].copy()).permute(2, 0, 1).float() / 255
    )
    noise = torch.randn(piece.shape, generator=seeds.generator(0, "noise"))
    return (piece + sigma * noise)[:channels].numpy()


def smooth(side: int) -> torch.Tensor:
    """A picture without fine detail: an edge, a ramp and waves, other ones in each channel."""
    y, x = torch.linspace(0, 1, side)[:, None], torch.linspace(0, 1, side)
    waves = torch.stack([0.05 * torch.sin(12 * x + 5 * y + k) for k in range(3)])
    return 0.3 + 0.3 * (x + 0.4 * y > 0.7) + 0.2 * y + waves


def psnr(clean: torch.Tensor, estimate: torch.Tensor) -> float:
    return metrics.psnr(clean, estimate, data_range=1.0)


def haar(size: int) -> Doubles:
    """The orthonormal matrix, rows in the order mean, whole against whole, halves, … as the paper has it."""
    if size == 1:
        return np.ones((1, 1))
    half = haar(size // 2)
    return np.concatenate([np.kron(half, [[1, 1]]), np.kron(np.eye(size // 2), [[1, -1]])]) / np.sqrt(2)


def found(guide: Doubles, y: int, x: int, blocks: Blocks) -> list[tuple[int, int]]:
    """Places of a group by brute force, the reference first."""
    side, radius = blocks.side, blocks.radius
    own = guide[y : y + side, x : x + side]
    places = [
        (((guide[i : i + side, j : j + side] - own) ** 2).sum() if (i, j) != (y, x) else -1.0, i, j)
        for i in range(max(0, y - radius), min(guide.shape[0] - side, y + radius) + 1)
        for j in range(max(0, x - radius), min(guide.shape[1] - side, x + radius) + 1)
    ]
    size = 1
    while 2 * size <= min(len(places), blocks.count):
        size *= 2
    return [(i, j) for _, i, j in sorted(places)[:size]]


def sets(rows: Doubles, count: int) -> list[list[int]]:
    """Sets of like rows of (m, n): each row that is in none yet, with its nearest."""
    taken: set[int] = set()
    made = []
    for pixel in range(len(rows)):
        if pixel in taken:
            continue
        distance = ((rows - rows[pixel]) ** 2).sum(1)
        distance[pixel] = -1
        made.append(np.argsort(distance, kind="stable")[:count].tolist())
        taken.update(made[-1])
    return made


def of_rows(noise: Doubles, chosen: list[int], side: int) -> Doubles:
    """Variances (k, 1) of the Haar coefficients of rows, from the autocovariance of the noise."""
    lags = len(noise) // 2
    places = np.array([divmod(pixel, side) for pixel in chosen])
    apart = places[:, None] - places[None]
    near = (np.abs(apart) <= lags).all(-1)
    shared = np.where(near, noise[tuple(np.moveaxis(np.clip(apart, -lags, lags) + lags, -1, 0))], 0)
    across = haar(len(chosen))
    return np.diag(across @ shared @ across.T)[:, None]


def plainly(planes, rows_in, guide, blocks, count, noise, shrink) -> Doubles:
    """One pass, one group after the other; `shrink` gives the coefficients (rows, blocks) and a weight."""
    planes, guide = np.asarray(planes, np.float64), np.asarray(guide, np.float64)
    total, weight = np.zeros_like(planes), np.zeros_like(planes)
    side = blocks.side
    for y in passes.references(planes.shape[1] - side + 1, blocks.step):
        for x in passes.references(planes.shape[2] - side + 1, blocks.step):
            places = found(guide, y, x, blocks)
            cut = [[p[i : i + side, j : j + side].ravel() for i, j in places] for p in (*planes, *rows_in)]
            group = np.array(cut, np.float64).transpose(0, 2, 1)
            for chosen in sets(group[len(planes)], count):
                across, along = haar(count), haar(len(places))
                for c in range(len(planes)):
                    turned = across @ group[c, chosen] @ along.T
                    other = across @ group[len(planes) + c, chosen] @ along.T
                    kept, share = shrink(turned, other, of_rows(noise[c], chosen, side))
                    back = across.T @ kept @ along
                    for k, (i, j) in enumerate(places):
                        for r, pixel in enumerate(chosen):
                            at = (c, i + pixel // side, j + pixel % side)
                            total[at] += share * back[r, k]
                            weight[at] += share
    return total / weight


def hard(strength: float):
    def shrink(turned: Doubles, _: Doubles, variances: Doubles) -> tuple[Doubles, float]:
        kept = np.where(np.abs(turned) > strength * np.sqrt(variances), turned, 0)
        kept[2:] = 0
        kept[:, turned.shape[1] // 2] = 0
        kept[:, 0] = turned[:, 0]
        return kept, 1.0

    return shrink


def soft(gain: float):
    def shrink(turned: Doubles, other: Doubles, variances: Doubles) -> tuple[Doubles, float]:
        power = (gain * other) ** 2
        gains = power / (power + variances)
        return gains * turned, 1 / (gains**2).sum()

    return shrink


def falling(channels: int, lags: int) -> NDArray[np.float32]:
    """A kernel that falls with the distance, another strength in each plane."""
    line = 0.6 ** np.abs(np.arange(-lags, lags + 1))
    strengths = 0.01 * (1 + np.arange(channels))
    return (strengths[:, None, None] * np.outer(line, line)).astype(np.float32)


@pytest.mark.parametrize(("channels", "lags"), [(1, 0), (3, 2)])
def test_first_stage_is_that_of_the_equations(channels, lags):
    planes, noise = picture(18, channels=channels), falling(channels, lags)
    blocks = Blocks(side=6, step=3, radius=5, count=16)
    ours = passes.thresholded(planes, planes[0], noise, 1.5, blocks)
    plain = plainly(planes, planes, planes[0], blocks, 4, noise, hard(1.5))
    assert np.abs(ours - plain).max() < 1e-5


@pytest.mark.parametrize("lags", [0, 3])
def test_second_stage_is_that_of_the_equations(lags):
    planes, pilot, noise = picture(22), picture(22, sigma=0.02), falling(3, lags)
    blocks = Blocks(side=16, step=16, radius=5, count=64)
    ours = passes.weighed(planes, pilot, planes[0], noise, 2.0, blocks)
    plain = plainly(planes, pilot, planes[0], blocks, 8, noise, soft(2.0))
    assert np.abs(ours - plain).max() < 1e-5


def test_transform_keeps_length_and_comes_back():
    blocks = np.random.default_rng(0).standard_normal((16, 9)).astype(np.float32)
    turned = blocks.copy()
    groups.forward(turned, 16)
    assert np.allclose((turned**2).sum(0), (blocks**2).sum(0), rtol=1e-5)
    assert np.allclose(turned[0], 4 * blocks.mean(0), atol=1e-5)
    assert np.allclose(turned[1], (blocks[0] - blocks[1]) / 2**0.5, atol=1e-6)
    groups.backward(turned, 16)
    assert np.allclose(turned, blocks, atol=1e-5)


def run(noisy: torch.Tensor, noise: NoiseReport, *, color: bool = True, **changes) -> torch.Tensor:
    config = replace(FAST, **changes)
    task = Task(shots=noisy[None], noise=noise, color=color)
    (step,) = NLH.steps(task, config, seed=0, device=torch.device("cpu"))
    return step.estimate()


def shared(shape: tuple[int, ...], sigma: float) -> tuple[torch.Tensor, NoiseReport]:
    """Noise of which neighbours share two thirds, and the report of it."""
    draw = torch.randn((*shape[:-2], shape[-2] + 2, shape[-1] + 2), generator=seeds.generator(0, "noise"))
    noise = sigma / 3 * torch.nn.functional.avg_pool2d(draw, 3, 1) * 9
    line = torch.tensor([1.0, 2.0, 3.0, 2.0, 1.0]) / 3
    kernel = sigma**2 * torch.outer(line, line).double().numpy()
    report = NoiseReport.white(sigma, shape[0])
    kernels = np.einsum("cd,yx->cdyx", np.eye(shape[0]), kernel)
    return noise, replace(report, kernel=kernels, correlated=True)


def test_the_variance_of_rows_follows_what_their_pixels_share():
    lags = np.arange(-2, 3)
    noise = np.outer(0.5 ** np.abs(lags), 0.5 ** np.abs(lags)).astype(np.float32)
    variances, scratch = np.zeros(4, np.float32), np.zeros((4, 4), np.float32)
    shrinkage.covered(noise, np.array([0, 1, 6, 7]), 6, scratch, variances)
    assert variances == pytest.approx([1 + 0.5 + 0.5 + 0.25, 1 + 0.5 - 0.5 - 0.25, 0.5, 0.5])
    shrinkage.covered(noise, np.array([0, 3, 18, 21]), 6, scratch, variances)
    assert variances == pytest.approx([1, 1, 1, 1])  # as white: they are too far apart


@pytest.mark.parametrize("color", [True, False])
def test_noise_that_pixels_share_is_taken_off_by_its_own_measure(color):
    clean = smooth(64)
    noise, report = shared(clean.shape, 0.06)
    noisy = clean + noise
    ours = psnr(clean, run(noisy, report, color=color, light="never"))
    white = psnr(clean, run(noisy, NoiseReport.white(0.06, 3), color=color))
    assert ours > psnr(clean, noisy) + 4
    assert ours > white + 0.2


def test_follows_the_values_of_the_picture():
    noisy = torch.from_numpy(picture())
    plain = run(noisy, NoiseReport.white(0.1, 3))
    for a, b in ((0.01, 5.0), (400.0, -1000.0)):
        moved = run(a * noisy + b, NoiseReport.white(0.1, 3).moved(a, b))
        assert float(((moved - b) / a - plain).abs().mean()) < 2e-3 * 0.1 * max(1.0, abs(b) / a / 5)


def test_gray_is_one_plane_and_other_channels_are_filtered_alone():
    noisy = torch.from_numpy(picture())
    both = run(noisy[:2], NoiseReport.white(0.1, 2), color=False)
    alone = run(noisy[1:2], NoiseReport.white(0.1, 1), color=True)
    assert torch.allclose(both[1], alone[0], atol=1e-5)


def test_threads_change_no_bit():
    noisy = torch.from_numpy(picture(96))
    before = torch.get_num_threads()
    try:
        found = []
        for count in (1, 3):
            torch.set_num_threads(count)
            found.append(run(noisy, NoiseReport.white(0.1, 3)))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_strips_of_a_tall_picture_meet_without_a_seam():
    noisy = picture(18).repeat(6, axis=1)
    blocks = Blocks(side=6, step=6, radius=5, count=4)
    noise = np.full((3, 1, 1), 0.01, np.float32)
    many = passes.thresholded(noisy, noisy[1], noise, 2.0, blocks)
    total, weight = np.zeros_like(noisy), np.zeros_like(noisy)
    places = [passes.references(n - 5, 6) for n in noisy.shape[1:]]
    wide = np.pad(noisy[1], ((0, 0), (0, groups.SPARE)))
    shrinkage.thresholded(noisy, wide, *places, 6, 5, 4, noise, 2.0, 0, total, weight)
    assert np.allclose(many, total / weight, atol=1e-6)


def test_keeps_the_mean_and_takes_the_light_where_asked():
    noisy = torch.from_numpy(picture())
    assert float((run(noisy, NoiseReport.white(0.1, 3)) - noisy).mean().abs()) < 1e-6
    assert NLH.keeps(FAST, NoiseReport.white(0.1, 3))
    assert not NLH.keeps(FAST, shared((3, 8, 8), 0.1)[1])


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_own_level_is_right_for_white_noise(sigma):
    noise = sigma * torch.randn(160, 160, generator=seeds.generator(0, "noise"))
    assert level(noise) == pytest.approx(sigma, rel=0.06)
    assert level(torch.zeros(20, 20)) == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"side": 7}, "side must be an even number, got 7"),
        ({"group": 12}, "group must be a power of two, got 12"),
        ({"second_step": 8}, "second_step must be at most side"),
    ],
)
def test_settings_that_cannot_be_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(FAST, **changes)


def test_the_spectrum_says_one_of_white_noise_and_more_where_pixels_share_it():
    flat = np.zeros((3, 9, 9), np.float32)
    white = autocovariance(flat, NoiseReport.white(0.1, 3), FAST, colours=True)
    assert white == pytest.approx(np.full((3, 1, 1), 0.01))
    known = autocovariance(flat, shared((3, 8, 8), 0.1)[1], FAST, colours=True)
    assert known[0, 2, 2] == pytest.approx(0.01)
    assert known[1, 2, 2] > 3 * 0.01  # chroma: as in the mean of a set, in every coefficient
    assert known[1].sum() == pytest.approx(known[1, 2, 2])
