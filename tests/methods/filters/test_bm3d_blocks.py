"""BM3D's blocks: transforms against SciPy and PyWavelets, tables against NumPy, matching by brute force."""

import numpy as np
import pytest
import pywt
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import dctn

from pellucid.methods.filters import blocks
from pellucid.methods.filters.blocks import AREA, SIDE, BlockRegion


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_dct_is_that_of_scipy():
    data = random(20, SIDE, SIDE)
    ours = data.reshape(20, AREA) @ blocks.basis("dct")[0].T
    theirs = dctn(data.numpy(), axes=(1, 2), norm="ortho").reshape(20, AREA)
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


@pytest.mark.parametrize("name", ["bior1.5", "haar", "db2"])
@pytest.mark.filterwarnings("ignore:Level value of 3 is too high:UserWarning")
def test_wavelets_are_those_of_pywavelets_with_unit_rows(name):
    data = random(20, SIDE, SIDE)
    ours = (data.reshape(20, AREA) @ blocks.basis(name)[0].T).numpy()
    theirs = np.stack(
        [
            pywt.fswavedecn(b, name, mode="periodization", levels=3).coeffs.ravel()
            for b in data.double().numpy()
        ]
    )
    # the same coefficients but for the length of the rows: one positive factor each
    factor = (ours * theirs).sum(0) / np.square(theirs).sum(0)
    assert factor.min() > 0.1
    np.testing.assert_allclose(ours, theirs * factor, atol=5e-6)
    np.testing.assert_allclose(blocks.basis(name)[0].square().sum(1), 1.0, atol=1e-6)


@pytest.mark.parametrize("name", ["dct", "bior1.5"])
def test_block_transforms_are_inverted(name):
    forward, inverse = blocks.basis(name)
    data = random(50, AREA)
    torch.testing.assert_close(data @ forward.T @ inverse.T, data, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 32])
def test_haar_is_that_of_pywavelets(size):
    data = random(size).double()
    levels = int(np.log2(size))
    theirs = np.concatenate(pywt.wavedec(data.numpy(), "haar", mode="periodization", level=levels))
    ours = blocks.haar(size).double() @ data
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    torch.testing.assert_close(blocks.haar(size) @ blocks.haar(size).T, torch.eye(size))


def test_window_is_the_kaiser_window_of_numpy():
    line = np.kaiser(SIDE, 2.0)
    np.testing.assert_allclose(blocks.window(2.0), np.outer(line, line), atol=1e-6)


def test_table_holds_all_blocks_row_by_row():
    image = random(3, 13, 17)
    theirs = sliding_window_view(image.numpy(), (SIDE, SIDE), axis=(1, 2))
    ours = blocks.table(image).numpy()
    np.testing.assert_array_equal(ours, theirs.transpose(1, 2, 0, 3, 4).reshape(6 * 10, 3, AREA))


def found(image, rows, columns, *, step, radius, stride, count):
    """Distances and positions (in the image) of the groups of `rows` x `columns`, as the engine asks."""
    positions = (image.shape[1] - SIDE + 1, image.shape[2] - SIDE + 1)
    region = BlockRegion.around(rows, columns, radius)
    features = blocks.table(region.cut(blocks.pad(image, radius)))[:, 0]
    distance, where = blocks.match(
        features.reshape(region.rows, region.columns, AREA),
        blocks.inside(region, positions, image.device),
        rows - region.top + radius,
        columns - region.left + radius,
        step=step,
        radius=radius,
        stride=stride,
        count=count,
    )
    y = where // region.columns + region.top - radius
    x = where % region.columns + region.left - radius
    return distance.numpy(), y.numpy(), x.numpy()


def searched(image, top, left, *, radius, stride):
    """Squared distances to every candidate of one reference, by a loop: {(y, x): distance}."""
    high, wide = image.shape
    reach = radius // stride
    own = image[top : top + SIDE, left : left + SIDE]
    result = {}
    for y in range(top - reach * stride, top + reach * stride + 1, stride):
        for x in range(left - reach * stride, left + reach * stride + 1, stride):
            if 0 <= y <= high - SIDE and 0 <= x <= wide - SIDE:
                result[y, x] = float(np.square(image[y : y + SIDE, x : x + SIDE] - own).sum())
    return result


@pytest.mark.parametrize(
    ("shape", "start", "step", "radius", "stride"),
    [
        ((40, 43), (0, 0), 3, 5, 1),  # from the corner
        ((40, 43), (6, 9), 3, 5, 1),  # a region inside, whose margin lies in the image
        ((40, 43), (1, 0), 4, 7, 2),  # a stride that does not divide the radius
        ((40, 43), (0, 2), 5, 6, 3),
        ((30, 70), (0, 0), 2, 4, 1),  # more references than share one product
        ((11, 10), (0, 0), 3, 19, 1),  # barely larger than a block, far smaller than the window
    ],
)
def test_matching_finds_what_a_loop_finds(shape, start, step, radius, stride):
    image = random(1, *shape)
    rows = torch.arange(start[0], shape[0] - SIDE + 1, step)
    columns = torch.arange(start[1], shape[1] - SIDE + 1, step)
    count = 9 if min(shape) > 20 else 4
    distance, y, x = found(image, rows, columns, step=step, radius=radius, stride=stride, count=count)
    references = [(int(r), int(c)) for r in rows for c in columns]
    assert distance.shape == (len(references), count)
    pixels = image[0].double().numpy()
    # products take them in groups; sort by the first block, which is the reference itself
    assert {(a, b) for a, b in zip(y[:, 0], x[:, 0], strict=True)} == set(references)
    for line, ys, xs in zip(distance, y, x, strict=True):
        loop = searched(pixels, ys[0], xs[0], radius=radius, stride=stride)
        best = sorted(loop, key=loop.__getitem__)[:count]
        assert list(zip(ys, xs, strict=True)) == best
        np.testing.assert_allclose(line, [loop[p] for p in best], rtol=1e-4, atol=1e-3)


def test_blocks_outside_the_image_are_never_near():
    distance, *_ = found(
        random(1, 9, 9), torch.arange(1), torch.arange(1), step=3, radius=4, stride=1, count=6
    )
    assert np.isfinite(distance[0, :4]).all()  # a 9x9 image has four blocks
    assert np.isinf(distance[0, 4:]).all()


def test_a_reference_is_in_its_own_group_where_all_blocks_are_alike():
    for value in (0.0, 1.0, 0.3):
        rows = torch.arange(0, 20, 3)
        distance, y, x = found(
            torch.full((1, 40, 40), value), rows, rows, step=3, radius=8, stride=1, count=4
        )
        assert {(a, b) for a, b in zip(y[:, 0], x[:, 0], strict=True)} == {
            (int(r), int(c)) for r in rows for c in rows
        }
        np.testing.assert_allclose(distance, 0.0, atol=1e-4)


def test_a_bright_image_loses_no_digits_in_the_distances():
    image = random(1, 30, 30)
    rows = torch.arange(0, 20, 4)
    near = found(image, rows, rows, step=4, radius=6, stride=1, count=8)[0]
    far = found(image + 1000, rows, rows, step=4, radius=6, stride=1, count=8)[0]
    np.testing.assert_allclose(far, near, rtol=1e-2, atol=0.05)


def test_fold_adds_faded_blocks_where_they_were():
    region = BlockRegion(top=2, left=1, height=3, width=4, margin=2)
    shares = random(region.rows * region.columns, 2).abs()
    data = random(region.rows * region.columns, 2, AREA)
    total, weight = torch.zeros(2, 20, 22), torch.zeros(2, 20, 22)
    pixels, parts = blocks.fold(data.view(-1, 2 * AREA), shares, region, "bior1.5", 2.0)
    region.cut(total).add_(pixels)
    region.cut(weight).add_(parts)
    expected, weights = np.zeros((2, 20, 22)), np.zeros((2, 20, 22))
    fade = np.outer(np.kaiser(SIDE, 2.0), np.kaiser(SIDE, 2.0))
    back = (data @ blocks.basis("bior1.5")[1].T).numpy().reshape(-1, 2, SIDE, SIDE)
    for k in range(len(back)):
        y, x = k // region.columns + region.top, k % region.columns + region.left
        expected[:, y : y + SIDE, x : x + SIDE] += back[k] * fade
        weights[:, y : y + SIDE, x : x + SIDE] += shares[k].numpy()[:, None, None] * fade
    np.testing.assert_allclose(total, expected, atol=1e-4)
    np.testing.assert_allclose(weight, weights, atol=1e-4)
