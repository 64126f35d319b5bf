"""What the program tells of stacks: `inspect --axes`, `--axis`, the JSON, the page."""

import numpy as np
import pytest
import tifffile
from skimage.data import camera

SIDE, FRAMES = 96, 6


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film that bleaches and flickers, with a frame of nothing: (T, Y, X) in a file that names no axes."""
    clean = np.stack([camera()[90 + t : 90 + t + SIDE, 170 - t : 170 - t + SIDE] for t in range(FRAMES)])
    light = np.array([1.0, 0.9, 0.85, 0.7, 0.65, 0.6])[:, None, None]
    drawn = light * clean + np.random.default_rng(0).normal(0, 8, clean.shape)
    drawn[3] = 0
    path = tmp_path_factory.mktemp("film") / "film.tif"
    tifffile.imwrite(path, drawn.round().clip(0, 255).astype(np.uint8))
    return path


def test_inspect_tells_what_goes_on_along_the_axis(run, film):
    done = run("inspect", film, "--axes", "TYX")
    assert done.code == 0
    assert "Along T, 6 frames: noise of standard deviation" in done.out
    assert "Nothing is seen in frame 4." in done.out
    (along,) = run("inspect", film, "--axes", "TYX", "--json").json["along"]
    assert along["axis"] == "t"
    assert along["blank"] == [4]
    assert along["scenes"] == [[1, 2, 3], [4], [5, 6]]
    assert along["light"][2] == pytest.approx(0.85, abs=0.03)
    np.testing.assert_allclose(along["mean_file_units"], tifffile.imread(film).mean((1, 2)), rtol=1e-4)


def test_axis_overrules_in_inspect_as_in_denoise(run, film, tmp_path):
    told = run("inspect", film, "--axes", "TYX", "--axis", "t", "--json").json
    assert told["method"] == "vbm3d"
    assert run("inspect", film, "--axes", "TYX", "--axis", "none", "--json").json["method"] != "vbm3d"
    done = run("denoise", film, "-o", tmp_path / "out.tif", "--axes", "TYX", "--axis", "t", "--json").json
    assert done["method"] == "vbm3d"
    assert done["along"] == told["along"]
    wrong = run("inspect", film, "--axes", "TYX", "--axis", "z")
    assert wrong.code != 0
    assert "must be an axis of several slices" in wrong.err


def test_the_page_shows_it(run, film, tmp_path):
    page = tmp_path / "page.html"
    given = ("--axes", "TYX", "--axis", "none", "--effort", "quick", "--report", page)
    assert run("denoise", film, "-o", tmp_path / "out.tif", *given).code == 0
    text = page.read_text()
    assert "<h2>Along T</h2>" in text
    assert "mean of the values of each frame, from 0 to" in text


def test_a_picture_has_no_axis_and_wrong_axes_are_one_clear_error(run, photo, film):
    assert run("inspect", photo, "--json").json["along"] == []
    done = run("inspect", film, "--axes", "TZYX")
    assert done.code == 1
    assert "axes must name the 3 axes" in done.err
