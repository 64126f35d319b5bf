"""Distilling: the target is what the teachers give, made once; the card says who taught."""

import numpy as np
import pytest

import pellucid
from pellucid import files, models
from pellucid.production import distil as distilling
from pellucid.production.distil import distil, teacher
from pellucid.request import Distil


@pytest.fixture
def noisy(tmp_path):
    folder = tmp_path / "noisy"
    (folder / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in ("a.png", "deep/a.png", "deep/b.png"):
        waves = 128 + 60 * np.sin(np.arange(72) / (5 + len(name)))[:, None] * np.ones((72, 64))
        pixels = np.clip(waves + rng.normal(0, 15, waves.shape), 0, 255).astype(np.uint8)
        files.write(files.from_array(pixels), folder / name)
    return folder


@pytest.fixture
def asked(noisy, tmp_path):
    return Distil(
        teachers=("nlm", "median"), data=noisy, out=tmp_path / "s.safetensors", steps=3, overwrite=True
    )


def test_the_target_is_the_mean_of_what_the_teachers_give(asked, noisy):
    done = distil(asked)
    assert (done.pictures, done.before, done.failed) == (3, 0, ())
    picture = files.read(noisy / "deep" / "b.png")
    wanted = [
        pellucid.denoise(picture, method, return_result=True).estimate[0, 0] for method in asked.teachers
    ]
    found = files.read(done.folder / "targets" / "deep-b-png.tif").pixels[0, 0]
    assert np.abs(found - (wanted[0] + wanted[1]) / 2).max() < 1e-6
    card = models.read_card(asked.out)
    assert card.teachers == ("nlm", "median")
    assert card.claim == "no clean image seen"
    assert "taught by nlm and median" in card.data
    assert pellucid.denoise(picture, model=str(asked.out)).pixels.shape == picture.pixels.shape


def test_targets_are_made_once(asked, noisy, monkeypatch):
    distil(asked)
    (noisy / "a.png").unlink()
    asked_of = []
    true = distilling.denoise
    monkeypatch.setattr(
        distilling, "denoise", lambda image, **o: asked_of.append(image.name) or true(image, **o)
    )
    files.write(files.from_array(np.full((64, 64), 99, np.uint8)), noisy / "deep" / "b.png", overwrite=True)
    done = distil(asked)
    assert (done.pictures, done.before, len(asked_of)) == (
        2,
        1,
        2,
    )  # two teachers, the one picture that is new
    assert sorted(p.name for p in (done.folder / "targets").iterdir()) == ["deep-a-png.tif", "deep-b-png.tif"]


def test_a_picture_that_cannot_be_read_does_not_stop_the_others(asked, noisy):
    (noisy / "broken.png").write_bytes(b"no picture")
    done = distil(asked)
    assert done.pictures == 3
    assert len(done.failed) == 1
    assert done.failed[0].startswith("broken-png: ")


def test_who_may_teach():
    assert teacher("best").options == {"method": "auto", "effort": "best"}
    assert teacher("bm3d").sees == "noisy"
    assert teacher("swift-gray").origin == "redrawn"
    with pytest.raises(ValueError, match="teacher must be an effort"):
        teacher("nobody")


def test_nothing_is_taught_where_the_student_cannot_be_written(asked, tmp_path):
    from dataclasses import replace

    with pytest.raises(ValueError, match="data must be a folder"):
        replace(asked, data=tmp_path / "nowhere")
    asked.out.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        distil(replace(asked, overwrite=False))
    assert not (tmp_path / "s.lessons").exists()
