"""Marks on photographs: drawn ones are found, pictures without any stay as they are."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from skimage import data

from pellucid.damage import marks
from pellucid.damage.candidates import candidates

sys.path.insert(0, str(Path(__file__).parents[2] / "recipes" / "marks"))
from drawn import damaged

WHOLE = (
    "astronaut",
    "coffee",
    "chelsea",
    "camera",
    "brick",
    "moon",
    "page",
    "text",
    "immunohistochemistry",
    "coins",
)


def pixels(picture):
    """(C, H, W) of one that scikit-image ships."""
    plain = np.atleast_3d(picture)[..., :3].astype(np.float32) / 255
    return np.ascontiguousarray(plain.transpose(2, 0, 1))


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_without_damage_has_an_empty_mask(name):
    found = marks.find(pixels(getattr(data, name)()))
    assert not found.mask.any()
    assert found.words == "no marks"


@pytest.mark.parametrize(("name", "seed"), [("astronaut", 1), ("coffee", 2), ("chelsea", 1)])
def test_drawn_damage_is_found_and_little_else(name, seed):
    clean = getattr(data, name)().astype(np.float32) / 255
    worn, truth, light = damaged(clean, np.random.default_rng(seed), grain=0.01)
    found = marks.find(worn.transpose(2, 0, 1))
    assert found.mask[truth].mean() > 0.6
    assert found.mask[~binary_dilation(truth, iterations=3)].mean() < 0.02
    assert (found.light if light else found.dark) >= 5
    same = marks.find(worn.transpose(2, 0, 1), kinds=("dark",) if light else ("light",), sensitivity=0)
    assert same.mask[truth].mean() < 0.1


def test_units_and_flat_pictures_do_not_matter():
    worn, _, _ = damaged(data.coffee().astype(np.float32) / 255, np.random.default_rng(2), grain=0.01)
    planes = worn.transpose(2, 0, 1)
    assert np.array_equal(marks.find(planes * 255).mask, marks.find(planes).mask)
    for flat in (np.zeros((3, 30, 30), np.float32), np.ones((1, 4, 4), np.float32)):
        assert not marks.find(flat).mask.any()


def test_sensitivity_only_adds():
    worn, _, _ = damaged(data.chelsea().astype(np.float32) / 255, np.random.default_rng(1), grain=0.01)
    planes = worn.transpose(2, 0, 1)
    masks = [marks.find(planes, sensitivity=s).mask for s in (0.0, 0.5, 1.0)]
    assert not (masks[0] & ~masks[1]).any()
    assert not (masks[1] & ~masks[2]).any()
    assert masks[2].sum() > masks[0].sum()


def test_a_bright_line_is_a_candidate_with_its_length_and_contrast():
    picture = np.tile(np.linspace(0, 0.4, 80, dtype=np.float32), (60, 1))[None].copy()
    picture[0, 30, 10:70] = 1.0
    found = candidates(picture, light=True)
    assert len(found.places) == 1
    names = ("contrast", "beyond", "local", "uneven", "area", "extent")
    figures = dict(zip(names, found.figures[0], strict=False))
    assert np.exp(figures["area"]) == pytest.approx(60, abs=1)
    assert np.exp(figures["extent"]) == pytest.approx(60, abs=1)
    assert figures["beyond"] > 0.5
    assert len(candidates(picture, light=False).places) == 0
