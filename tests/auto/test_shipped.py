"""Which shipped model is for which noise; without one, the choice is that of the filters."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pellucid import auto, models, seeds
from pellucid.auto.shipped import Unit
from pellucid.noise.report import NoiseReport
from pellucid.noise.stabilise import Anscombe
from shipping import ship

WHITE = NoiseReport.white(20 / 255, 3, scale=255)
SHARED = replace(WHITE, correlated=True, length_px=1.5)


def choice(report=WHITE, *, color=True, channels=3, **more):
    return auto.choose(report, color=color, channels=channels, **more)


@pytest.mark.parametrize(
    ("report", "method"), [(WHITE, "bm3d"), (SHARED, "photo"), (replace(WHITE, gain=(0.01,) * 3), "bm3d")]
)
def test_without_models_the_filter_works_alone_and_a_note_says_so(shelf, report, method):
    with_models, without = choice(report), choice(report, trained=False)
    assert without.method == method  # `photo` still knows what a camera does to the brightness
    assert (with_models.method, with_models.config, with_models.reason) == (
        without.method,
        without.config,
        without.reason,
    )
    assert with_models.noise is report
    assert with_models.model is None
    missing = "swift-color is missing: (C)BM3D works alone"
    assert [missing in note for note in with_models.notes] == [True]


def test_a_model_for_this_noise_is_chosen_and_the_reason_says_so(shelf):
    path = ship(shelf)
    found = choice()
    assert (found.method, found.model) == ("n2n", str(path))
    assert "white: model tiny (n2n, no clean target), measured to be better" in found.reason
    assert not found.light
    assert choice(trained=False).method == "bm3d"
    assert choice(SHARED, trained=False).config.network == "none"


@pytest.mark.parametrize(
    ("card", "report", "words"),
    [
        ({"sigma": (0.0, 10 / 255)}, WHITE, "trained for levels of 0 to 10 of 255, not of 20"),
        ({"sigma": (30 / 255, 0.3)}, WHITE, "not of 20"),
        ({"sigma": None}, WHITE, "states no levels"),
        ({"kinds": ("correlated",)}, WHITE, "for white noise it was not measured"),
        ({}, SHARED, "for correlated noise it was not measured"),
    ],
)
def test_a_model_that_does_not_fit_is_left_and_the_reason_says_why(shelf, card, report, words):
    ship(shelf, **card)
    found = choice(report)
    assert found.method == ("photo" if report.correlated else "bm3d")
    assert words in found.reason
    assert found.reason.startswith(choice(report, trained=False).reason)


def test_a_model_of_other_channels_is_passed_over_in_silence(shelf):
    ship(shelf)
    gray = NoiseReport.white(0.1, 1)
    gray_choice, filters = (choice(gray, color=False, channels=1, trained=t) for t in (True, False))
    assert replace(gray_choice, notes=()) == filters
    assert choice(color=False).method == "bm3d"  # three channels of fluorescence are no colours
    ship(shelf, "gray", channels=1)
    assert choice(gray, color=False, channels=1).method == "n2n"


def test_a_model_for_no_kind_of_noise_is_there_to_be_asked_for_by_name(shelf):
    ship(shelf, kinds=())
    found, alone = choice(), choice(trained=False)
    assert (found.method, found.config, found.reason) == (alone.method, alone.config, alone.reason)


def test_quiet_and_salt_are_decided_before(shelf):
    ship(shelf)
    assert choice(NoiseReport.white(0.001, 3, scale=255)).method == "none"
    assert choice(replace(WHITE, impulse=0.1)).method == "median"


def test_in_a_colour_picture_the_filter_is_averaged_with_the_network_that_comes_with_it():
    for report in (WHITE, SHARED):
        found = choice(report)
        assert (found.method, found.config.network, found.notes) == ("photo", "swift-color", ())
        assert "averaged with a small network" in found.reason
        alone = choice(report, trained=False)
        assert "averaged" not in alone.reason
    photons = choice(replace(WHITE, gain=(0.01,) * 3))  # stabilised, their noise is white
    assert photons.method == "photo"
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


def test_of_two_models_the_first_that_fits_is_taken(shelf):
    ship(shelf, "a", kinds=())
    ship(shelf, "b")
    assert choice().model.endswith("b.safetensors")


def test_a_damaged_model_is_told_and_left(shelf):
    (shelf / "bad.safetensors").write_bytes(b"nothing")
    found = choice()
    assert found.method == "bm3d"
    assert "'bad.safetensors' is damaged" in found.notes[0]
    ship(shelf)
    assert choice().method == "n2n"
    assert len(choice().notes) == 1


def test_camera_noise_is_told_at_the_strength_of_the_card_and_lit(shelf):
    ship(shelf, kinds=("white", "correlated"), strength={"correlated": 1.5})
    grown = replace(SHARED, gain=(0.02,) * 3)  # of developed noise no law of photons is left
    found = choice(grown)
    assert found.light
    assert found.noise.sigma == pytest.approx([30 / 255] * 3)
    assert not any(found.noise.gain)
    assert found.measured is grown
    assert found.stabilise is None
    assert choice(WHITE).noise.sigma == WHITE.sigma


def test_noise_of_photons_is_stabilised_to_values_between_black_and_white(shelf):
    ship(shelf)
    gain = 0.01
    report = replace(WHITE, gain=(gain,) * 3, offset=(0.0005,) * 3)
    found = choice(report)
    assert "after a variance-stabilising transform" in found.reason
    for value in (0.2, 0.8):
        clean = torch.full((3, 200, 200), value)
        noise = torch.randn(clean.shape, generator=seeds.generator(0, "n")) * (gain * value + 0.0005) ** 0.5
        seen = found.stabilise.forward(clean + noise)
        assert float(seen.std(dim=(1, 2)).mean()) == pytest.approx(found.stabilise.noise.level, rel=0.05)
        assert float(seen.min()) > -0.5
        assert float(seen.max()) < 1.6


def test_unit_and_back():
    report = replace(WHITE, gain=(0.01, 0.0, 0.02), offset=(0.001, WHITE.offset[1], 0.0))
    unit = Unit(Anscombe(report))
    x = torch.rand(3, 8, 8, generator=seeds.generator(0, "x"))
    assert torch.allclose(unit.inverse(unit.forward(x)), x, atol=0.01)  # unbiased for means, not for points
    assert unit.noise.offset == pytest.approx(np.square(unit.noise.sigma).tolist())


def test_the_card_is_checked():
    with pytest.raises(ValueError, match="kind of noise must be one of"):
        models.Card(method="n2n", config={}, channels=1, kinds=("pink",))
    with pytest.raises(ValueError, match="strength for white noise"):
        models.Card(method="n2n", config={}, channels=1, strength={"white": 0.0})
    card = models.Card(method="n2n", config={}, channels=1, kinds=("white",), strength={"white": 1.1})
    assert models.Card.from_json(card.to_json()) == card
