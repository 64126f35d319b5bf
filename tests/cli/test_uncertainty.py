"""`--uncertainty`: a map in the units of the input, or a plain refusal before any work."""

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

import pellucid

QUICK = ["--method", "self2self", "--iterations", 2, "--set", "width=4", "--set", "predictions=4"]


def test_tiff_holds_the_map_of_python_in_the_units_of_the_file(run, photo, tmp_path):
    out, spread = tmp_path / "out.png", tmp_path / "spread.tif"
    done = run("denoise", photo, "-o", out, *QUICK, "--uncertainty", spread, "--json")
    assert done.code == 0, done.err
    assert done.json["uncertainty"] == str(spread)
    found = tifffile.imread(spread)
    assert found.dtype == np.float32
    assert found.shape == (64, 64, 3)
    result = pellucid.denoise(
        pellucid.read(photo),
        "self2self",
        iterations=2,
        set={"width": 4, "predictions": 4},
        return_result=True,
    )
    expected = result.extras["uncertainty"]
    assert expected.shape == (3, 64, 64)
    assert np.allclose(np.moveaxis(found, -1, 0), 255 * expected, atol=1e-3)


def test_png_is_scaled_and_says_how(run, photo, tmp_path):
    spread = tmp_path / "spread.png"
    done = run("denoise", photo, "-o", tmp_path / "out.png", *QUICK, "--uncertainty", spread, "--json")
    assert done.code == 0, done.err
    with Pillow.open(spread) as picture:
        assert picture.size == (64, 64)
    assert any("white stands for a standard deviation of" in text for text in done.json["warnings"])
    largest = pellucid.read(spread).pixels.max()
    assert largest == pytest.approx(1)


def test_several_inputs_have_their_maps_in_a_folder(run, photos, tmp_path):
    folder = tmp_path / "maps"
    done = run("denoise", *photos, "-o", tmp_path / "clean", *QUICK, "--uncertainty", folder)
    assert done.code == 0, done.err
    assert sorted(p.name for p in folder.iterdir()) == ["a.tif", "b.tif", "c.tif"]


@pytest.mark.parametrize("name", ["auto", "nlm"])
def test_a_method_without_one_is_refused_before_any_work(run, photo, tmp_path, name):
    out = tmp_path / "out.png"
    done = run("denoise", photo, "-o", out, "--method", name, "--uncertainty", tmp_path / "spread.tif")
    assert done.code == 2
    assert f"got {name}" in done.err
    assert "--method self2self" in done.err
    assert not out.exists()


def test_a_format_that_cannot_hold_it_is_refused(run, photo, tmp_path):
    done = run("denoise", photo, "-o", tmp_path / "out.png", *QUICK, "--uncertainty", tmp_path / "spread.jpg")
    assert done.code == 2
    assert ".tif, .npy or .png" in done.err
