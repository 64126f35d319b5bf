"""Wrong usage is exit 2, a failed input is exit 1; one clear line each, no traceback, no partial file."""

import numpy as np
import pytest
from PIL import Image as Pillow

from pellucid.cli import batch


def one_line(done) -> str:
    lines = [
        line for line in done.err.strip().splitlines() if " inputs: " not in line
    ]  # the counts of a batch
    assert len(lines) == 1, done.err
    assert "Traceback" not in done.err
    return lines[0]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--method", "bm3dd"], "Did you mean 'bm3d'"),
        (["--method", "nlm", "--model", "x.pth"], "model does not apply to method nlm"),
        (["--method", "median", "--sigma", "0.1"], "sigma does not apply to method median"),
        (["--method", "nlm", "--stop", "plateau"], "stop does not apply"),
        (["--method", "nlm", "--iterations", "3"], "iterations does not apply"),
        (["--method", "nlm", "--set", "patch_size=big"], "patch_size must be a whole number"),
        (["--method", "nlm", "--set", "patch"], "--set expects field=value"),
        (["--sigma", "25"], "--sigma 25 --data-range 255"),
        (["--format", "pcx"], "format must be one of"),
        (["--device", "abacus"], "device must be"),
        (["--level", "best"], "level must be one of"),
        (["--method", "dip", "--stop", "never"], "stop must be one of"),
    ],
)
def test_wrong_usage(run, photo, tmp_path, flags, expected):
    done = run("denoise", photo, "-o", tmp_path / "out.png", *flags)
    assert done.code == 2
    assert expected in one_line(done)
    assert done.out == ""
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    "arguments", [["denoise"], ["denoise", "a.png"], ["denoise", "a.png", "-o", "b", "--what"]]
)
def test_wrong_command_line(run, arguments):
    done = run(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.err


def test_a_name_that_begins_with_a_dash_is_a_file(run, photo, tmp_path, monkeypatch):
    photo.rename(tmp_path / "-photo.png")
    monkeypatch.chdir(tmp_path)
    done = run("denoise", "-photo.png", "-o", "-clean.png", "--method", "median")
    assert done.code == 0
    assert (tmp_path / "-clean.png").exists()
    assert run("denoise", "-missing.png", "-o", "x.png").code == 2


def test_an_input_is_not_its_own_output_unasked(run, photo, photos, tmp_path):
    given = {path: path.read_bytes() for path in (photo, *photos)}
    (tmp_path / "link").symlink_to(photo.parent)
    for output in (photo, tmp_path / "link" / photo.name):
        done = run("denoise", photo, "-o", output, "--method", "median")
        assert done.code == 1
        assert "is the input itself. Name another output" in one_line(done)
    done = run("denoise", photos[0].parent, "-o", photos[0].parent, "--method", "median")
    assert done.code == 1
    assert done.err.count("is the input itself") == len(photos)
    assert {path: path.read_bytes() for path in given} == given


def test_unknown_flag_uncertainty_is_wrong_usage(run, photo, tmp_path):
    done = run("denoise", photo, "-o", tmp_path / "o.png", "--uncertainty", tmp_path / "u.tif")
    assert done.code == 2


def test_bad_inputs_do_not_stop_the_others(run, photos, tmp_path):
    broken, missing, text = tmp_path / "broken.png", tmp_path / "missing.png", tmp_path / "text.png"
    broken.write_bytes(photos[0].read_bytes()[:200])
    text.write_text("no picture")
    nan = tmp_path / "nan.npy"
    np.save(nan, np.full((8, 8), np.nan, dtype=np.float32))
    bad = [broken, missing, text, nan]
    out = tmp_path / "out"
    inputs = [bad[0], photos[0], *bad[1:], photos[1]]
    done = run("denoise", *inputs, "-o", out, "--method", "nlm", "--json")
    assert done.code == 1
    assert len(done.err.strip().splitlines()) == len(bad) + 1  # and the counts of the batch
    assert "Traceback" not in done.err
    failed = [r["input"] for r in done.json if "error" in r]
    assert failed == [str(p) for p in bad]
    assert sorted(p.name for p in out.glob("*.png")) == ["a.png", "b.png"]


def test_one_failed_input(run, tmp_path):
    done = run("denoise", tmp_path / "missing.png", "-o", tmp_path / "o.png", "--json")
    assert done.code == 1
    assert "missing.png" in one_line(done)
    assert list(done.json) == ["input", "error"]


def test_existing_output_needs_overwrite(run, photo, tmp_path):
    out = tmp_path / "out.png"
    out.write_bytes(b"precious")
    done = run("denoise", photo, "-o", out, "--method", "nlm")
    assert done.code == 1
    assert "--overwrite" in one_line(done)
    assert out.read_bytes() == b"precious"
    assert run("denoise", photo, "-o", out, "--method", "nlm", "--overwrite").code == 0
    assert out.read_bytes()[:4] == b"\x89PNG"


def test_names_that_clash(run, photos, tmp_path):
    other = tmp_path / "a.jpg"
    Pillow.open(photos[0]).save(other)
    done = run("denoise", photos[0], other, "-o", tmp_path / "out")
    assert done.code == 2
    assert "both be written to" in one_line(done)
    assert not (tmp_path / "out").exists()


def test_several_inputs_into_a_file(run, photos, tmp_path):
    done = run("denoise", *photos, "-o", tmp_path / "out.png")
    assert done.code == 2
    assert "-o must be a folder for 3 inputs" in one_line(done)


def test_missing_output_folder(run, photo, tmp_path):
    done = run("denoise", photo, "-o", tmp_path / "none" / "out.png", "--method", "nlm")
    assert done.code == 1
    assert "does not exist" in one_line(done)
    assert not (tmp_path / "none").exists()


def test_shots_of_different_sizes(run, photos, tmp_path):
    small = tmp_path / "small.png"
    Pillow.open(photos[0]).crop((0, 0, 32, 32)).save(small)
    done = run("denoise", photos[0], small, "--shots", "-o", tmp_path / "o.png", "--method", "nlm")
    assert done.code == 1
    assert "shots must have one size" in one_line(done)


def test_reference_of_another_shape(run, photo, photos, tmp_path):
    small = tmp_path / "small.png"
    Pillow.open(photo).crop((0, 0, 32, 32)).save(small)
    done = run("denoise", photo, "-o", tmp_path / "o.png", "--method", "nlm", "--reference", small)
    assert done.code == 1
    assert "reference" in one_line(done)
    assert not (tmp_path / "o.png").exists()


def test_debug_shows_the_traceback(run, tmp_path):
    done = run("denoise", tmp_path / "missing.png", "-o", tmp_path / "o.png", "--debug")
    assert done.code == 1
    assert "Traceback" in done.err


def test_an_unexpected_error_names_its_type_and_does_not_stop_the_others(run, photos, tmp_path, monkeypatch):
    true = batch.run

    def fails_on_a(state):
        if state.job.inputs[0].name == "a.png":
            raise KeyError("lost")
        return true(state)

    monkeypatch.setattr(batch, "run", fails_on_a)
    done = run("denoise", *photos, "-o", tmp_path / "out", "--method", "nlm", "--json")
    assert done.code == 1
    assert "KeyError: 'lost' (--debug shows where)" in one_line(done)
    assert sorted(p.name for p in (tmp_path / "out").glob("*.png")) == ["b.png", "c.png"]


def test_an_interrupt_writes_what_is_done_and_stops_the_batch(run, photos, tmp_path, monkeypatch):
    true = batch.run

    def interrupted_at_b(state):
        if state.job.inputs[0].name == "b.png":
            raise KeyboardInterrupt
        return true(state)

    monkeypatch.setattr(batch, "run", interrupted_at_b)
    done = run("denoise", *photos, "-o", tmp_path / "out", "--method", "nlm", "--json")
    assert done.code == 1
    assert [("error" in r) for r in done.json] == [False, True]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.png", "pellucid.jsonl"]
