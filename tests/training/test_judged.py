"""A model against the default on held-out pictures, and a training against its plan."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data
from skimage.metrics import mean_squared_error

from pellucid.data import Options, open_data
from pellucid.training import judged, watching
from pellucid.training.judged import Compared


@pytest.fixture
def clean(tmp_path):
    """Four pictures of 160 pixels a side."""
    (tmp_path / "clean").mkdir()
    for i in range(4):
        part = data.astronaut()[40 * i : 40 * i + 160, 60 * i : 60 * i + 160]
        Pillow.fromarray(part).save(tmp_path / "clean" / f"{i}.png")
    return tmp_path / "clean"


@pytest.fixture
def shots(clean, tmp_path):
    """The same as scenes of two noisy shots each."""
    draws = np.random.default_rng(0)
    for path in clean.iterdir():
        (tmp_path / "shots" / path.stem).mkdir(parents=True)
        for shot in (1, 2):
            noisy = np.asarray(Pillow.open(path)) + draws.normal(0, 25, (160, 160, 3))
            picture = Pillow.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
            picture.save(tmp_path / "shots" / path.stem / f"{shot}.png")
    return tmp_path / "shots"


def added(folder, sees="noisy"):
    return open_data(folder, Options(patch=32, batch=2, noise="gaussian:25"), sees)


def test_a_perfect_model_is_above_and_the_default_equal_to_itself(clean, monkeypatch):
    images = added(clean)

    def perfect(fit, batch):
        return batch.clean

    monkeypatch.setattr(watching, "predicted", perfect)
    assert judged.compare(None, images).gain > 40
    monkeypatch.setattr(
        watching, "predicted", lambda fit, batch: judged.default(batch.noisy[0], color=True)[None]
    )
    found = judged.compare(None, images)
    assert found.gain == pytest.approx(0, abs=1e-6)
    assert found.clean


def test_the_gain_is_that_of_the_errors(clean, monkeypatch):
    """The noisy input as the answer, against scikit-image's mean squared errors of the same pieces."""
    monkeypatch.setattr(watching, "predicted", lambda fit, batch: batch.noisy)
    images = added(clean)
    found = judged.compare(None, images)
    pieces = images.pieces(128, "clean pairs").held_out(judged.COUNT)
    usual = [judged.default(one.noisy, color=True) for one in pieces]
    theirs = sum(
        mean_squared_error(one.clean.numpy(), got.numpy()) for one, got in zip(pieces, usual, strict=True)
    )
    noisy = sum(mean_squared_error(one.clean.numpy(), one.noisy.numpy()) for one in pieces)
    assert noisy / len(pieces) == pytest.approx((25 / 255) ** 2, rel=0.02)
    assert found.gain == pytest.approx(10 * np.log10(theirs / noisy), abs=0.01)
    (words,) = judged.advice(fit("finished", 10, None), found)
    assert f"{-found.gain:.1f} dB further from the truth" in words
    assert "--from m.safetensors and more --steps" in words


def test_another_shot_will_do_for_the_truth(shots, monkeypatch):
    images = open_data(shots, Options(patch=32, batch=2), "pairs", pairs="shots")
    monkeypatch.setattr(watching, "predicted", lambda fit, batch: batch.noisy)
    found = judged.compare(None, images)
    assert not found.clean
    assert -3.5 < found.gain < -1.5  # twice the variance of the noise against little more than once


def test_nothing_is_held_against_pictures_that_cannot_tell(clean, monkeypatch):
    monkeypatch.setattr(watching, "predicted", lambda fit, batch: pytest.fail("nothing to compare with"))
    single = open_data(clean, Options(patch=32, batch=2), "noisy")
    assert judged.compare(None, single) is None
    none = open_data(clean, Options(patch=32, batch=2, noise="gaussian:25", held_out=0.0), "noisy")
    assert judged.compare(None, none) is None


def fit(stopped, done, planned):
    request = SimpleNamespace(out=SimpleNamespace(name="m.safetensors"))
    return SimpleNamespace(plan=SimpleNamespace(most=planned), done=done, stopped_by=stopped, request=request)


@pytest.mark.parametrize(
    ("stopped", "done", "planned", "words"),
    [
        ("finished", 100, 100, None),
        ("seconds", 60, 100, None),
        ("seconds", 10, None, None),  # time was the plan
        ("seconds", 40, 100, "--resume and more --seconds"),
        ("interrupted", 40, 100, "the same command with --resume."),
    ],
)
def test_far_from_the_plan(stopped, done, planned, words):
    said = judged.advice(fit(stopped, done, planned), Compared(0.3, True))
    assert bool(said) == (words is not None)
    if words:
        assert words in said[0]
        assert "40 of 100 planned steps" in said[0]


def test_a_poor_model_is_said_so_at_the_end(toy, clean, tmp_path):
    from pellucid.training import train

    done = train("toy", clean, tmp_path / "m.safetensors", noise="gaussian:25", steps=2)
    assert done.gain < -1
    assert done.planned == 2
    assert "Use that, or go on" in done.advice[0]
    assert done.card.quality["dB above the default on held-out pictures"] == done.gain
    assert (tmp_path / "m.safetensors").is_file()
