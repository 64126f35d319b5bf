"""Variances of BM3D's coefficients: against a double sum over pixels, and against drawn noise."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from pellucid.methods.filters.blocks import AREA, SIDE, basis, haar
from pellucid.methods.filters.variance import covariances, group_variance

DRAWS = 12_000
REACH = 38


def blur(width: float, radius: int) -> np.ndarray:
    line = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(width, 1e-6)) ** 2)
    return np.outer(line, line) / np.square(line).sum()


FILTERS = {
    "white": np.ones((1, 1)),
    "blurred": blur(0.8, 2),
    "wide": blur(1.6, 4),
    "diagonal": np.array([[1.0, 0.0], [0.0, 0.8]]),  # not the same to the left as to the right
    "rows": np.array([[0.0, 0.0, 0.0], [0.5, 0.7, 0.5], [0.0, 0.0, 0.0]]),  # shared along rows only
}


def autocovariance(shape: np.ndarray) -> np.ndarray:
    """Of white noise of variance 1 seen through a filter."""
    return convolve2d(shape, shape[::-1, ::-1])


def kernel_of(name: str) -> torch.Tensor:
    return torch.from_numpy(autocovariance(FILTERS[name])).float()[None]


def double_sum(kernel: np.ndarray, transform: str, rows: list[int], columns: list[int]) -> np.ndarray:
    """(K, 64) variances of the Haar coefficients of a group, from the covariance of every pair of pixels."""
    atoms, mixing = basis(transform)[0].double().numpy(), haar(len(rows)).double().numpy()
    middle = kernel.shape[0] // 2
    grid = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), -1).reshape(-1, 2)
    places = np.concatenate([grid + np.array([y, x]) for y, x in zip(rows, columns, strict=True)])
    lag = places[:, None] - places[None]
    near = (np.abs(lag) <= middle).all(-1)
    pixels = np.zeros(near.shape)
    pixels[near] = kernel[lag[near][:, 0] + middle, lag[near][:, 1] + middle]
    pixels = pixels.reshape(len(rows), AREA, len(rows), AREA)
    between = np.einsum("ka,iajb,kb->kij", atoms, pixels, atoms, optimize=True)
    return np.einsum("ri,kij,rj->rk", mixing, between, mixing)


def positions(count: int, spread: int, seed: int) -> tuple[list[int], list[int]]:
    """Distinct places of a group's blocks."""
    flat = np.random.default_rng(seed).choice(spread * spread, count, replace=False)
    return (flat // spread).tolist(), (flat % spread).tolist()


def predicted(
    name: str, transform: str, rows: list[int], columns: list[int], reach: int = REACH
) -> np.ndarray:
    known = covariances(kernel_of(name), transform, reach)
    return group_variance(torch.tensor([rows]), torch.tensor([columns]), known)[0].numpy()


@pytest.mark.parametrize("transform", ["dct", "bior1.5"])
@pytest.mark.parametrize("name", list(FILTERS))
def test_one_block_is_the_double_sum(name, transform):
    ours = covariances(kernel_of(name), transform, REACH).variance.numpy()
    kernel = kernel_of(name)[0].double().numpy()
    np.testing.assert_allclose(ours, double_sum(kernel, transform, [0], [0])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("transform", ["dct", "bior1.5"])
@pytest.mark.parametrize(
    ("name", "spread"),
    [("white", 6), ("white", 30), ("blurred", 8), ("wide", 8), ("rows", 8)],
)
@pytest.mark.parametrize("count", [1, 2, 8, 16])
def test_groups_are_the_double_sum(name, spread, transform, count):
    # up to 7 pixels every displacement is a class of its own, and white noise knows no more: exact
    rows, columns = positions(count, spread, seed=count)
    kernel = kernel_of(name)[0].double().numpy()
    theirs = double_sum(kernel, transform, rows, columns)
    ours = predicted(name, transform, rows, columns)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * theirs.max())


def test_a_short_reach_does_not_wrap_around():
    rows, columns = positions(8, 8, seed=4)
    short = predicted("wide", "dct", rows, columns, reach=7)
    np.testing.assert_allclose(short, predicted("wide", "dct", rows, columns), rtol=1e-4, atol=1e-5)


def test_a_kernel_counts_as_symmetric_in_each_axis():
    rows, columns = positions(8, 8, seed=6)
    kernel = kernel_of("diagonal")[0].double().numpy()
    theirs = double_sum((kernel + kernel[:, ::-1]) / 2, "dct", rows, columns)
    np.testing.assert_allclose(predicted("diagonal", "dct", rows, columns), theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["blurred", "wide"])
def test_classes_of_far_displacements_cost_little(name):
    rows, columns = positions(16, 30, seed=3)
    theirs = double_sum(kernel_of(name)[0].double().numpy(), "dct", rows, columns)
    error = np.abs(predicted(name, "dct", rows, columns) - theirs)
    assert error.max() < 0.05 * theirs.max()
    assert error.mean() < 0.01 * theirs.mean()


def test_blocks_that_coincide_pile_their_noise_up_in_the_mean():
    ours = predicted("white", "dct", [5] * 8, [7] * 8)
    np.testing.assert_allclose(ours[0], 8.0, rtol=1e-5)
    np.testing.assert_allclose(ours[1:], 0.0, atol=1e-5)


def test_the_haar_transform_only_moves_variance():
    # orthonormal: the sum over a group is that of its blocks, wherever they lie
    rows, columns = positions(16, 12, seed=5)
    known = covariances(kernel_of("wide"), "dct", REACH)
    ours = group_variance(torch.tensor([rows]), torch.tensor([columns]), known)[0]
    torch.testing.assert_close(ours.sum(0), 16 * known.variance, rtol=1e-4, atol=1e-4)


def test_channels_have_their_own_noise():
    both = torch.stack([kernel_of("blurred")[0], 4 * kernel_of("blurred")[0]])
    known = covariances(both, "dct", REACH)
    rows, columns = (torch.tensor([p]) for p in positions(4, 8, seed=1))
    ours = group_variance(rows, columns, known)[0].view(4, 2, AREA)
    torch.testing.assert_close(ours[:, 1], 4 * ours[:, 0])


@pytest.mark.parametrize("name", [n for n in FILTERS if n != "diagonal"])
@pytest.mark.parametrize("transform", ["dct", "bior1.5"])
def test_drawn_noise_has_these_variances(name, transform):
    spread, count, radius = 8, 8, FILTERS[name].shape[0] // 2
    rows, columns = positions(count, spread, seed=2)
    size = spread + SIDE - 1
    white = torch.randn(
        DRAWS, 1, size + 2 * radius, size + 2 * radius, generator=torch.Generator().manual_seed(0)
    )
    noise = torch.conv2d(white, torch.from_numpy(FILTERS[name]).float()[None, None])[:, 0]
    group = torch.stack(
        [
            noise[:, y : y + SIDE, x : x + SIDE].reshape(DRAWS, AREA)
            for y, x in zip(rows, columns, strict=True)
        ],
        1,
    )
    coefficients = haar(count) @ (group @ basis(transform)[0].T)
    drawn = coefficients.double().square().mean(0).numpy()
    ours = predicted(name, transform, rows, columns)
    # a variance of n draws of a Gaussian has standard error sqrt(2 / n); 512 of them stay within 5 of these
    seen = ours > 1e-3 * ours.max()
    assert seen.mean() > 0.2
    error = (drawn[seen] / ours[seen] - 1) / np.sqrt(2 / DRAWS)
    assert np.abs(error).max() < 5
    assert abs(error.mean()) < 1
    np.testing.assert_allclose(drawn[~seen], ours[~seen], atol=1e-3 * ours.max())
