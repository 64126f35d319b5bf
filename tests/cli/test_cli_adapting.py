"""--adapt from the command line: JSON, notes, exit codes."""

import pytest
from cli_pictures import noisy_array
from PIL import Image as Pillow

from shipping import ship


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.png"
    Pillow.fromarray(noisy_array()).resize((96, 96), Pillow.Resampling.NEAREST).save(path)
    return path


def test_adapt_is_told_in_json_and_on_stderr(run, shelf, large, tmp_path):
    model = ship(tmp_path / "own", channels=1)
    done = run(
        "denoise", large, "-o", tmp_path / "a.png", "--model", model, "--adapt", 60, "--json",
        "--set", "adapt.steps=2", "--sigma", 0.08,
    )  # fmt: skip
    assert done.code == 0, done.err
    told = done.json["adapt"]
    assert set(told) == {"kept", "before", "after", "error", "pixels", "steps", "seconds", "interrupted"}
    assert told["steps"] == 2
    assert done.json["warnings"][0] in done.err
    assert "to this image after 2 steps" in done.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--adapt", 5], "auto takes none. Name one with model (--model FILE)"),
        (["--method", "bm3d", "--adapt", 5], "does not apply to method bm3d"),
        (["--method", "nlm", "--set", "adapt.steps=3"], "nothing asks for that"),
    ],
)
def test_inapplicable_is_exit_2_and_one_line(run, shelf, photo, tmp_path, flags, words):
    done = run("denoise", photo, "-o", tmp_path / "a.png", *flags)
    assert done.code == 2
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not (tmp_path / "a.png").exists()
