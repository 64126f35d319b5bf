"""`--sigma`, `--noise-region`, `--mask`, `--nodata`, `--data-range` on the command line; every hint holds."""

import re
import shlex

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

RNG = np.random.default_rng(0)
COUNTS = (20000 + 20000 * np.linspace(0, 1, 64)[None] + RNG.normal(0, 200, (64, 64))).astype(np.uint16)


@pytest.fixture
def deep(tmp_path):
    tifffile.imwrite(tmp_path / "deep.tif", COUNTS)
    return tmp_path / "deep.tif"


def test_the_hint_for_a_level_in_counts_is_wrong_usage_and_leads_on(run, deep, tmp_path):
    out = tmp_path / "out.tif"
    done = run("denoise", deep, "-o", out, "--method", "nlm", "--sigma", 200)
    assert done.code == 2
    assert not out.exists()
    assert "Traceback" not in done.err
    assert "255" not in done.err.replace("65535", "")
    hint = shlex.split(re.search(r"\((--sigma [^)]*)\)", done.err)[1])
    assert run("denoise", deep, "-o", out, "--method", "nlm", *hint).code == 0
    assert tifffile.imread(out).std() > 1000


def test_a_data_range_below_the_values_is_refused_and_the_hint_leads_on(run, deep, tmp_path):
    out = tmp_path / "out.tif"
    done = run("denoise", deep, "-o", out, "--method", "nlm", "--data-range", 30000)
    assert done.code in (1, 2)
    assert not out.exists()
    assert len(done.err.strip().splitlines()) == 1
    hint = shlex.split(re.search(r"\((--data-range [^)]*)\)", done.err)[1])
    assert run("denoise", deep, "-o", out, "--method", "nlm", *hint).code == 0


def test_levels_by_channel_a_map_and_a_region(run, photo, tmp_path):
    gray = np.asarray(Pillow.open(photo).convert("L"))
    levels = (np.linspace(5, 20, gray.shape[1])[None] * np.ones(gray.shape)).astype(np.float32)
    tifffile.imwrite(tmp_path / "map.tif", levels)
    Pillow.fromarray(gray).save(tmp_path / "gray.png")
    Pillow.fromarray(np.stack([gray, gray // 2, 255 - gray], -1)).save(tmp_path / "rgb.png")
    told = ["--data-range", 255, "--method", "nlm", "--overwrite", "--json"]
    for name, sigma, expected in (
        ("rgb.png", ["--sigma", "20,10,5"], [20, 10, 5]),
        ("gray.png", ["--sigma", tmp_path / "map.tif"], [(levels.astype(float) ** 2).mean() ** 0.5]),
        ("gray.png", ["--noise-region", "0:32,0:32"], None),
    ):
        done = run("denoise", tmp_path / name, "-o", tmp_path / "out.png", *sigma, *told)
        assert done.code == 0, done.err
        found = done.json["noise"]["sigma_file_units"]
        assert expected is None or found == pytest.approx(expected, rel=1e-3)
    done = run("denoise", tmp_path / "rgb.png", "-o", tmp_path / "out.png", "--sigma", "20,10", *told[:5])
    assert done.code == 2
    assert "3 channels" in done.err


def test_masks_and_nodata(run, photo, tmp_path):
    gray = np.asarray(Pillow.open(photo).convert("L")).copy()
    gray[10:20, 10:20] = 7
    mask = np.zeros(gray.shape, np.uint8)
    mask[30:40, 5:50] = 255
    Pillow.fromarray(gray).save(tmp_path / "gray.png")
    Pillow.fromarray(mask).save(tmp_path / "mask.png")
    options = ["--mask", tmp_path / "mask.png", "--nodata", 7, "--method", "nlm", "--json"]
    done = run("denoise", tmp_path / "gray.png", "-o", tmp_path / "out.png", *options)
    assert done.code == 0, done.err
    got = np.asarray(Pillow.open(tmp_path / "out.png"))
    same = (mask > 0) | (gray == 7)
    assert np.array_equal(got[same], gray[same])
    assert (got[~same] != gray[~same]).mean() > 0.3
    assert any("hold the nodata value 7" in warning for warning in done.json["warnings"])
    dem = np.where(np.arange(64) < 20, -9999, RNG.normal(300, 20, (64, 64))).astype(np.float32)
    tifffile.imwrite(tmp_path / "dem.tif", dem)
    for nodata, kept in (("-9999", True), ("auto", True), ("none", True)):  # constant parts always stay
        options = ["--nodata", nodata, "--method", "nlm", "--sigma", 200, "--overwrite"]
        assert run("denoise", tmp_path / "dem.tif", "-o", tmp_path / "out.tif", *options).code == 0
        assert (tifffile.imread(tmp_path / "out.tif")[:, :20] == -9999).all() == kept
    done = run("denoise", tmp_path / "dem.tif", "-o", tmp_path / "out.tif", "--nodata", "sea")
    assert done.code == 2
    assert "nodata must be a number, auto or none" in done.err


def test_scores_count_what_is_known_and_compare_stored_values(run, tmp_path):
    """A reference in bytes of floats that lie in 0 to 200; both with holes."""
    truth = (200 * np.tile(np.linspace(0, 1, 64), (64, 1))).astype(np.float32)
    noisy = truth + RNG.normal(0, 8, truth.shape).astype(np.float32)
    expected = 10 * np.log10(255**2 / ((noisy - truth)[20:] ** 2).mean())
    noisy[:10], clean = np.nan, truth.copy()
    clean[:20] = np.nan
    tifffile.imwrite(tmp_path / "noisy.tif", noisy)
    tifffile.imwrite(tmp_path / "clean.tif", clean)
    Pillow.fromarray(np.rint(truth).astype(np.uint8)).save(tmp_path / "clean.png")
    for name in ("clean.tif", "clean.png"):
        options = ["--method", "nlm", "--overwrite", "--json", "--reference", tmp_path / name]
        done = run("denoise", tmp_path / "noisy.tif", "-o", tmp_path / "out.tif", *options)
        assert done.code == 0, done.err
        assert done.json["noisy_psnr"] == pytest.approx(expected, abs=0.2)
        assert done.json["psnr"] > done.json["noisy_psnr"] + 3


def test_inspect_of_a_region_and_of_holes(run, tmp_path):
    picture = RNG.random((64, 64)).astype(np.float32)
    picture[32:] = 0.5 + RNG.normal(0, 0.05, (32, 64))
    picture[:3] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", picture)
    done = run("inspect", tmp_path / "a.tif", "--noise-region", "33:63,1:63", "--json")
    assert done.json["noise"]["sigma"] == [pytest.approx(0.05, rel=0.05)]
    assert "192 of 4096 pixels are NaN" in done.json["notes"][0]
    assert "192 of 4096 pixels are NaN" in run("inspect", tmp_path / "a.tif").out
    assert run("inspect", tmp_path / "a.tif", "--noise-region", "3").code == 2


def test_inpaint_does_what_the_note_of_holes_promises(run, tmp_path):
    """NaN once was an error that sent to inpaint, which gave the same error."""
    picture = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (64, 1))
    picture[20:24, 20:24] = np.nan
    tifffile.imwrite(tmp_path / "nan.tif", picture)
    Pillow.fromarray((np.isnan(picture) * 255).astype(np.uint8)).save(tmp_path / "mask.png")
    options = ["--mask", tmp_path / "mask.png", "--method", "biharmonic"]
    done = run("inpaint", tmp_path / "nan.tif", "-o", tmp_path / "out.tif", *options)
    assert done.code == 0, done.err
    assert np.isfinite(tifffile.imread(tmp_path / "out.tif")).all()
