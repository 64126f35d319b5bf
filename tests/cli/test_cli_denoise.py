"""`pellucid denoise`: files, JSON, exit codes."""

import math

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

KEYS = ["input", "output", "method", "reason", "seconds", "iterations", "stopped_by"]
KEYS += ["seed", "device", "noise", "prepared", "along", "trust", "warnings"]


def array(path) -> np.ndarray:
    with Pillow.open(path) as picture:
        return np.asarray(picture)


def test_one_line_gives_a_better_file(run, photo, clean, tmp_path):
    out = tmp_path / "clean.png"
    done = run("denoise", photo, "-o", out, "--method", "nlm")
    assert done.code == 0
    assert done.out.startswith(f"{out}: nlm (")
    assert done.err == ""  # quiet when piped
    with Pillow.open(out) as picture:
        assert picture.size == (64, 64)
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    before = peak_signal_noise_ratio(array(clean), array(photo))
    after = peak_signal_noise_ratio(array(clean), array(out))
    assert after > before + 5


def test_default_method_denoises(run, photo, clean, tmp_path):
    done = run("denoise", photo, "-o", tmp_path / "out.png", "--json", "--reference", clean)
    assert done.code == 0
    assert done.json["psnr"] > done.json["noisy_psnr"] + 5
    assert done.json["method"] != "none"
    assert done.json["reason"]


def test_json_of_one_input_is_an_object(run, photo, tmp_path):
    done = run("denoise", photo, "-o", tmp_path / "out.png", "--method", "nlm", "--json", "--seed", 5)
    record = done.json
    assert list(record) == KEYS
    assert list(record["noise"]) == ["sigma", "sigma_file_units", "gain", "correlated", "clipped"]
    assert list(record["noise"]["correlated"]) == ["flag", "length_px"]
    assert record["method"] == "nlm"
    assert record["seed"] == 5
    assert record["input"] == str(photo)
    assert record["output"] == str(tmp_path / "out.png")
    assert np.mean(record["noise"]["sigma_file_units"]) == pytest.approx(25, rel=0.2)
    ratio = np.divide(record["noise"]["sigma_file_units"], record["noise"]["sigma"])
    assert ratio == pytest.approx(255)


def test_several_inputs_go_to_a_folder_and_a_list(run, photos, tmp_path):
    done = run("denoise", *photos, "-o", tmp_path / "new" / "out", "--method", "nlm", "--json")
    assert done.code == 0
    assert [r["input"] for r in done.json] == [str(p) for p in photos]
    written = sorted(p.name for p in (tmp_path / "new" / "out").iterdir())
    assert written == ["a.png", "b.png", "c.png", "pellucid.jsonl"]


def test_stated_level_in_both_units_is_the_same(run, photo, tmp_path):
    a, b = tmp_path / "a.png", tmp_path / "b.png"
    assert run("denoise", photo, "-o", a, "--method", "nlm", "--sigma", 0.1).code == 0
    assert run("denoise", photo, "-o", b, "--method", "nlm", "--sigma", 25.5, "--data-range", 255).code == 0
    assert (array(a) == array(b)).all()


def test_reference_scores_are_those_of_the_written_file(run, photo, clean, tmp_path):
    plain, scored = tmp_path / "plain.png", tmp_path / "scored.png"
    run("denoise", photo, "-o", plain, "--method", "nlm")
    done = run("denoise", photo, "-o", scored, "--method", "nlm", "--json", "--reference", clean)
    assert plain.read_bytes() == scored.read_bytes()
    truth, ours, noisy = array(clean), array(scored), array(photo)
    for key, image in (("", ours), ("noisy_", noisy)):
        assert done.json[f"{key}psnr"] == pytest.approx(peak_signal_noise_ratio(truth, image), abs=1e-3)
        expected = structural_similarity(
            truth, image, channel_axis=-1, gaussian_weights=True, use_sample_covariance=False, sigma=1.5
        )
        assert done.json[f"{key}ssim"] == pytest.approx(expected, abs=2e-3)


def test_references_by_wildcard_and_by_folder(run, photos, clean, tmp_path):
    truths = tmp_path / "truths"
    truths.mkdir()
    for path in photos:
        (truths / path.name).write_bytes(clean.read_bytes())
    listed = [truths / p.name for p in photos]
    common = ["denoise", *photos, "-o", tmp_path / "out", "--method", "nlm", "--json", "--overwrite"]
    a = run(*common, "--reference", *listed)
    b = run(*common, "--reference", truths)
    assert a.code == b.code == 0
    assert [r["psnr"] for r in a.json] == [r["psnr"] for r in b.json]
    assert run(*common, "--reference", *listed[:2]).code == 2


def test_a_perfect_score_is_null(run, photo, tmp_path):
    done = run(
        "denoise",
        photo,
        "-o",
        tmp_path / "o.png",
        "--method",
        "nlm",
        "--sigma",
        0,
        "--json",
        "--reference",
        photo,
    )
    assert done.json["psnr"] is None
    assert done.json["ssim"] == 1.0
    assert done.json["method"] == "none"
    assert (array(photo) == array(tmp_path / "o.png")).all()


def test_a_clean_image_comes_back_unchanged(run, clean, tmp_path):
    smooth = np.full((64, 64), 120, dtype=np.uint8)
    smooth[20:40, 20:40] = 200
    path = tmp_path / "flat.png"
    Pillow.fromarray(smooth).save(path)
    done = run("denoise", path, "-o", tmp_path / "o.png", "--json")
    assert done.json["method"] == "none"
    assert done.json["reason"]
    assert (array(tmp_path / "o.png") == smooth).all()


def test_jpeg_comes_back_as_png_unless_asked(run, photos, tmp_path):
    path = tmp_path / "photo.jpg"
    Pillow.open(photos[0]).save(path, quality=98)
    out = tmp_path / "out"
    assert run("denoise", path, photos[1], "-o", out, "--method", "nlm").code == 0
    assert (out / "photo.png").read_bytes()[:4] == b"\x89PNG"
    done = run("denoise", path, photos[1], "-o", out, "--method", "nlm", "--format", "jpeg", "--json")
    assert done.code == 0
    for name in ("photo.jpg", "b.jpg"):
        with Pillow.open(out / name) as picture:
            assert picture.format == "JPEG"
    assert any("JPEG" in w for w in done.json[0]["warnings"])
    one = tmp_path / "one.jpeg"
    assert run("denoise", path, "-o", one, "--method", "nlm").code == 0
    assert one.read_bytes()[:3] == b"\xff\xd8\xff"


def test_shots_are_averaged(run, photos, clean, tmp_path):
    out = tmp_path / "scene.png"
    done = run("denoise", *photos, "--shots", "-o", out, "--method", "nlm", "--json", "--reference", clean)
    assert done.code == 0
    assert done.json["input"] == [str(p) for p in photos]
    assert done.json["reason"].startswith("3 shots, in register as they were: ")
    mean = np.mean([array(p).astype(float) for p in photos], axis=0)
    truth = array(clean).astype(float)
    expected = 10 * math.log10(255**2 / np.mean((mean - truth) ** 2))
    assert done.json["noisy_psnr"] == pytest.approx(expected, abs=0.01)
    assert done.json["psnr"] > expected + 2


def test_report_is_written(run, photo, tmp_path):
    page = tmp_path / "report.html"
    done = run("denoise", photo, "-o", tmp_path / "o.png", "--method", "nlm", "--report", page)
    assert done.code == 0
    assert page.read_text().lstrip().lower().startswith("<!doctype html")


def test_iterative_method_stops_by_budget(run, photo, tmp_path):
    small = ["--set", "ema=0.5"]
    done = run(
        "denoise", photo, "-o", tmp_path / "o.png", "--method", "dip", "--iterations", 3, *small, "--json"
    )
    assert done.code == 0
    assert done.json["iterations"] == 3
    assert done.json["stopped_by"] == "iterations"
    ruled = run(
        "denoise", photo, "-o", tmp_path / "p.png", "--method", "dip", "--stop", "iterations:2", "--json"
    )
    assert ruled.json["iterations"] == 2
