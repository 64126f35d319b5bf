"""Blind spots: what a hidden pixel holds must reach neither what is given nor what is predicted there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pellucid import seeds
from pellucid.learning import Batch, TrainingProgress
from pellucid.methods.dataset import b2u, n2s, n2v
from pellucid.methods.dataset.hiding import at, blind, from_neighbours, phase, put, replacements, scattered


def dense(channels: int = 2) -> nn.Module:
    """A network that sees 5 x 5 pixels, its own among them."""
    with seeds.fixed(0, "weights"):
        return nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1), nn.Tanh(), nn.Conv2d(8, channels, 3, padding=1)
        )


def image(*shape: int) -> Tensor:
    return torch.rand(shape, generator=seeds.generator(1))


def own_derivatives(function, noisy: Tensor) -> Tensor:
    """|d output(p) / d input(p)| for every pixel p and channel."""
    jacobian = torch.autograd.functional.jacobian(function, noisy)
    return jacobian.reshape(noisy.numel(), noisy.numel()).diagonal().abs()


def test_one_pixel_in_every_box() -> None:
    for height, width in ((16, 24), (17, 9), (8, 8)):
        positions = scattered(torch.Size((3, 1, height, width)), 8, seeds.generator(2))
        rows, columns = positions // width, positions % width
        boxes = (rows // 8) * -(-width // 8) + columns // 8
        assert bool((rows < height).all())
        for picture in boxes:
            assert sorted(picture.tolist()) == list(range(-(-height // 8) * -(-width // 8)))
    many = torch.cat([scattered(torch.Size((1, 1, 8, 8)), 8, seeds.generator(k)) for k in range(640)])
    assert len(many.unique()) == 64  # every pixel gets its turn


def test_replacements_come_from_around() -> None:
    """With its own position as the value of every pixel, a replacement says where it came from."""
    height, width, radius = 11, 13, 2
    where = torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width)
    positions = torch.arange(height * width).view(1, -1)
    itself = 0
    for seed in range(40):
        values = replacements(where, positions, "uniform", radius, seeds.generator(seed))[0, 0].long()
        apart = [(values // width - positions[0] // width), (values % width - positions[0] % width)]
        assert int(torch.stack(apart).abs().max()) <= radius
        itself += int((values == positions[0]).sum())
        other = replacements(where, positions, "other", radius, seeds.generator(seed))[0, 0].long()
        assert not bool((other == positions[0]).any())
    assert itself > 0


def test_mean_and_median_against_numpy() -> None:
    picture = image(1, 2, 9, 10)
    positions = torch.tensor([[0, 35, 44, 89]])
    for value, reference in (("mean", np.mean), ("median", np.median)):
        got = replacements(picture, positions, value, 2, seeds.generator(0))
        for k, position in enumerate(positions[0].tolist()):
            row, column = divmod(position, 10)
            box = picture[0, :, max(0, row - 2) : row + 3, max(0, column - 2) : column + 3].numpy()
            hole = (min(row, 2)) * box.shape[2] + min(column, 2)
            rest = np.delete(box.reshape(2, -1), hole, axis=1)
            np.testing.assert_allclose(got[0, :, k], reference(rest, axis=1), rtol=1e-5)


def test_neighbours_mean_against_scipy() -> None:
    from scipy.ndimage import convolve

    picture = image(1, 1, 7, 8)
    kernel = np.array([[0.5, 1, 0.5], [1, 0, 1], [0.5, 1, 0.5]], np.float32) / 6
    wanted = convolve(picture[0, 0].numpy(), kernel, mode="mirror")
    np.testing.assert_allclose(from_neighbours(picture)[0, 0], wanted, rtol=1e-5)


@pytest.mark.parametrize("value", ["other", "mean", "median"])
def test_n2v_predicts_hidden_pixels_without_them(value: str) -> None:
    config = n2v.Config(value=value, radius=2)
    noisy = image(1, 2, 12, 12)
    positions = scattered(noisy.shape, config.box, seeds.generator(4))
    network = dense()

    def predicted(values: Tensor) -> Tensor:
        """The output at the hidden pixels, of what those pixels hold."""
        given = n2v.hide(put(noisy, positions, values), positions, config, seeds.generator(5))
        return at(network(given), positions)

    jacobian = torch.autograd.functional.jacobian(predicted, at(noisy, positions))
    count = positions.numel()
    own = jacobian.reshape(2, count, 2, count).diagonal(dim1=1, dim2=3)
    assert not bool(own.any())


def test_struct_mask_hides_a_line_and_no_more() -> None:
    noisy = image(1, 1, 33, 33)
    position = torch.tensor([[16 * 33 + 16]])
    for axis, turned in (("horizontal", False), ("vertical", True)):
        config = n2v.Config(axis=axis, reach=3)
        given = n2v.hide(noisy, position, config, seeds.generator(6))
        changed = (given != noisy)[0, 0]
        changed = changed.T if turned else changed
        assert changed[16, 13:20].all()
        assert int(changed.sum()) == 7


def test_phases_part_the_picture() -> None:
    total = sum(phase(9, 10, index, 4, torch.device("cpu")).int() for index in range(16))
    assert bool((total == 1).all())


def test_n2s_and_b2u_see_no_pixel_that_they_predict_blind() -> None:
    noisy = image(1, 1, 9, 8)
    network = dense(1)
    assert bool(own_derivatives(network, noisy).any())
    assert not bool(own_derivatives(lambda y: blind(network, y, None, 4), noisy).any())

    def predict(module, config):
        # `predict` leaves no gradient: a difference of both sides of each pixel says the same.
        low, high = (
            [
                module.predict(network, noisy + step * bump, None, config, generator=seeds.generator(0))
                for bump in torch.eye(noisy.numel()).view(-1, *noisy.shape[1:])[:, None]
            ]
            for step in (-0.5, 0.5)
        )
        return torch.stack([(b - a).flatten()[k] for k, (a, b) in enumerate(zip(low, high, strict=True))])

    assert not bool(predict(n2s, n2s.Config()).any())
    assert not bool(predict(b2u, b2u.Config(inference="blind")).any())
    assert bool(predict(b2u, b2u.Config()).any())
    assert bool(predict(n2s, n2s.Config(inference="whole")).any())


def test_b2u_puts_both_predictions_together() -> None:
    noisy, network = image(1, 2, 12, 9), dense()
    outputs = {
        name: b2u.predict(network, noisy, None, b2u.Config(inference=name), generator=seeds.generator(0))
        for name in ("blind", "visible", "both")
    }
    torch.testing.assert_close(outputs["visible"], network(noisy).detach())
    torch.testing.assert_close(outputs["both"], (outputs["blind"] + 20 * outputs["visible"]) / 21)


def test_b2u_teaches_nothing_through_the_prediction_that_sees() -> None:
    """Equation 11 by hand, with the visible prediction as a number."""
    noisy, network, config = image(2, 2, 8, 12), dense(), b2u.Config(beta=3.0)
    loss = b2u.objective(
        network,
        Batch(noisy=noisy),
        config,
        progress=TrainingProgress(step=0, steps=10),
        generator=seeds.generator(0),
    )
    got = torch.autograd.grad(loss.value, list(network.parameters()))
    unseen, visible = blind(network, noisy, None, 4), network(noisy).detach()
    by_hand = (unseen + 3 * visible - 4 * noisy).square().mean() + (unseen - noisy).square().mean()
    torch.testing.assert_close(loss.value, by_hand)
    torch.testing.assert_close(got, torch.autograd.grad(by_hand, list(network.parameters())))


def test_n2s_loss_is_error_plus_noise() -> None:
    """Proposition 1 for the mean of neighbours: its loss is that to the clean picture plus sigma²."""
    clean, sigma = torch.full((8, 1, 64, 64), 0.5), 0.2
    noisy = clean + sigma * torch.randn(clean.shape, generator=seeds.generator(8))
    config, mean = n2s.Config(), _Mean()
    loss = n2s.objective(
        mean,
        Batch(noisy=noisy),
        config,
        progress=TrainingProgress(step=5, steps=10),
        generator=seeds.generator(0),
    )
    # The weights of the mean are 4 x 1/6 and 4 x 1/12: the variance of what it predicts is 5/36 sigma².
    assert float(loss.value) == pytest.approx(sigma**2 * (1 + 5 / 36), rel=0.05)


class _Mean(nn.Module):
    def forward(self, given: Tensor) -> Tensor:
        return given  # a hidden pixel already holds the mean of its neighbours
