"""The recipe of the networks that say how much of a change is noise: a file of the shipped shape."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from safetensors import safe_open

from pellucid.noise import share

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture
def recipe(monkeypatch):
    """fit.py, imported as when it is run."""
    names = ("fit", "spoil", "noises", "scenes")
    monkeypatch.syspath_prepend(RECIPES / "share")
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield importlib.import_module("fit")
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_what_it_writes_has_the_tensors_of_the_shipped_file(recipe, tmp_path, monkeypatch, capsys):
    pictures, samples, file = tmp_path / "pictures", tmp_path / "samples", tmp_path / "share.safetensors"
    pictures.mkdir()
    small = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    Pillow.fromarray(small).resize((330, 360)).save(pictures / "one.png")
    monkeypatch.setattr(recipe, "SIDE", 64)
    monkeypatch.setattr(recipe, "STEPS", 3)
    for count in ("3", "6"):  # the second goes on
        words = ["fit.py", "samples", str(pictures), "-o", str(samples), "--count", count]
        monkeypatch.setattr(sys, "argv", words)
        recipe.main()
    assert len((samples / "0.jsonl").read_text().splitlines()) == 6
    monkeypatch.setattr(sys, "argv", ["fit.py", "fit", str(samples), "-o", str(file)])
    recipe.main()
    assert "the share that is told" in capsys.readouterr().out
    with safe_open(file, "pt") as new, safe_open(share.WEIGHTS, "pt") as shipped:
        assert new.metadata()["features"] == shipped.metadata()["features"]
        for name in shipped.keys():  # noqa: SIM118 (no mapping)
            assert new.get_tensor(name).shape == shipped.get_tensor(name).shape
