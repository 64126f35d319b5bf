"""A model against the default on held-out pictures, and a training against its plan."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from skimage import data
from skimage.metrics import mean_squared_error
from torch.nn.functional import avg_pool2d

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


def test_a_model_that_is_a_little_worse_is_told_by_another_shot(shots, clean, monkeypatch):
    """A tenth of the noise left in adds 1 % of its variance: 0.04 dB to another shot, more to the truth."""
    images = open_data(shots, Options(patch=32, batch=2), "pairs", pairs="shots")
    kept = []

    def worse(fit, batch):
        usual = judged.default(batch.noisy[0], color=True)[None]
        return usual + kept[0] * (batch.noisy - usual)

    monkeypatch.setattr(watching, "predicted", worse)
    kept.append(0.1)
    found = judged.compare(None, images)
    assert -0.1 < found.gain < 0
    assert found.excess == pytest.approx(0.01, rel=0.35)
    (words,) = judged.advice(fit("finished", 10, None), found)
    assert "% of the variance of the noise" in words or "further from another shot" in words
    kept[0] = 0.0
    assert judged.advice(fit("finished", 10, None), judged.compare(None, images)) == ()


@pytest.fixture
def single(clean, tmp_path):
    """The same pictures with noise, one shot each."""
    (tmp_path / "single").mkdir()
    draws = np.random.default_rng(0)
    for path in clean.iterdir():
        noisy = np.asarray(Pillow.open(path)) + draws.normal(0, 25, (160, 160, 3))
        picture = Pillow.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
        picture.save(tmp_path / "single" / path.name)
    return tmp_path / "single"


ASKED = SimpleNamespace(request=SimpleNamespace(asked=SimpleNamespace(seed=0)))


def test_single_noisy_pictures_tell_which_is_better_by_noise_that_is_drawn(single, clean, monkeypatch):
    """A blur loses, by as much as the clean pictures say that it does."""
    images = open_data(single, Options(patch=32, batch=2), "noisy")
    given = []

    def blurred(fit, batch):
        given.append(batch.noisy)
        return avg_pool2d(batch.noisy, 5, 1, padding=2, count_include_pad=False)

    monkeypatch.setattr(judged, "SIDES", (160,))  # whole pictures
    monkeypatch.setattr(watching, "predicted", blurred)
    found = judged.compare(ASKED, images)
    truths = [torch.from_numpy(np.array(Pillow.open(p))).permute(2, 0, 1) / 255 for p in clean.iterdir()]
    true = []
    for more in list(given):
        truth = min(truths, key=lambda t: float((t - more).square().mean()))
        usual = judged.default(more[0], color=True)
        true.append(float((blurred(None, SimpleNamespace(noisy=more)) - truth).square().mean()))
        true[-1] -= float((usual - truth).square().mean())
    assert found.excess == pytest.approx(np.mean(true) / (25 / 255) ** 2, rel=0.25)
    (words,) = judged.advice(fit("finished", 10, None), found)
    assert f"by {100 * found.excess:.2g} % of the variance of the noise. Use that, or go on" in words


def test_the_default_is_equal_to_itself_on_single_noisy_pictures(single, monkeypatch):
    images = open_data(single, Options(patch=32, batch=2), "noisy")
    monkeypatch.setattr(
        watching, "predicted", lambda fit, batch: judged.default(batch.noisy[0], color=True)[None]
    )
    found = judged.compare(ASKED, images)
    assert found.excess == 0
    assert judged.advice(fit("finished", 10, None), found) == ()


def test_counts_are_made_even_before_the_default_filters_them():
    """Poisson counts: the default of the comparison against what `denoise` gives of the same picture."""
    import pellucid

    counts = np.random.default_rng(0).poisson(30 * (0.05 + data.camera()[100:260, 150:310] / 255.0))
    noisy = torch.from_numpy(counts / 64).float()[None]
    ours = judged.default(noisy, color=False)[0].numpy()
    theirs = pellucid.denoise(noisy[0].numpy(), data_range=1.0, force=True)
    assert np.square(ours - theirs).mean() < 0.1 * np.square(noisy[0].numpy() - theirs).mean()


def test_nothing_is_held_against_pictures_that_cannot_tell(clean, tmp_path, monkeypatch):
    monkeypatch.setattr(watching, "predicted", lambda fit, batch: pytest.fail("nothing to compare with"))
    ramp = np.tile(np.arange(160, dtype=np.uint8), (160, 1))
    (tmp_path / "ramps").mkdir()
    for i in range(3):
        Pillow.fromarray(ramp + 20 * i).save(tmp_path / "ramps" / f"{i}.png")
    even = open_data(tmp_path / "ramps", Options(patch=32, batch=2), "noisy")
    assert judged.compare(ASKED, even) is None  # there is no noise to remove
    none = open_data(clean, Options(patch=32, batch=2, noise="gaussian:25", held_out=0.0), "noisy")
    assert judged.compare(ASKED, none) is None


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
