"""How much of a change is noise: laws of what the networks see, and what they say of noise and of texture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy import ndimage
from skimage import data
from torch import nn

from pellucid.noise import analysis, residual, share
from pellucid.noise.report import NoiseReport

DRAWS = np.random.default_rng(0)
CLEAN = np.moveaxis(data.astronaut()[:160, 100:260], -1, 0) / 255.0
NOISY = CLEAN + DRAWS.normal(0, 0.06, CLEAN.shape)
NOISE = replace(NoiseReport.white(0.06, 3), chen=0.059, mad=(0.06,) * 3, doubt=0.1, step=1 / 255, span=0.9)


def seen(noisy, estimate, noise=NOISE):
    found = residual.measure(noisy, estimate)
    told = share.features(noisy, estimate, noise, found)
    assert told is not None
    return told


def stored(values, factor, shift):
    return factor * values + shift


@pytest.mark.parametrize(("factor", "shift"), [(255.0, 0.0), (0.003, -4.0), (12.0, 3000.0)])
def test_features_follow_no_change_of_scale_and_offset(factor, shift):
    first = seen(NOISY, CLEAN)
    noisy, clean = (stored(a, factor, shift) for a in (NOISY, CLEAN))
    second = seen(noisy, clean, NOISE.moved(factor, shift))
    for name, value in first.items():
        assert second[name] == pytest.approx(value, rel=2e-3, abs=2e-3), name


def test_features_hardly_change_when_a_picture_is_turned_over():
    first, second = seen(NOISY, CLEAN), seen(NOISY[:, ::-1, ::-1], CLEAN[:, ::-1, ::-1])
    for name, value in first.items():
        assert second[name] == pytest.approx(value, rel=0.05, abs=0.03), name


def test_a_constant_border_changes_nothing():
    framed = [np.pad(a, ((0, 0), (7, 3), (0, 12)), constant_values=0.4) for a in (NOISY, CLEAN)]
    assert seen(*framed) == pytest.approx(seen(NOISY, CLEAN), rel=1e-6, abs=1e-6)


def test_noise_that_was_removed_is_told_from_picture():
    assert share.share(seen(NOISY, CLEAN)) > 0.8


def test_texture_that_was_removed_is_told_from_noise():
    texture = data.grass()[None, :192, :192] / 255.0
    report = analysis.analyse(torch.from_numpy(texture[None]).float(), color=False)
    blurred = ndimage.gaussian_filter(texture, (0, 1.5, 1.5))
    assert share.share(seen(texture, blurred, report)) < 0.3


def test_nothing_is_told_of_small_parts_and_of_no_change():
    small = NOISY[:, :20, :20], CLEAN[:, :20, :20]
    found = residual.measure(NOISY, CLEAN)
    assert share.features(*small, NOISE, found) is None
    assert share.features(NOISY, CLEAN, NoiseReport.white(0.0, 3), found) is None


def test_the_networks_are_what_torch_makes_of_their_weights():
    weights = load_file(share.WEIGHTS)
    features = torch.randn(len(weights["mean"]), generator=torch.Generator().manual_seed(0))
    framed = ((features - weights["mean"]) / weights["spread"]).clamp(-3, 3)
    said = []
    for i in range(len(weights["c.bias"])):
        layers = []
        for name in "ab":
            weight = weights[f"{name}.weight"][i]
            layers += [nn.Linear(*reversed(weight.shape)), nn.SiLU()]
            layers[-2].load_state_dict({"weight": weight, "bias": weights[f"{name}.bias"][i]})
        last = nn.Linear(len(weights["c.weight"][i]), 1)
        last.load_state_dict({"weight": weights["c.weight"][i][None], "bias": weights["c.bias"][i][None]})
        said.append(nn.Sequential(*layers, last, nn.Sigmoid())(framed).item())
    assert share.run(weights, features) == pytest.approx(np.mean(said), abs=1e-5)
