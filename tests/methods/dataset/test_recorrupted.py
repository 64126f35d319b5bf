"""r2r and nr2n: their noises are independent, their estimate is the posterior mean, in closed form."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from pellucid import methods, seeds
from pellucid.learning import Batch, TrainingProgress
from pellucid.methods.dataset import recorrupted as r
from pellucid.noise.report import NoiseReport

LATE = TrainingProgress(step=9, steps=10)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_the_noises_of_the_pair_are_independent(alpha) -> None:
    """Covariance 0, variances sigma² (1 + alpha²) and sigma² (1 + 1 / alpha²)."""
    sigma = torch.tensor(0.1)
    n = sigma * torch.randn(1, 1, 1000, 1000, generator=seeds.generator(0))
    given, drawn = r.noisier(n, sigma, alpha, seeds.generator(1))
    target = r.partner(n, drawn, alpha)
    assert float((given * target).mean()) == pytest.approx(0, abs=1e-4)
    assert float(given.var()) == pytest.approx(0.01 * (1 + alpha**2), rel=0.01)
    assert float(target.var()) == pytest.approx(0.01 * (1 + 1 / alpha**2), rel=0.01)


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_the_correction_gives_the_posterior_mean(alpha) -> None:
    """Of x ~ N(0, s²): E[y | z] = (s² + v) / (s² + v + a² v) z, E[x | z] = s² / (the same) z, by hand."""
    s, v = 0.3**2, 0.1**2
    z = torch.linspace(-1, 1, 9)
    whole = s + v + alpha**2 * v
    torch.testing.assert_close(r.corrected((s + v) / whole * z, z, alpha), s / whole * z)


class _Share(nn.Module):
    def forward(self, image):
        return 0.8 * image


@pytest.mark.parametrize("name", ["r2r", "nr2n"])
def test_the_loss_by_hand(name) -> None:
    method = methods.load(name)
    config = dataclasses.replace(method.config(), alpha=0.7, sigma=0.2)
    noisy = torch.rand(2, 1, 8, 8, generator=seeds.generator(2))
    batch = Batch(noisy=noisy)
    got = method.learning.objective(_Share(), batch, config, progress=LATE, generator=seeds.generator(3))
    m = 0.2 * torch.randn(noisy.shape, generator=seeds.generator(3))
    target = noisy - m / 0.7 if name == "r2r" else noisy
    torch.testing.assert_close(got.value, (0.8 * (noisy + 0.7 * m) - target).square().mean())


def test_where_there_is_no_noise_nothing_is_corrected() -> None:
    """At sigma 0 the result is f(y): to go on from y past it would add what f took off."""
    method = methods.load("nr2n")
    noisy = torch.rand(1, 1, 8, 8, generator=seeds.generator(4))
    clean = NoiseReport.white((0.0,), 1, scale=255.0)
    for config, report in ((method.config(sigma=0.2), clean), (method.config(), None)):
        got = method.learning.predict(_Share(), noisy, report, config, generator=seeds.generator(5))
        torch.testing.assert_close(got, 0.8 * noisy)


def test_the_level_must_be_known() -> None:
    config = r.Config()
    noisy = torch.rand(1, 1, 8, 8)
    with pytest.raises(ValueError, match=r"sigma must be known.*--set sigma"):
        r.recorrupted(_Share(), Batch(noisy=noisy), config, progress=LATE, generator=seeds.generator(0))
    known = Batch(noisy=noisy, sigma=torch.full((1, 1, 1, 1), 0.3))
    assert float(r.level_of(known, config)) == pytest.approx(0.3)
    assert float(r.level_of(known, r.Config(sigma=0.1))) == pytest.approx(0.1)


def test_the_result_is_a_mean_over_draws() -> None:
    noisy = torch.rand(1, 1, 64, 64, generator=seeds.generator(4))
    report = NoiseReport.white(0.1, 1)
    for passes in (1, 64):
        config = r.NoisierConfig(passes=passes)
        output = r.predict_corrected(_Share(), noisy, report, config, generator=seeds.generator(5))
        # 2 f(z) - z = 0.6 (y + m): what m leaves in the mean falls with the root of the passes.
        assert float((output - 0.6 * noisy).std()) == pytest.approx(0.06 / passes**0.5, rel=0.1)
