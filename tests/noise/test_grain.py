"""Noise of random spectra: what it promises of every draw, and that the draws cover real photographs."""

import numpy as np
import pytest
import torch

from pellucid import seeds
from pellucid.data import adding
from pellucid.noise import models
from pellucid.noise.grain import UNEVEN, Spectrum

LAGS = (1, 2, 3, 4, 6)
# autocorrelation of noisy minus clean at these lags, measured on three sets of real photographs
REAL = {
    "CC15": (0.72, 0.39, 0.23, 0.16, 0.07),
    "PolyU": (0.69, 0.40, 0.28, 0.25, 0.17),
    "SIDD": (0.45, 0.06, 0.01),
}


def draws(text: str, count: int, size: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    clean = torch.zeros(count, channels, size, size)
    return models.parse(text).apply(clean, seeds.generator(seed, "noise")).double()


def at_lags(n: torch.Tensor) -> np.ndarray:
    """(B, lags): autocorrelation over all channels, down and across averaged."""
    variance = n.square().mean((1, 2, 3))
    down = [(n[:, :, d:] * n[:, :, :-d]).mean((1, 2, 3)) for d in LAGS]
    across = [(n[..., d:] * n[..., :-d]).mean((1, 2, 3)) for d in LAGS]
    return np.stack([((a + b) / (2 * variance)).numpy() for a, b in zip(down, across, strict=True)], 1)


@pytest.fixture(scope="module")
def family():
    return draws("spectrum:25", 200, 128)


@pytest.mark.parametrize("name", list(REAL))
def test_some_draws_are_like_each_set_of_photographs(family, name):
    found, wanted = at_lags(family), np.array(REAL[name])
    far = np.abs(found[:, : len(wanted)] - wanted).max(1)
    assert far.min() < 0.08
    assert (far < 0.15).mean() > 0.03  # and not by luck


def test_the_draws_lie_on_both_sides_of_every_figure(family):
    found = at_lags(family)
    for wanted in REAL.values():
        for place, value in enumerate(wanted):
            assert (found[:, place] > value).mean() > 0.03
            assert (found[:, place] < value).mean() > 0.03


def test_channels_share_between_nothing_and_most(family):
    pairs = [(0, 1), (0, 2), (1, 2)]
    found = np.array([[np.corrcoef(n.flatten(1).numpy())[p] for p in pairs] for n in family])
    assert -0.15 < found.min() < 0.1
    assert 0.7 < found.max() < 0.9
    assert (found < 0.3).mean() > 0.1
    assert (found > 0.6).mean() > 0.1


def test_level_strengths_and_mean(family):
    each = family.square().mean((2, 3)).sqrt()
    total = each.square().mean(1).sqrt() * 255
    assert float(total.mean()) == pytest.approx(25, rel=0.01)
    ratio = each.max(1).values / each.min(1).values
    assert 1.3 < float(ratio.max()) < 1.1 * UNEVEN  # in a finite crop not quite those drawn
    assert 0.5 < float((each.argmin(1) == 1).double().mean()) < 0.8  # green is often the quietest
    assert float(family.mean()) == pytest.approx(0, abs=3e-3)


def test_the_spectrum_is_the_same_up_to_the_border_and_borders_are_not_tied():
    n = draws("spectrum:25,1,0,0", 300, 40, channels=1)[:, 0]
    inside, border = n[:, 10:30, 10:30].square().mean(), n[:, [0, -1]].square().mean()
    assert float(border) == pytest.approx(float(inside), rel=0.06)
    assert float((n[:, 0] * n[:, -1]).mean() / inside) == pytest.approx(0, abs=0.05)


def test_narrow_ranges_are_kept():
    white = at_lags(draws("spectrum:25,0,0,0", 20, 96))
    assert np.abs(white).max() < 0.05
    alike = draws("spectrum:25,0,0.5,0", 20, 96)
    found = [np.corrcoef(n.flatten(1).numpy())[np.triu_indices(3, 1)] for n in alike]
    np.testing.assert_allclose(found, 0.5, atol=0.05)
    blurred = at_lags(draws("spectrum:25,1,0,0", 60, 96))[:, 0]
    assert blurred.max() == pytest.approx(np.exp(-1 / 4), abs=0.05)  # no white part: the blur alone


def test_a_level_from_a_range_is_told_to_the_network():
    kinds = adding.parse("spectrum:5-50")
    assert adding.levels(kinds) == pytest.approx((5 / 255, 50 / 255))
    made = [adding.add(kinds, torch.zeros(3, 96, 96), seeds.generator(s)) for s in range(12)]
    told = np.array([m.sigma for m in made])
    np.testing.assert_allclose([float(m.noisy.square().mean().sqrt()) for m in made], told, rtol=0.15)
    assert np.ptp(told) > 15 / 255


def test_the_views_of_a_pair_share_nothing_but_the_law():
    kinds = adding.parse("spectrum:10-40")
    generator = seeds.generator(0)
    pairs = [[adding.add(kinds, torch.zeros(1, 96, 96), generator) for _ in range(2)] for _ in range(20)]
    assert all(one.sigma != two.sigma for one, two in pairs)
    between = [float((a.noisy * b.noisy).mean()) / (a.sigma * b.sigma) for a, b in pairs]
    assert float(np.mean(between)) == pytest.approx(0, abs=0.02)


def test_bad_values_are_named():
    with pytest.raises(ValueError, match="blur must be in"):
        Spectrum(sigma=0.1, blur=(0.0, 50.0))
    with pytest.raises(ValueError, match="channels must be a range from low to high"):
        Spectrum(sigma=0.1, channels=(0.5, 0.1))
