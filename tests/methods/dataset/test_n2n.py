"""Noise2Noise against its theory: what is learnt is the mean, the median or the mode of the targets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from learned_scenes import SIGMA, batch_of, noisy_of

from pellucid import metrics, seeds
from pellucid.learning import Batch, TrainingProgress
from pellucid.losses import dissimilarity
from pellucid.methods.dataset import n2n, supervised
from pellucid.methods.dataset.distances import distance

HALF = TrainingProgress(step=50, steps=100)


def gradient(objective, network, batch, config) -> torch.Tensor:
    network.zero_grad()
    objective(network, batch, config, progress=HALF, generator=seeds.generator(0)).value.backward()
    return torch.cat([p.grad.flatten() for p in network.parameters()])


@pytest.mark.parametrize("detail", [0.0, 0.5])
def test_gradient_is_on_average_that_of_clean_targets(detail: float) -> None:
    """Section 2: E[n'] = 0 and n' independent of the input; the mean over 400 targets."""
    with seeds.fixed(0, "weights"):
        network = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3, padding=1)
        )
    batch = batch_of(1, 2, 24, 24, 0)
    config = n2n.Config(detail=detail)
    to_clean = gradient(n2n.objective, network, dataclasses.replace(batch, other=batch.clean), config)
    if detail == 0:
        wanted = gradient(supervised.objective, network, batch, supervised.Config())
        torch.testing.assert_close(to_clean, wanted)
    each = torch.stack(
        [
            gradient(
                n2n.objective, network, dataclasses.replace(batch, other=noisy_of(batch.clean, k)), config
            )
            for k in range(400)
        ]
    )
    error = (each.mean(0) - to_clean).norm()
    one = (each - to_clean).norm(dim=1).mean()
    assert error < 2 * one / 400**0.5  # falls as the root of the number of targets
    assert error < 0.02 * to_clean.norm()


def minimiser(kind: str, fraction: float, samples: torch.Tensor) -> float:
    """The constant that a network would learn as the answer to these targets."""
    grid = torch.linspace(0, 1, 201)
    losses = [float(distance(torch.full_like(samples, float(g)), samples, kind, fraction)) for g in grid]
    return float(grid[int(np.argmin(losses))])


def test_distances_learn_mean_median_and_mode() -> None:
    draws = seeds.generator(3)
    samples = torch.rand(4000, generator=draws) * 0.1 + 0.2  # about 0.25 ...
    samples[:1200] = 1.0  # ... and three in ten are white
    assert minimiser("l2", 0.0, samples) == pytest.approx(float(samples.mean()), abs=0.01)
    assert minimiser("l1", 0.0, samples) == pytest.approx(float(samples.median()), abs=0.01)
    values = torch.tensor([0.3] * 5 + [0.5] * 4 + [0.9] * 4)
    assert minimiser("l0", 0.0, values) == pytest.approx(float(values.mean()), abs=0.01)  # power 2
    assert minimiser("l0", 0.95, values) == pytest.approx(0.3, abs=0.01)  # power 0.1: the mode


def test_relative_distance_does_not_care_for_the_exposure() -> None:
    f, t = (
        5 + torch.rand(100, generator=seeds.generator(1)),
        5 + torch.rand(100, generator=seeds.generator(2)),
    )
    one, hundred = distance(f, t, "relative"), distance(100 * f, 100 * t, "relative")
    torch.testing.assert_close(one, hundred, rtol=0.01, atol=0)
    f.requires_grad_(True)
    distance(f, t, "relative").backward()
    torch.testing.assert_close(f.grad, 2 * (f - t).detach() / (f.detach() + 0.01) ** 2 / 100)


def test_ssim_is_that_of_the_metrics() -> None:
    clean = batch_of(3, 2, 40, 36, 1).clean
    noisy = noisy_of(clean, 5)
    got = dissimilarity(noisy, clean, data_range=1.0)
    for index in range(2):
        assert float(got[index]) == pytest.approx(
            1 - metrics.ssim(clean[index], noisy[index], data_range=1), abs=1e-5
        )
    with pytest.raises(ValueError, match="at least 11"):
        dissimilarity(clean[..., :8], clean[..., :8], data_range=1.0)


def test_parts_of_the_loss() -> None:
    batch = batch_of(1, 2, 16, 16, 0)
    config = n2n.Config(ssim=0.25, detail=2.0, loss="l1")
    loss = n2n.objective(torch.nn.Identity(), batch, config, progress=HALF, generator=seeds.generator(0))
    parts = {name: float(value) for name, value in loss.parts.items()}
    assert set(parts) == {"l1", "detail", "unlike"}
    whole = 0.75 * (parts["l1"] + 2 * parts["detail"]) + 0.25 * parts["unlike"]
    assert float(loss.value) == pytest.approx(whole, rel=1e-5)
    # The mean of |a - b| for two Gaussians of the same sigma is 2 sigma / sqrt(pi).
    assert parts["l1"] == pytest.approx(2 * SIGMA / np.pi**0.5, rel=0.1)


def test_unknown_loss_is_named() -> None:
    with pytest.raises(ValueError, match="loss must be one of l2, l1, l0, relative; got 'l3'"):
        n2n.Config(loss="l3")
    with pytest.raises(ValueError, match="other"):
        n2n.objective(
            torch.nn.Identity(),
            Batch(noisy=torch.zeros(1, 1, 8, 8)),
            n2n.Config(),
            progress=HALF,
            generator=seeds.generator(0),
        )


def test_crops_weigh_by_their_level() -> None:
    """The loss of each crop times 1 / (1 + (sigma / sigma_0)²)."""
    batch = dataclasses.replace(batch_of(1, 2, 16, 16, 0), sigma=torch.tensor([0.0, 0.12]).view(2, 1, 1, 1))

    def value(batch: Batch, **fields: float) -> float:
        config = n2n.Config(**fields)
        loss = n2n.objective(torch.nn.Identity(), batch, config, progress=HALF, generator=seeds.generator(0))
        return float(loss.value)

    squares = (batch.noisy - batch.other).square().mean((1, 2, 3)).tolist()
    assert value(batch) == pytest.approx(np.mean(squares))
    assert value(batch, sigma_0=0.04) == pytest.approx((squares[0] + squares[1] / 10) / 2)
    one = dataclasses.replace(batch, sigma=torch.full((2, 1, 1, 1), 0.04))
    for fields in ({"detail": 1.0, "loss": "l1"}, {"ssim": 0.5}):
        assert value(one, sigma_0=0.04, **fields) == pytest.approx(value(one, **fields) / 2)
    with pytest.raises(ValueError, match=r"must hold sigma.*leave it at 0"):
        value(dataclasses.replace(batch, sigma=None), sigma_0=0.04)
