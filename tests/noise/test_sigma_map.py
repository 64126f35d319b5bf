"""The level that a conditioned network is told."""

import dataclasses

import pytest
import torch

from pellucid import seeds
from pellucid.noise.report import NoiseReport
from pellucid.noise.sigma_map import sigma_map


def test_level_follows_the_variance_law_of_each_channel() -> None:
    """var = a x + b on two flat halves; the second channel has noise that does not grow."""
    picture = torch.cat([torch.full((1, 2, 20, 10), 0.2), torch.full((1, 2, 20, 10), 0.8)], dim=3)
    report = dataclasses.replace(NoiseReport.white((0.1, 0.05), 2), gain=(0.02, 0.0), offset=(0.001, 0.0025))
    got = sigma_map(picture, report)
    assert got is not None
    assert got.shape == picture.shape
    for column, x in ((0, 0.2), (19, 0.8)):
        torch.testing.assert_close(got[0, 0, :, column], torch.full((20,), (0.02 * x + 0.001) ** 0.5))
    torch.testing.assert_close(got[0, 1], torch.full((20, 20), 0.05))
    assert sigma_map(picture, None) is None


def test_level_is_read_on_a_smoothed_picture() -> None:
    flat = 0.5 + 0.1 * torch.randn(1, 1, 64, 64, generator=seeds.generator(0))
    report = dataclasses.replace(NoiseReport.white(0.1, 1), gain=(0.02,), offset=(0.0,))
    got = sigma_map(flat, report)
    assert got is not None
    assert float(got.mean()) == pytest.approx(0.1, rel=0.01)
    # 25 values are averaged: the spread of x is 0.1 / 5, that of the level gain / (2 level) as much.
    assert float(got.std()) == pytest.approx(0.02 / 0.2 * 0.02, rel=0.2)


def test_at_the_border_only_pixels_that_exist_are_averaged() -> None:
    flat = torch.full((1, 1, 3, 40), 0.5)
    report = dataclasses.replace(NoiseReport.white(0.1, 1), gain=(0.02,), offset=(0.001,))
    torch.testing.assert_close(sigma_map(flat, report), torch.full_like(flat, 0.011**0.5))
