"""`pellucid denoise` with shots and near-clean images: files, JSON, refusals."""

import numpy as np
import pytest
from cli_pictures import clean_array, noisy_array
from PIL import Image as Pillow
from skimage.data import coffee


@pytest.fixture
def shots(tmp_path):
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for i, path in enumerate(paths):
        Pillow.fromarray(noisy_array(seed=i)).save(path)
    return paths


def test_shots_are_averaged_and_said_so(run, shots, clean, tmp_path):
    common = ["-o", tmp_path / "o.png", "--method", "nlm", "--json", "--reference", clean]
    done = run("denoise", *shots, "--shots", *common)
    assert done.code == 0
    assert done.json["reason"].startswith("2 shots")
    assert done.json["shots"][0]["shift"] == [0.0, 0.0]
    assert np.mean(done.json["noise"]["sigma_file_units"]) == pytest.approx(25 / np.sqrt(2), rel=0.25)
    assert done.json["psnr"] > done.json["noisy_psnr"]


def test_another_scene_is_refused(run, tmp_path):
    for name, array in (("a.png", noisy_array(sigma=5)), ("b.png", coffee()[150:214, 200:264])):
        Pillow.fromarray(np.ascontiguousarray(array)).save(tmp_path / name)
    done = run("denoise", tmp_path / "a.png", tmp_path / "b.png", "--shots", "-o", tmp_path / "o.png")
    assert done.code == 1
    assert "b.png correlates by" in done.err
    assert not (tmp_path / "o.png").exists()


def test_rs_dip_takes_several_inputs_as_shots_and_reports_what_to_compare_with(run, shots, clean, tmp_path):
    out = tmp_path / "o.png"
    flags = ["--method", "rs-dip", "--near-clean", "nlm", "--iterations", 3, "--json", "--reference", clean]
    record = run("denoise", *shots, "-o", out, *flags).json
    assert out.exists()
    assert [entry["method"] for entry in record["near_clean"]] == ["nlm", "nlm"]
    assert record["average_then_denoise"]["method"] == "nlm"
    figures = [*(e["psnr"] for e in record["near_clean"]), record["average_then_denoise"]["psnr"]]
    assert min(figures) > record["noisy_psnr"] - 5
    assert record["gain_over_mean"] == pytest.approx(record["psnr"] - record["mean"]["psnr"], abs=1e-3)


def test_rs_dip_takes_one_picture_and_two_names(run, photo, tmp_path):
    flags = ["--method", "rs-dip", "--near-clean", "nlm,wavelet", "--iterations", 2, "--json"]
    record = run("denoise", photo, "-o", tmp_path / "o.png", *flags).json
    assert record["near_clean"] == [{"method": "nlm"}, {"method": "wavelet"}]
    assert record["mean"] == {}
    assert record["average_then_denoise"] is None
    assert "gain_over_mean" not in record
    assert "shots" not in record


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--method", "nlm", "--near-clean", "bm3d"], "near_clean does not apply to method nlm"),
        (["--near-clean", "bm3d"], "near_clean does not apply to method auto"),
        (["--method", "rs-dip", "--near-clean", "bm3d"], "near_clean needs two names for one shot"),
        (["--method", "rs-dip", "--near-clean", "bm3d,nlmm"], "Did you mean 'nlm'"),
    ],
)
def test_wrong_use_is_exit_2(run, photo, tmp_path, flags, expected):
    done = run("denoise", photo, "-o", tmp_path / "o.png", *flags)
    assert done.code == 2
    assert expected in done.err


def test_a_perfect_result_has_no_figure(run, tmp_path):
    """JSON holds no infinity: a score of the reference against itself is null."""
    Pillow.fromarray(clean_array()).save(tmp_path / "c.png")
    flags = ["--method", "rs-dip", "--sigma", 0, "--json", "--reference", tmp_path / "c.png"]
    done = run("denoise", tmp_path / "c.png", "-o", tmp_path / "o.png", *flags)
    assert done.json["psnr"] is None
    assert done.json["method"] == "none"
