"""Folders and patterns in, folders out: laid out alike, skipped where done; a bad file costs itself alone."""

from __future__ import annotations

import shutil

import pytest

from pellucid.cli.gather import gather
from pellucid.request import Output

QUICK = ("--method", "median")


@pytest.fixture
def tree(photo, tmp_path):
    """A folder with two pictures, one deeper, a hidden one, and a text."""
    root = tmp_path / "in"
    for name in ("a.png", "b.png", "deep/er/c.png", ".hidden/d.png", "deep/.e.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, root / name)
    (root / "notes.txt").write_text("no picture")
    return root


def files(folder):
    """All files but the manifest of a batch."""
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    return sorted(name for name in found if name != "pellucid.jsonl")


def test_a_folder_gives_its_pictures(run, tree, tmp_path):
    done = run("denoise", tree, "-o", tmp_path / "out", *QUICK)
    assert done.code == 0, done.err
    assert files(tmp_path / "out") == ["a.png", "b.png"]
    assert "2 inputs: 2 written" in done.err


def test_recursive_repeats_the_layout_and_adds_the_suffix(run, tree, tmp_path):
    done = run("denoise", tree, "-o", tmp_path / "out", "--recursive", "--suffix", "_clean", *QUICK)
    assert done.code == 0, done.err
    assert files(tmp_path / "out") == ["a_clean.png", "b_clean.png", "deep/er/c_clean.png"]


def test_an_output_folder_within_the_input_is_no_input(run, tree):
    for _ in range(2):
        done = run("denoise", tree, "-o", tree / "out", "--recursive", "--overwrite", *QUICK)
        assert done.code == 0, done.err
    assert files(tree / "out") == ["a.png", "b.png", "deep/er/c.png"]


def test_a_pattern_in_quotes(run, tree, tmp_path):
    assert run("denoise", tree / "*.png", "-o", tmp_path / "out", *QUICK).code == 0
    assert files(tmp_path / "out") == ["a.png", "b.png"]
    done = run("denoise", tree / "*.jpg", "-o", tmp_path / "out", *QUICK)
    assert done.code == 2
    assert "expected files that match, got none" in done.err


@pytest.mark.parametrize("pattern", [False, True])
def test_a_link_that_leads_nowhere_is_named(run, tree, tmp_path, pattern):
    (tree / "c.png").symlink_to("gone.png")
    done = run("denoise", tree / "*.png" if pattern else tree, "-o", tmp_path / "out", *QUICK)
    assert done.code == 1
    assert f"{tree / 'c.png'} is a link to gone.png, which does not exist" in done.err
    assert files(tmp_path / "out") == ["a.png", "b.png"]


def test_what_exists_is_skipped_and_the_rest_done(run, tree, tmp_path):
    out = tmp_path / "out"
    assert (
        run("denoise", tree / "a.png", "-o", out / "a.png", *QUICK).code == 1
    )  # no folder is made for a file
    out.mkdir()
    assert run("denoise", tree / "a.png", "-o", out / "a.png", *QUICK).code == 0
    before = (out / "a.png").stat().st_mtime_ns
    done = run("denoise", tree, "-o", out, "--skip-existing", "--json", *QUICK)
    assert done.code == 0, done.err
    assert [record.get("skipped", False) for record in done.json] == [True, False]
    assert (out / "a.png").stat().st_mtime_ns == before
    assert "1 written, 1 skipped, as they exist" in done.err
    done = run("denoise", tree, "-o", out, "--skip-existing", *QUICK)
    assert done.code == 0
    assert "2 skipped" in done.err


def test_a_bad_file_costs_itself_alone(run, tree, tmp_path):
    (tree / "bad.png").write_bytes(b"\x89PNG nothing")
    done = run("denoise", tree, "-o", tmp_path / "out", *QUICK)
    assert done.code == 1
    assert files(tmp_path / "out") == ["a.png", "b.png"]
    assert "bad.png" in done.err
    assert "3 inputs: 2 written, 1 failed" in done.err


def test_one_input_and_a_name_without_ending_is_a_folder(run, photo, tmp_path):
    assert run("denoise", photo, "-o", tmp_path / "new", *QUICK).code == 0
    assert files(tmp_path / "new") == [photo.name]


def test_empty_folders_and_answers_that_contradict_each_other(run, tmp_path):
    (tmp_path / "empty").mkdir()
    done = run("denoise", tmp_path / "empty", "-o", tmp_path / "out")
    assert done.code == 2
    assert "--recursive" in done.err
    with pytest.raises(ValueError, match="Keep one"):
        Output(out=tmp_path, skip_existing=True, overwrite=True)
    with pytest.raises(ValueError, match="part of a name"):
        Output(out=tmp_path, suffix="a/b")


def test_each_file_once(tree):
    found = gather([tree / "a.png", tree, tree / "*.png"])
    assert [one.path.name for one in found] == ["a.png", "b.png"]


def test_inspect_takes_a_folder(run, tree):
    done = run("inspect", tree, "--json")
    assert done.code == 0
    assert len(done.json) == 2
