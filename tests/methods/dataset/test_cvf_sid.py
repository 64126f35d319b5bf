"""CVF-SID: noises of mean 0, the level that windows show, and a loss that knows the right answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from learned_scenes import SIGMA, batch_of

from pellucid import seeds
from pellucid.learning import Batch, TrainingProgress
from pellucid.methods.dataset import cvf_sid
from pellucid.networks.cyclic import Cyclic


def objective(network, noisy, **changes):
    return cvf_sid.objective(
        network,
        Batch(noisy=noisy),
        cvf_sid.Config(**{"border": 4} | changes),
        progress=TrainingProgress(step=0, steps=1),
        generator=seeds.generator(0),
    )


def test_both_noises_have_mean_zero() -> None:
    clean, growing, even = Cyclic(2, 2, width=4, layers=2).parted(torch.rand(3, 2, 9, 11))
    assert clean.shape == growing.shape == even.shape == (3, 2, 9, 11)
    for noise in (growing, even):
        assert float(noise.detach().mean(dim=(-2, -1)).abs().max()) < 1e-6


def test_local_level_against_numpy() -> None:
    noisy = batch_of(2, 1, 16, 18, 0).noisy
    windows = np.lib.stride_tricks.sliding_window_view(noisy[0].numpy(), (6, 6), axis=(1, 2))
    np.testing.assert_allclose(cvf_sid.local_level(noisy)[0], windows.std((-2, -1)).mean((1, 2)), rtol=1e-4)
    flat = 0.5 + SIGMA * torch.randn(1, 1, 200, 200, generator=seeds.generator(1))
    # The mean of the standard deviation of 36 values, about its own mean: sigma sqrt(2/36) G(18) / G(17.5).
    assert float(cvf_sid.local_level(flat)) == pytest.approx(0.979 * SIGMA, rel=0.02)


class _Oracle(Cyclic):
    """Knows that the picture is flat: the mean is the picture, the rest is even noise."""

    def __init__(self) -> None:
        super().__init__(1, 1, width=1, layers=1)

    def parted(self, image):
        clean = image.mean(dim=(-2, -1), keepdim=True).expand_as(image)
        return clean, torch.zeros_like(image), image - clean


def test_the_right_answer_costs_nothing_but_the_level() -> None:
    draws = torch.randn(2, 1, 24, 24, generator=seeds.generator(2))
    noisy = 0.5 + SIGMA * (draws - draws.mean(dim=(-2, -1), keepdim=True))
    loss = objective(_Oracle(), noisy, border=0)
    for name in ("again", "kept", "empty", "mixed"):
        assert float(loss.parts[name]) < 1e-10
    assert float(loss.parts["level"]) < (0.1 * SIGMA) ** 2


def test_weight_of_the_mixed_pictures() -> None:
    with seeds.fixed(0, "weights"):
        network = Cyclic(1, 1, width=3, layers=2)
    noisy = batch_of(1, 1, 16, 16, 0).noisy
    loss = objective(network, noisy)
    parts = {name: float(value) for name, value in loss.parts.items()}
    rest = sum(value for name, value in parts.items() if name != "mixed")
    assert float(loss.value.detach()) == pytest.approx(rest + 0.1 * parts["mixed"], rel=1e-5)
    assert float(objective(network, noisy, mixed=0.0).value.detach()) == pytest.approx(rest, rel=1e-5)
    assert np.isfinite(float(objective(network, noisy, gamma=0.5).value.detach()))


def test_other_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="must be cyclic or small-cyclic for cvf-sid"):
        cvf_sid.build(cvf_sid.Config(network="dncnn"), 1)
    with pytest.raises(ValueError, match="must be of `build`, got Identity"):
        objective(torch.nn.Identity(), torch.rand(1, 1, 8, 8))
