"""Trust on the console, in the JSON and the report, and the exit code where the input came back."""

from __future__ import annotations

import html
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow

from pellucid import files
from pellucid.noise import analysis
from pellucid.noise.report import NoiseReport


def text(tmp_path):
    path = tmp_path / "text.png"
    Pillow.fromarray(skimage.data.page()[20:148, 40:232]).save(path)
    return path


def test_trust_is_told_on_the_console_in_the_json_and_in_the_report(run, photo, tmp_path):
    done = run("denoise", photo, "-o", tmp_path / "a.png", "--method", "bm3d", "--sigma", 25 / 255)
    assert done.code == 0
    assert "trust high" in done.out or "trust medium" in done.out
    out, report = tmp_path / "b.png", tmp_path / "b.html"
    blurred = ("--method", "bm3d", "--sigma", 0.4, "--json", "--report", report)
    done = run("denoise", text(tmp_path), "-o", out, *blurred)
    assert done.code == 0
    assert done.json["trust"]["level"] == "low"
    assert done.json["trust"]["reasons"]
    assert "worse than the input" in done.err
    assert f"trust low: {'; '.join(done.json['trust']['reasons'])}" in done.err
    page = html.unescape(report.read_text(encoding="utf-8"))
    assert all(words in page for words in (*done.json["trust"]["reasons"], *done.json["warnings"]))
    assert "Trust low" in report.read_text(encoding="utf-8")


def test_an_input_that_comes_back_undefended_is_exit_3(run, tmp_path, monkeypatch):
    source = text(tmp_path)
    report = replace(NoiseReport.white(0.2, 1, scale=255), chen=0.0)
    monkeypatch.setattr(analysis, "analyse", lambda *args, **more: report)
    done = run("denoise", source, "-o", tmp_path / "c.png", "--lines", "off")
    assert done.code == 3
    assert "returned unchanged" in done.out
    assert "failed the last look" in done.err
    np.testing.assert_array_equal(
        np.asarray(Pillow.open(tmp_path / "c.png")), np.asarray(Pillow.open(source))
    )
    forced = run("denoise", source, "-o", tmp_path / "d.png", "--force", "--lines", "off")
    assert forced.code == 0


def test_a_clean_picture_as_it_is_is_exit_0(run, tmp_path):
    path = tmp_path / "flat.png"
    Pillow.fromarray(np.full((64, 64), 90, np.uint8)).save(path)
    done = run("denoise", path, "-o", tmp_path / "e.png", "--json")
    assert done.code == 0
    assert done.json["trust"]["level"] == "high"


def test_a_format_that_cannot_hold_the_picture_is_refused_before_the_work(run, tmp_path, monkeypatch):
    deep = tmp_path / "deep.tif"
    files.write(files.from_array(np.full((40, 40), 4000, np.uint16)), deep)
    monkeypatch.setattr(analysis, "analyse", lambda *args, **more: pytest.fail("the work had begun"))
    done = run("denoise", deep, "-o", tmp_path / "deep.jpg")
    assert done.code == 1
    assert "JPEG cannot hold uint16 pixels. Write it as PNG, TIFF or NPY" in done.err
    assert not (tmp_path / "deep.jpg").exists()
