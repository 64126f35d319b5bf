"""Learnt weights: who gets them, that they are worth having, and that the recipe makes such a file."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from safetensors.torch import load_file
from skimage import data
from skimage.metrics import peak_signal_noise_ratio as psnr

import pellucid
from pellucid import methods, networks
from pellucid.methods.single_image import starts

RECIPE = Path(__file__).parents[3] / "recipes" / "start"


def noisy(clean: np.ndarray) -> np.ndarray:
    draws = np.random.default_rng(0)
    return (clean + 0.1 * draws.standard_normal(clean.shape)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3])
def test_they_suit_the_network(channels):
    weights = starts.learnt("zs-n2n", channels, color=channels == 3)
    assert weights is not None
    networks.builder("shallow")(channels, channels, width=48).load_state_dict(weights)
    assert all(bool(torch.isfinite(value).all()) for value in weights.values())


def test_who_gets_none():
    assert starts.learnt("zs-n2n", 3, color=False) is None
    assert starts.learnt("zs-n2n", 2, color=False) is None
    assert starts.learnt("zs-n2n", 4, color=True) is None
    assert starts.learnt("dip", 3, color=True) is None


@pytest.mark.parametrize("gray", [False, True])
def test_a_short_fit_is_better_from_them(gray):
    """Pictures of scikit-image are in no training set of them."""
    clean = data.astronaut()[40:104, 180:244].astype(np.float32) / 255
    clean = clean.mean(-1) if gray else clean
    axis = None if gray else -1
    made = {
        start: pellucid.denoise(
            noisy(clean), "zs-n2n", iterations=40, set={"start": start}, channel_axis=axis, seed=1
        )
        for start in ("learnt", "random")
    }
    scores = {start: psnr(clean, estimate, data_range=1) for start, estimate in made.items()}
    assert scores["learnt"] > scores["random"] + 1


@pytest.mark.parametrize(
    ("shape", "changes", "expected"),
    [
        ((3, 32, 32), {}, 5),
        ((1, 32, 32), {}, 5),
        ((2, 32, 32), {}, 20),
        ((3, 32, 32), {"width": 8}, 20),
        ((3, 32, 32), {"start": "random"}, 5),
    ],
)
def test_random_weights_in_their_place_have_more_steps(shape, changes, expected):
    picture = np.random.default_rng(0).random(shape, np.float32)
    words = {"set": {"iterations": 5, **changes}, "channel_axis": 0, "return_result": True}
    assert pellucid.denoise(picture, "zs-n2n", **words).iterations == expected


@pytest.mark.slow
@pytest.mark.parametrize("inner", ["1", "2"])
def test_the_recipe_writes_weights_of_that_shape(inner, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(RECIPE)
    recipe = importlib.import_module("fit")
    sys.modules.pop("fit")
    pictures, out = tmp_path / "pictures", tmp_path / "start.safetensors"
    pictures.mkdir()
    Pillow.fromarray(data.astronaut()[:96, :80]).save(pictures / "one.png")
    words = ["fit.py", "learn", "zs-n2n", str(pictures), "-o", str(out), "--tasks", "3", "--side", "32"]
    monkeypatch.setattr(sys, "argv", [*words, "--inner", inner])
    recipe.main()
    shipped = starts.learnt("zs-n2n", 3, color=True)
    written = load_file(out)
    assert {name: value.shape for name, value in written.items()} == {
        name: value.shape for name, value in shipped.items()
    }
    monkeypatch.setattr(
        sys, "argv", ["fit.py", "compare", "zs-n2n", str(out), str(pictures), "--whole", "4", "--few", "2"]
    )
    recipe.main()
    assert methods.load("zs-n2n").presets["paper"].start == "random"
