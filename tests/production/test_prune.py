"""Pruning: a smaller model that comes nearer to the whole one, from noisy pictures alone."""

import numpy as np
import pytest

import pellucid
from pellucid import files, methods, models
from pellucid.production.prune import prune
from pellucid.production.teaching import Lesson


@pytest.fixture
def noisy(tmp_path):
    folder = tmp_path / "noisy"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        waves = 128 + 60 * np.sin(np.arange(96) / (5 + len(name)))[:, None] * np.ones((96, 80))
        pixels = np.clip(waves + rng.normal(0, 15, waves.shape), 0, 255).astype(np.uint8)
        files.write(files.from_array(pixels), folder / f"{name}.png")
    return folder


def test_a_pruned_model_learns_from_the_whole_one(noisy, tmp_path):
    short = prune("swift-gray", tmp_path / "a.safetensors", noisy, keep=0.3, lesson=Lesson(steps=1, batch=4))
    long = prune("swift-gray", tmp_path / "b.safetensors", noisy, keep=0.3, lesson=Lesson(steps=60, batch=4))
    assert long.loss < 0.7 * short.loss
    assert long.weights[1] < 0.12 * long.weights[0]
    card = models.read_card(long.file)
    assert card.teachers == ("swift-gray",)
    assert card.config["network"].startswith("swift[14,")
    picture = files.read(noisy / "a.png").pixels[0, 0]
    found = pellucid.denoise(np.array(picture), model=str(long.file), sigma=15 / 255, data_range=1.0)
    assert found.std() < picture.std()
    assert "whole" in models.verify(long.file, methods.load)


def test_a_share_of_the_weights_is_the_root_of_it_of_the_channels(noisy, tmp_path):
    done = prune(
        "swift-gray",
        tmp_path / "a.safetensors",
        noisy,
        keep=0.3,
        of="weights",
        lesson=Lesson(steps=1, batch=1),
    )
    assert done.weights[1] / done.weights[0] == pytest.approx(0.3, rel=0.1)


def test_what_cannot_be_pruned(noisy, tmp_path):
    out = tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match="prune knows the networks of the swift family"):
        prune("iddp-color", out, noisy)
    (tmp_path / "of others.pth").write_bytes(b"")
    with pytest.raises(ValueError, match="none that `pellucid train` wrote"):
        prune(str(tmp_path / "of others.pth"), out, noisy)
    with pytest.raises(FileNotFoundError, match="Create it first"):
        prune("swift-gray", tmp_path / "nowhere" / "a.safetensors", noisy)
    with pytest.raises(ValueError, match="keep must be in"):
        prune("swift-gray", out, noisy, keep=1.5)
    with pytest.raises(FileNotFoundError, match="data must be a folder"):
        prune("swift-gray", out, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="data must hold pictures of 1 channels"):
        prune("swift-gray", out, tmp_path / "empty")
    assert not out.exists()
