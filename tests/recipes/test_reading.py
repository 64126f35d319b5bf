"""The recipe of the network that reads the noise: from pictures to a file that the package reads."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from safetensors.torch import load_file

from pellucid.noise import analysis, reading

FOLDER = Path(__file__).parents[2] / "recipes" / "reading"
NAMES = ("scenes", "noises", "spoil", "fit")


@pytest.fixture
def recipe(monkeypatch):
    """The files of the recipe, imported as when fit.py is run."""
    monkeypatch.syspath_prepend(FOLDER)
    yield {name: importlib.import_module(name) for name in NAMES}
    for name in NAMES:
        del sys.modules[name]


@pytest.fixture
def pictures(tmp_path):
    draws = np.random.default_rng(0)
    for i, size in enumerate(((90, 400), (330, 360))):
        small = draws.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        Pillow.fromarray(small).resize(size).save(tmp_path / f"{i}.png")
    return tmp_path


@pytest.mark.slow
def test_what_it_writes_has_the_tensors_of_the_shipped_file_and_is_read(
    recipe, pictures, tmp_path, monkeypatch, capsys
):
    file = tmp_path / "reading.safetensors"
    command = [
        str(pictures),
        "-o",
        str(file),
        "--first",
        "4",
        "--second",
        "4",
        "--third",
        "6",
        "--steps",
        "3",
    ]
    monkeypatch.setattr(sys, "argv", ["fit.py", *command])
    recipe["fit"].main()
    assert "held out: 1 samples" in capsys.readouterr().out
    new, shipped = load_file(file), load_file(reading.WEIGHTS)
    assert {k: (t.shape, t.dtype) for k, t in new.items()} == {
        k: (t.shape, t.dtype) for k, t in shipped.items()
    }
    noisy = 0.5 + 0.1 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(reading, "WEIGHTS", file)
    reading._network.cache_clear()
    try:
        for pixels in (noisy, noisy[:, :1]):
            assert np.isfinite(analysis.analyse(pixels, color=pixels.shape[1] == 3).spectrum).all()
    finally:
        reading._network.cache_clear()


@pytest.mark.parametrize("color", [True, False])
def test_the_recipe_shows_what_the_reading_sees(recipe, pictures, color, monkeypatch):
    fit, shown = recipe["fit"], []
    seen = reading.seen
    draws = np.random.default_rng(3)
    scene = recipe["scenes"].photograph(draws, [sorted(pictures.glob("*.png"))], 96)
    noisy = (scene + recipe["noises"].white(draws, scene, 12.0)).clip(0, 255).round().astype(np.float32)
    noisy = noisy if color else noisy[..., 1:2]
    made = fit.example(noisy, noisy, color=color).features
    monkeypatch.setattr(reading, "seen", lambda *given: shown.append(seen(*given)) or shown[-1])
    analysis.analyse(torch.from_numpy(noisy).permute(2, 0, 1)[None] / 255, color=color)
    torch.testing.assert_close(made, shown[0].features, rtol=1e-3, atol=1e-3)


def test_white_fieldis_the_same_in_every_pair(recipe):
    field = 8 * np.random.default_rng(0).standard_normal((256, 256, 3)).astype(np.float32)
    fit = recipe["fit"]
    made = fit.example(128 + field, field, color=True)
    assert made.logs.shape == (3, reading.PAIRS)
    assert float((made.logs - made.logs.mean()).abs().max()) < 0.15


@pytest.mark.parametrize(
    "kind", ["white", "per_channel", "shared", "poisson_like", "photons", "blurred", "grain", "mixed"]
)
def test_fieldhas_about_the_level_it_is_drawn_at(recipe, kind):
    scene = np.full((128, 128, 3), 128, np.float32)
    ratios = [
        getattr(recipe["noises"], kind)(np.random.default_rng(i), scene, 10.0).std() / 10 for i in range(5)
    ]
    assert min(ratios) > 0.5
    assert max(ratios) < 1.6


def test_without_fielda_scene_stays_but_for_its_storage(recipe, pictures):
    spoil = recipe["spoil"]
    pool = recipe["scenes"].folders([pictures])
    for i in range(12):
        found = spoil.sample(np.random.default_rng(i), pool, spoil.Mix(clean=1))
        assert found.noisy.shape == found.noise.shape
        assert found.level == 0
        assert not found.plain or np.abs(found.noise).max() <= 3  # rounded, sharpened, rounded


def test_an_empty_folder_is_told(recipe, tmp_path):
    with pytest.raises(SystemExit, match="expected pictures"):
        recipe["scenes"].folders([tmp_path])


def test_samples_do_not_depend_on_who_draws_them(recipe, pictures):
    """Two processes draw the same set as one: a sample is drawn from its number alone."""
    fit, pool = recipe["fit"], recipe["scenes"].folders([pictures])
    (first, _), (again, _) = (fit._drawn(pool, ("third", (0, 2, 5))) for _ in range(2))
    assert torch.equal(first[0].features, again[0].features)
    other, _ = fit._drawn(pool, ("third", (0, 2, 6)))
    assert not torch.equal(first[0].features, other[0].features)


def test_photons_have_the_variance_of_their_count(recipe):
    draws = np.random.default_rng(0)
    for value in (32.0, 128.0):
        scene = np.full((128, 128, 3), value, np.float32)
        many = [recipe["noises"].photons(draws, scene, 12.0) for _ in range(12)]
        plain = sorted(float(np.var(m)) for m in many)[0]  # without black and without the noise of reading
        assert plain <= 1.05 * 12.0**2 * value / 128
