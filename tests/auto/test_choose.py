"""What `auto` does about which noise, with and without the networks that come with pellucid."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pellucid import auto, seeds
from pellucid.auto import Unit
from pellucid.noise.report import NoiseReport
from pellucid.noise.stabilise import Anscombe

WHITE = NoiseReport.white(20 / 255, 3, scale=255)
SHARED = replace(WHITE, correlated=True, length_px=1.5)
PHOTONS = replace(WHITE, gain=(0.01,) * 3)


def choice(report=WHITE, *, color=True, channels=3):
    return auto.choose(report, color=color, channels=channels)


@pytest.mark.parametrize(("report", "method"), [(WHITE, "bm3d"), (SHARED, "photo"), (PHOTONS, "bm3d")])
def test_without_models_the_filter_works_alone_and_a_note_says_so(shelf, report, method):
    found = choice(report)
    assert found.method == method  # `photo` still knows what a camera does to the brightness
    assert found.noise is report
    assert "averaged" not in found.reason
    missing = "swift-color is missing: (C)BM3D works alone"
    assert [missing in note for note in found.notes] == [True]


def test_without_the_student_the_network_works_in_its_place_and_a_note_says_so(shelf):
    for name in ("swift-color", "swift-gray"):
        (shelf / f"{name}.safetensors").write_bytes(b"")
    found = auto.choose(SHARED, color=True, channels=3, effort="quick")
    assert (found.config.network, found.config.student) == ("swift-color", "none")
    assert ["swift-photo is missing: swift-color works in its place" in note for note in found.notes] == [
        True
    ]


def test_a_camera_s_brightness_needs_no_network(shelf):
    assert choice(SHARED).config.network == "none"


def test_three_channels_of_fluorescence_are_no_colours():
    assert choice(color=False).method == "bm3d"


def test_quiet_and_salt_are_decided_before():
    assert choice(NoiseReport.white(0.001, 3, scale=255)).method == "none"
    assert choice(replace(WHITE, impulse=0.1)).method == "median"


def test_in_a_colour_picture_the_filter_is_averaged_with_the_network_that_comes_with_it():
    for report in (WHITE, SHARED):
        found = choice(report)
        assert (found.method, found.config.network, found.notes) == ("photo", "swift-color", ())
        assert "averaged with a small network" in found.reason
    photons = choice(PHOTONS)  # stabilised, their noise is white
    assert photons.method == "photo"
    assert "after a variance-stabilising transform" in photons.reason
    black = photons.stabilise.forward(torch.zeros(3, 1, 1))
    assert float(black.abs().max()) == 0  # as the network knows it
    weak = choice(NoiseReport.white(5 / 255, 3))  # as likely fine texture
    assert weak.method == "bm3d"
    assert "averaged" not in weak.reason


def test_a_gray_picture_has_a_network_of_its_own_for_white_noise():
    white = NoiseReport.white(20 / 255, 1, scale=255)
    found = choice(white, color=False, channels=1)
    assert (found.method, found.config.gray, found.notes) == ("photo", "swift-gray", ())
    assert "BM3D at this level, averaged with a small network" in found.reason
    shared = choice(replace(white, correlated=True, length_px=1.5), color=False, channels=1)
    assert shared.method == "bm3d"
    assert choice(white, color=False, channels=2).method == "bm3d"


def test_noise_of_photons_is_stabilised_to_values_between_black_and_white():
    gain = 0.01
    report = replace(WHITE, gain=(gain,) * 3, offset=(0.0005,) * 3)
    stabilise = choice(report).stabilise
    for value in (0.2, 0.8):
        clean = torch.full((3, 200, 200), value)
        noise = torch.randn(clean.shape, generator=seeds.generator(0, "n")) * (gain * value + 0.0005) ** 0.5
        seen = stabilise.forward(clean + noise)
        assert float(seen.std(dim=(1, 2)).mean()) == pytest.approx(stabilise.noise.level, rel=0.05)
        assert float(seen.min()) > -0.5
        assert float(seen.max()) < 1.6


def test_unit_and_back():
    report = replace(WHITE, gain=(0.01, 0.0, 0.02), offset=(0.001, WHITE.offset[1], 0.0))
    unit = Unit(Anscombe(report))
    x = torch.rand(3, 8, 8, generator=seeds.generator(0, "x"))
    assert torch.allclose(unit.inverse(unit.forward(x)), x, atol=0.01)  # unbiased for means, not for points
    assert unit.noise.offset == pytest.approx(np.square(unit.noise.sigma).tolist())
