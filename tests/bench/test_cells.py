"""One cell: what is scored, what is skipped and why, what is an error, and that nothing is left to chance."""

import shlex
import sys

import numpy as np
import pytest
from bench_pictures import clean_set, noisy, pair_set, save, truth
from skimage.metrics import peak_signal_noise_ratio

from pellucid import files


def test_a_row_is_scored_from_the_written_file(cell, tmp_path):
    pair_set(tmp_path / "data")
    row = cell("CC15", "scene1", "nlm")
    assert row["file"] == "images/CC15/scene1/crop-full/seed-0/nlm.fast.png"
    written = files.to_array(files.read(tmp_path / "results" / row["file"]))
    assert written.dtype == np.uint8
    assert row["psnr"] == pytest.approx(peak_signal_noise_ratio(truth(1), written), abs=1e-6)
    assert row["noisy_psnr"] == pytest.approx(peak_signal_noise_ratio(truth(1), noisy(1)), abs=1e-6)
    assert row["psnr"] > row["noisy_psnr"] + 2
    assert row["seconds"] > 0
    assert row["cpu_seconds"] > 0
    assert row["peak_mb"] > 50
    assert row["iterations"] == 1


def test_a_row_holds_what_the_user_of_the_method_is_told(cell, tmp_path):
    clean_set(tmp_path / "data", 1)
    row = cell("Set9:gaussian:25", "picture0", "dip+iterations=2")
    assert any("the fit has hardly begun" in text for text in row["warnings"])


def test_the_same_cell_twice_has_the_same_bits(cell, tmp_path):
    clean_set(tmp_path / "data", 1)
    for method in ("zs-n2n+iterations=5", "wavelet"):
        a = cell("Set9:gaussian:25", "picture0", method)
        b = cell("Set9:gaussian:25", "picture0", method, out=str(tmp_path / "again"))
        one, two = ((tmp_path / n / a["file"]).read_bytes() for n in ("results", "again"))
        assert one == two
        assert [a[k] for k in ("psnr", "ssim", "noisy_psnr")] == [
            b[k] for k in ("psnr", "ssim", "noisy_psnr")
        ]
    other = cell("Set9:gaussian:25", "picture0", "zs-n2n+iterations=5", seed=1)
    assert other["psnr"] != cell("Set9:gaussian:25", "picture0", "zs-n2n+iterations=5")["psnr"]


def test_noisy_is_the_input_as_results_are_stored(cell, tmp_path):
    clean_set(tmp_path / "data", 1)
    row = cell("Set9:gaussian:60", "picture0", "noisy", preset="")
    assert row["file"].endswith("/noisy.own.png")
    assert row["noisy_psnr"] == pytest.approx(20 * np.log10(255 / 60), abs=0.3)
    assert row["psnr"] > row["noisy_psnr"]  # clipped on writing


def test_oracles(cell, tmp_path):
    clean_set(tmp_path / "data", 1)
    told = cell("Set9:gaussian:25", "picture0", "nlm@sigma")
    assert told["psnr"] > 22
    best = cell("Set9:gaussian:25", "picture0", "zs-n2n+iterations=63@best")
    last = cell("Set9:gaussian:25", "picture0", "zs-n2n+iterations=63+stop=iterations:63")
    assert best["psnr"] >= last["psnr"] - 1e-3  # the error is compared before rounding
    assert best["stopped"] == "best of 63 (oracle)"
    assert 1 <= best["iterations"] <= 63


def test_what_does_not_apply_is_skipped_with_the_reason(cell, tmp_path):
    pair_set(tmp_path / "data")
    save(noisy(), tmp_path / "data" / "RNI15" / "a.png")
    save(truth()[..., 0], tmp_path / "data" / "Set12" / "01.png")
    for set_, image, method, words in (
        ("CC15", "scene0", "n2n", "weights not at hand"),
        ("CC15", "scene0", "dncnn", "dncnn+model=FILE"),
        ("CC15", "scene0", "model:none-such", "weights not at hand"),
        ("CC15", "scene0", "nlm+shots=2", "2 shots are needed"),
        ("Set12:gaussian:25", "01", "nlm+shots=all", "say how many, e.g. +shots=2"),
        ("CC15", "scene0", "biharmonic", "does not denoise"),
        ("CC15", "scene0", "nlm@best", "iterate"),
        ("CC15", "scene0", "median@sigma", "no noise level"),
        ("CC15", "scene9", "nlm", "holds no scene9"),
        ("RNI15", "a", "nlm@sigma", "needs the truth"),
        ("Set12:gaussian:15", "01", "model:swift-color", "3 channels"),
        ("CC15", "scene0", "peer:none-such", "peer"),
    ):
        row = cell(set_, image, method)
        assert words in row.get("skipped", ""), (method, row)
        assert "psnr" not in row


def test_a_set_without_truth_has_results_and_no_scores(cell, tmp_path):
    save(noisy(), tmp_path / "data" / "RNI15" / "a.png")
    row = cell("RNI15", "a", "nlm")
    assert (tmp_path / "results" / row["file"]).is_file()
    assert row["psnr"] is row["ssim"] is row["clean"] is row["noisy_psnr"] is None


def test_whatever_a_method_raises_is_one_line(cell, tmp_path, monkeypatch, capsys):
    pair_set(tmp_path / "data")
    monkeypatch.setattr("pellucid.bench.execute.run", lambda *_: 1 / 0)
    assert cell("CC15", "scene0", "nlm")["error"] == "ZeroDivisionError: division by zero"
    assert "Traceback" in capsys.readouterr().err
    assert "patch_sise" in cell("CC15", "scene0", "nlm+patch_sise=3")["error"]


def test_two_shots_help(cell, tmp_path):
    clean_set(tmp_path / "data", 1)
    one, two = (cell("Set9:gaussian:25", "picture0", f"noisy{s}", preset="") for s in ("", "+shots=2"))
    assert two["psnr"] == pytest.approx(one["psnr"] + 3, abs=0.5)


def test_models_and_trained_methods(cell, tmp_path):
    pair_set(tmp_path / "data")
    row = cell("CC15", "scene0", "model:swift-color", preset="")
    assert row["psnr"] > row["noisy_psnr"] + 2
    same = cell("CC15", "scene0", "n2n+model=swift-color", preset="")
    assert same["psnr"] == row["psnr"]


def test_peers_run_as_commands_on_the_same_files(cell, tmp_path):
    clean_set(tmp_path / "data", 1)
    code = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
    own = {"preset": "", "peers": [f"copy={sys.executable} -S -c {shlex.quote(code)} {{in}} {{out}}"]}
    row = cell("Set9:gaussian:25", "picture0", "peer:copy", **own)
    assert row["psnr"] == cell("Set9:gaussian:25", "picture0", "noisy", preset="")["psnr"]
    assert row["start_up"]
    assert 0 < row["peak_mb"] < 200
    assert "takes no level" in cell("Set9:gaussian:25", "picture0", "peer:copy@sigma", **own)["skipped"]
    own["peers"] = [f"bad={sys.executable} -c 'import sys; sys.exit(3)' {{in}} {{out}}"]
    assert "exit code 3" in cell("Set9:gaussian:25", "picture0", "peer:bad", **own)["error"]
