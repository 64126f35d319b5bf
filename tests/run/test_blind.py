"""The score without truth: nothing leaks out of a disc, and it ranks as the truth does."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, pad

from pellucid import seeds
from pellucid.noise.report import NoiseReport
from pellucid.noise.structured import Correlated
from pellucid.run import blind
from pellucid.run.blind import View

WHITE = NoiseReport.white(0.1, 1)


def shared(radius: float, channels: int = 1) -> NoiseReport:
    """A report whose autocorrelation is exp(-(d / radius)²)."""
    lags = np.arange(-7, 8)
    own = np.exp(-(lags[:, None] ** 2 + lags**2) / radius**2)
    kernel = 0.01 * np.tile(own, (channels, channels, 1, 1)) * np.eye(channels)[:, :, None, None]
    report = NoiseReport.white(0.1, channels)
    return replace(report, correlated=True, length_px=radius, kernel=kernel)


def test_radius_is_where_the_autocorrelation_ends():
    assert blind.radius_of(WHITE) == 0
    # exp(-(d / 2)²) = 0.1 at d = 3.03; the last whole place below is sqrt(9) = 3.
    assert blind.radius_of(shared(2.0)) == 3
    assert blind.radius_of(replace(shared(2.0), length_px=4.2)) == 5


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 5, 7])
def test_nothing_in_a_disc_leaks(radius):
    """Changing every value in the discs changes nothing of what the network is shown."""
    picture = torch.rand(2, 90, 100, generator=seeds.generator(0, "p"))
    places = torch.cat(blind.points(90, 100, radius))
    assert len(places)
    other = picture.clone()
    for down, across in blind.disc(radius):
        other[:, places[:, 0] + down, places[:, 1] + across] = 9.0
    shown = [blind.hide(p, places, radius) for p in (picture, other)]
    assert torch.equal(*shown)
    assert float(shown[1].max()) < 1


@pytest.mark.parametrize("radius", [0, 2])
def test_only_the_discs_change(radius):
    picture = torch.rand(1, 64, 64, generator=seeds.generator(0, "p"))
    places = blind.points(64, 64, radius)[0]
    shown = blind.hide(picture, places, radius)
    assert int((shown != picture).sum()) <= len(places) * len(blind.disc(radius))


def test_what_is_learnt_from_never_holds_a_scored_pixel():
    view = View(noisy=torch.rand(1, 300, 280), noise=WHITE)
    parts = blind.windows([view, view])
    assert sum(p.noisy[0].numel() for p in parts) <= blind.AREA
    pictures = blind.without([view, view], parts, 0)
    for part in parts:
        number, top, left = part.place
        places = torch.cat(blind.points(*part.noisy.shape[-2:], 0)) + torch.tensor([top, left])
        shown, free = pictures[number]
        assert not free[places[:, 0], places[:, 1]].any()
        assert (shown[0] != view.noisy[0])[places[:, 0], places[:, 1]].all()
    assert 0.9 < float(pictures[0][1].mean()) < 1


@pytest.mark.parametrize("blur", [0.0, 1.2])
def test_the_score_is_the_true_error_plus_the_noise(blur):
    """Of the blind predictions of two blurs, against the clean picture: equal up to the standard error."""
    generator = seeds.generator(3, "noise")
    line = torch.linspace(0, 9, 512)
    clean = (0.5 + 0.3 * torch.sin(line[:, None] + line))[None]
    noisy = Correlated(sigma=0.1, blur=blur).apply(clean, generator)
    report = WHITE if blur == 0 else replace(shared(2 * blur), sigma=(0.1,))
    radius = blind.radius_of(report)
    parts = blind.windows([View(noisy=noisy, noise=report)])
    truth = blind.windows([View(noisy=clean, noise=report)])

    def mean(side):
        return lambda view: avg_pool2d(pad(view.noisy, (side // 2,) * 4, mode="replicate"), side, 1)

    for side in (3, 9):
        found = blind.errors(mean(side), parts, radius)
        real = []
        for part, exact in zip(parts, truth, strict=True):
            for places in blind.points(256, 256, radius):
                shown = blind.hide(part.noisy, places, radius)
                wrong = mean(side)(replace(part, noisy=shown)) - exact.noisy
                real.append((wrong[0, places[:, 0], places[:, 1]] / 0.1).square())
        expected = float(torch.cat(real).mean()) + 1
        error = float(found.std() / len(found) ** 0.5)
        assert abs(float(found.mean()) - expected) < 4 * error


def test_a_plane_is_filled_in_exactly():
    """Weights that are alike on all sides give the centre of a gradient back."""
    plane = torch.arange(40.0).view(-1, 1) + 2 * torch.arange(40.0)
    shown = blind.hide(plane[None], torch.tensor([[20, 20]]), 3)[0]
    assert float(shown[20, 20]) == pytest.approx(60, abs=1e-3)
    assert float(shown.max()) <= float(plane.max())


def test_a_window_of_a_few_pixels_holds_nothing_out():
    """258 = 256 + 2: the last window is too thin for a disc."""
    parts = blind.windows([View(noisy=torch.rand(1, 258, 260), noise=WHITE)])
    assert len(parts) == 4
    found = blind.errors(lambda view: view.noisy, parts, 2)
    assert len(found) == sum(len(group) for group in blind.points(256, 256, 2))
