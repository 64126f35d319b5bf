"""One law of variance for all phases of a mosaic, though fine detail looks like noise in each of them."""

import numpy as np
import pytest
import torch
from skimage import data

from pellucid.noise import sensor
from pellucid.noise.mosaic import Mosaic
from pellucid.noise.report import NoiseReport


def raw(name, white, pedestal, read=8.0):
    """Counts (1, 4, h, w) of a raw picture, and the expected ones (H, W)."""
    light = (getattr(data, name)()[:300, :300] / 255) ** 2.2 * np.array([0.5, 1, 0.7])
    seen = np.empty(light.shape[:2])
    for (y, x), channel in {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 2}.items():
        seen[y::2, x::2] = light[y::2, x::2, channel]
    expected, draws = pedestal + seen * white, np.random.default_rng(0)
    counts = draws.poisson(expected * 0.9) / 0.9 + draws.normal(0, read, expected.shape)
    layout = Mosaic(height=300, width=300)
    return layout.lay(torch.from_numpy(counts)[None, None]), expected


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
@pytest.mark.parametrize(("white", "pedestal"), [(11000, 512), (2000, 100)])
def test_the_variance_is_that_of_the_sensor(name, white, pedestal):
    phases, expected = raw(name, white, pedestal)
    report = sensor.together(NoiseReport.white(1.0, 4, scale=7.0), phases)
    assert report.scale == 7.0
    assert len(set(report.gain)) == 1
    true = expected.mean() / 0.9 + 64
    assert 0.6 < float(np.mean(np.square(report.sigma))) / true < 1.6


def test_holes_and_cut_off_values_have_no_say():
    phases, _ = raw("chelsea", 2000, 100)
    holes = torch.zeros(phases.shape, dtype=torch.bool)
    holes[..., 40:80, 60:100] = True
    plain = sensor.together(NoiseReport.white(1.0, 4), phases, holes)
    spoilt = sensor.together(NoiseReport.white(1.0, 4), phases.masked_fill(holes, 0.0), holes)
    assert spoilt.gain == plain.gain
    assert spoilt.offset == plain.offset
    cut = sensor.together(NoiseReport.white(1.0, 4), phases.clamp(max=float(phases.quantile(0.95))))
    whole = sensor.together(NoiseReport.white(1.0, 4), phases)
    assert cut.gain[0] == pytest.approx(whole.gain[0], rel=0.5)


def test_values_in_other_units_have_the_same_law():
    phases, _ = raw("chelsea", 2000, 100)
    one = sensor.together(NoiseReport.white(1.0, 4), phases)
    other = sensor.together(NoiseReport.white(1.0, 4), phases / 65535 + 0.1)
    assert other.sigma == pytest.approx([s / 65535 for s in one.sigma], rel=1e-3)


def test_too_few_tiles_change_nothing():
    report = NoiseReport.white(1.0, 4)
    assert sensor.together(report, torch.rand(1, 4, 40, 40)) is report
