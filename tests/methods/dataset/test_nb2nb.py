"""Neighbor2Neighbor: pairs of true neighbours, each chosen as often, and the regulariser in closed form."""

import pytest
import torch
from torch import nn

from pellucid import seeds
from pellucid.learning import Batch, TrainingProgress
from pellucid.methods.dataset import nb2nb

HALF = TrainingProgress(step=50, steps=100)


def test_pairs_are_adjacent_disjoint_and_inside_their_cell() -> None:
    height, width = 14, 18
    where = torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width).expand(3, 2, -1, -1)
    choice = nb2nb.chosen(where.shape, seeds.generator(0))
    first, second = (half.long() for half in nb2nb.halves(where, choice))
    assert torch.equal(first[:, 0], first[:, 1])  # channels choose together
    down, across = first // width - second // width, first % width - second % width
    assert bool((down.abs() + across.abs() == 1).all())
    for half in (first, second):
        rows, columns = half // width, half % width
        assert torch.equal(rows[0, 0] // 2, torch.arange(7)[:, None].expand(7, 9))
        assert torch.equal(columns[0, 0] // 2, torch.arange(9).expand(7, 9))


def test_all_eight_pairs_are_as_likely() -> None:
    choice = nb2nb.chosen(torch.Size((1, 1, 400, 400)), seeds.generator(0))
    shares = choice.flatten().bincount(minlength=8) / choice.numel()
    torch.testing.assert_close(shares, torch.full((8,), 1 / 8), atol=0.01, rtol=0)
    assert len(set(nb2nb.PAIRS)) == 8


def test_regulariser_vanishes_for_the_identity_and_grows_evenly() -> None:
    noisy = torch.rand(2, 1, 12, 15, generator=seeds.generator(1))  # an odd side loses a line
    losses = [
        nb2nb.objective(
            nn.Identity(),
            Batch(noisy=noisy),
            nb2nb.Config(ratio=4.0),
            progress=TrainingProgress(step=step, steps=100),
            generator=seeds.generator(2),
        )
        for step in (0, 50)
    ]
    # f = identity: d = g1 y - g2 y = e
    assert float(losses[1].parts["regular"]) == 0
    assert float(losses[1].value) == pytest.approx(float(losses[1].parts["plain"]))
    blur = nn.AvgPool2d(3, 1, 1)
    start, half = (
        nb2nb.objective(
            blur, Batch(noisy=noisy), nb2nb.Config(ratio=4.0), progress=p, generator=seeds.generator(2)
        )
        for p in (TrainingProgress(step=0, steps=100), HALF)
    )
    assert float(half.value - start.value) == pytest.approx(2 * float(half.parts["regular"]), rel=1e-5)


def test_no_gradient_through_the_whole_picture() -> None:
    with seeds.fixed(0, "weights"):
        network = nn.Conv2d(1, 1, 3, padding=1)
    noisy = torch.rand(1, 1, 8, 8, generator=seeds.generator(3))
    loss = nb2nb.objective(
        network, Batch(noisy=noisy), nb2nb.Config(ratio=2.0), progress=HALF, generator=seeds.generator(4)
    )
    choice = nb2nb.chosen(noisy.shape, seeds.generator(4))
    (first, second), (a, b) = nb2nb.halves(noisy, choice), nb2nb.halves(network(noisy).detach(), choice)
    d = network(first) - second
    by_hand = d.square().mean() + (d - (a - b)).square().mean()  # ratio 2, half of the way
    torch.testing.assert_close(loss.value, by_hand)
    got, wanted = (torch.autograd.grad(v, list(network.parameters())) for v in (loss.value, by_hand))
    torch.testing.assert_close(got, wanted)
