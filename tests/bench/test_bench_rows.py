import json

import pytest
from fake_results import folder, line

from pellucid.bench import results


def test_a_torn_last_line_is_ignored(tmp_path):
    root = folder(tmp_path / "r", [line("nlm", "a"), line("nlm", "b")])
    file = root / "cells.jsonl"
    file.write_text(file.read_text()[:-40])
    assert [cell.image for cell in results.read(root).cells] == ["a"]


def test_a_torn_line_in_the_middle_is_passed_over_and_said(tmp_path):
    root = folder(tmp_path / "r", [line("nlm", "a")])
    file = root / "cells.jsonl"
    file.write_text('{"set": \n' + file.read_text())
    found = results.read(root)
    assert len(found.cells) == 1
    assert "1 lines of" in results.merged([root]).notes[0]


def test_a_line_without_a_method_is_an_error(tmp_path):
    root = folder(tmp_path / "r", [{"set": "a", "image": "b"}])
    with pytest.raises(ValueError, match="line 1: a cell must have method"):
        results.read(root)


def test_the_last_line_of_a_cell_wins(tmp_path):
    failed = line("nlm", "a", psnr=None, error="out of memory")
    root = folder(tmp_path / "r", [failed, line("nlm", "a", psnr=31.0)])
    (cell,) = results.read(root).cells
    assert (cell.psnr, cell.done) == (31.0, True)


def test_other_seeds_presets_and_crops_are_other_cells(tmp_path):
    root = folder(
        tmp_path / "r",
        [
            line("nlm", "a"),
            line("nlm", "a", seed=1),
            line("nlm", "a", preset="paper"),
            line("nlm", "a", crop=None),
        ],
    )
    assert len(results.read(root).cells) == 4


def test_fields_of_a_later_protocol_are_passed_over(tmp_path):
    root = folder(tmp_path / "r", [line("nlm", "a", energy=3)])
    assert len(results.read(root).cells) == 1


def test_pictures_that_were_not_kept_are_none(tmp_path):
    root = folder(tmp_path / "r", [line("nlm", "a", file="images/gone.png")])
    (cell,) = results.read(root).cells
    assert cell.path("file") is None
    assert cell.path("clean") is None


def test_no_results_is_an_error_that_says_what_was_found(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        results.read(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"without cells\.jsonl"):
        results.read(tmp_path)


def test_merging_says_what_differs(tmp_path):
    one = folder(tmp_path / "1", [line("nlm", "a")], machine="slow", label="small form: 64x64 crops")
    two = folder(tmp_path / "2", [line("nlm", "a", psnr=31.0), line("tv", "a")], machine="fast")
    both = results.merged([one, two])
    assert [(cell.method, cell.psnr) for cell in both.cells] == [("nlm", 31.0), ("tv", 30.0)]
    assert both.label == "small form: 64x64 crops"
    assert any("machine: slow, fast" in note for note in both.notes)
    assert any(note.startswith("1 cells are in more than one") for note in both.notes)


def test_a_small_run_without_a_label_gets_one(tmp_path):
    small = results.read(folder(tmp_path / "1", [line("nlm", "a")], crop=96, limit=2))
    assert small.label == "small form: 96x96 crops, the first 2 images of each set"
    assert results.read(folder(tmp_path / "2", [line("nlm", "a")], crop=None)).label == ""


def test_a_folder_of_several_runs_is_small_where_the_last_run_of_a_set_was(tmp_path):
    def label(*runs):
        about = {"runs": [dict(zip(("sets", "limit"), run, strict=True)) for run in runs]}
        return results.read(folder(tmp_path / "r", [line("nlm", "a")], **about)).label

    small = "small form: the first 2 images of each set"
    assert label((["CC15", "PolyU51"], 2), (["CC15"], None)) == small
    assert label((["CC15"], 2), (["CC15"], None)) == ""
    assert label((["CC15"], None), (["CC15"], 2)) == small


def test_a_manifest_that_is_no_json_is_an_error(tmp_path):
    root = folder(tmp_path / "r", [line("nlm", "a")])
    (root / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="manifest"):
        results.read(root)
    (root / "manifest.json").write_text(json.dumps([1]))
    with pytest.raises(ValueError, match="JSON object"):
        results.read(root)
