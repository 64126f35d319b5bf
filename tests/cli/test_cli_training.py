"""`train`, `models …` and `denoise --model` from the command line."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from pellucid import models


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(4):
        pixels = np.random.default_rng(i).integers(60, 190, (40, 44, 3), dtype=np.uint8)
        Pillow.fromarray(pixels).save(tmp_path / "in" / f"{i}.png")
    return tmp_path / "in"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("pellucid.models.shelf.shipped", lambda: tmp_path / "none")


@pytest.fixture
def model(run, toy, folder, tmp_path):
    path = tmp_path / "m.safetensors"
    done = run(
        "train", "toy", folder, "-o", path, "--noise", "gaussian:0-50", "--steps", 3, "--set", "width=4"
    )
    assert done.code == 0, done.err
    assert "3 steps" in done.out
    assert "no clean target" in done.out
    assert done.err == ""
    return path


def test_train_in_json(run, toy, folder, tmp_path):
    out = tmp_path / "m.safetensors"
    flags = ["--noise", "gaussian:0-50|poisson:30", "--steps", 2, "--gray", "--scales", "0.5,1", "--fixed", 2]
    done = run("train", "toy", folder, "-o", out, *flags, "--licence", "CC0", "--half", "--json")
    assert done.code == 0, done.err
    assert done.json["card"]["channels"] == 1
    assert done.json["card"]["origin"] == "fixed"
    assert done.json["stopped_by"] == "finished"


def test_denoise_with_the_model(run, model, folder, tmp_path):
    done = run("denoise", folder / "0.png", "-o", tmp_path / "clean.png", "--model", model, "--json")
    assert done.code == 0, done.err
    assert done.json["method"] == "toy"
    several = run(
        "denoise",
        folder / "0.png",
        folder / "1.png",
        "-o",
        tmp_path / "out",
        "--model",
        model,
        "--method",
        "toy",
    )
    assert several.code == 0
    wrong = run(
        "denoise", folder / "0.png", "-o", tmp_path / "no.png", "--model", model, "--method", "toy-alone"
    )
    assert wrong.code == 2
    assert "trained by toy, not by toy-alone" in wrong.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "needs pairs"),
        (["--noise", "gaussian:5", "--steps", 0], "steps must be at least 1"),
        (["--noise", "gaussian:5", "--set", "widht=3"], "Did you mean 'width'"),
        (["--noise", "gaussian:5", "--scales", "big"], "scales must be numbers"),
        (["--pairs", "nowhere"], "must be one of shots, exposures, frames"),
        (["--noise", "gaussian:5", "--preset", "quick"], "preset must be one of"),
    ],
)
def test_wrong_usage_is_one_line(run, toy, folder, tmp_path, flags, words):
    done = run("train", "toy", folder, "-o", tmp_path / "m.safetensors", *flags)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_training_that_goes_wrong_is_exit_1(run, toy, folder, tmp_path):
    flags = ["--noise", "gaussian:5", "--set", "collapse=1", "--steps", 30]
    done = run("train", "toy", folder, "-o", tmp_path / "m.safetensors", *flags)
    assert done.code == 1
    assert "gives its input back" in done.err


def test_untrained_methods_are_named(run, folder, tmp_path):
    done = run("train", "bm3d", folder, "-o", tmp_path / "m.safetensors")
    assert done.code == 2
    assert "method must be one of" in done.err


def test_nothing_on_the_shelf(run, shelf):
    done = run("models", "list")
    assert done.code == 0
    assert "No model is shipped or installed" in done.out
    assert run("models", "list", "--json").json == []


def test_show_verify_and_install(run, shelf, model, folder, tmp_path):
    shown = run("models", "show", model)
    assert shown.code == 0
    for words in (
        "toy, no clean target",
        "3 channels of display colours",
        "gaussian:0-50",
        "0 to 50",
        "width = 4",
    ):
        assert words in shown.out
    assert run("models", "show", model, "--json").json["claim"] == "no clean target"
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    verified = run("models", "verify", model, "--sha256", digest)
    assert verified.code == 0
    assert digest in verified.out
    assert run("models", "verify", model, "--sha256", "0" * 64).code == 1
    installed = run("models", "install", model, "--name", "mine")
    assert installed.code == 0, installed.err
    assert "exists" in run("models", "install", model, "--name", "mine").err
    assert run("models", "install", model, "--name", "mine", "--overwrite").code == 0
    assert run("models", "list").out.splitlines()[1].startswith("mine")
    assert run("denoise", folder / "0.png", "-o", tmp_path / "c.png", "--model", "mine").code == 0
    unknown = run("denoise", folder / "0.png", "-o", tmp_path / "d.png", "--model", "mien")
    assert unknown.code == 2
    assert "Did you mean 'mine'" in unknown.err


def test_install_from_an_address(run, shelf, model):
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    assert "needs its hash" in run("models", "install", model.as_uri()).err
    wrong = run("models", "install", model.as_uri(), "--sha256", "0" * 64)
    assert wrong.code == 1
    assert "SHA-256" in wrong.err
    assert run("models", "install", model.as_uri(), "--sha256", digest).code == 0
    assert list(models.names()) == ["m"]


def test_a_broken_model_is_not_installed(run, shelf, model):
    model.write_bytes(model.read_bytes()[:-9])
    for verb in ("verify", "install"):
        done = run("models", verb, model)
        assert done.code == 1
        assert "damaged" in done.err
    assert run("models", "show", model).code == 2
    assert models.names() == {}


def test_methods_show_what_is_trained(run, toy):
    done = run("methods", "--json")
    rows = {row["name"]: row for row in json.loads(done.out)}
    assert rows["toy"]["trained"] is True
    assert rows["bm3d"]["trained"] is False
    assert "trained by: pellucid train toy" in run("methods", "toy").out


def test_a_model_below_the_default_is_exit_4(run, toy, tmp_path):
    (tmp_path / "large").mkdir()
    for i in range(4):
        part = data.astronaut()[40 * i : 40 * i + 160, 60 * i : 60 * i + 160]
        Pillow.fromarray(part).save(tmp_path / "large" / f"{i}.png")
    out, flags = tmp_path / "m.safetensors", ["--noise", "gaussian:25", "--steps", 2, "--json"]
    done = run("train", "toy", tmp_path / "large", "-o", out, *flags)
    assert done.code == 4
    assert out.is_file()
    assert done.json["db_above_default"] < 0
    assert done.json["advice"][0] in done.err
    assert "--from m.safetensors and more --steps" in done.err
