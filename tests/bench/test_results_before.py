"""A results folder of the code before the redesign: its tables and its page come out as they did.

`results_before` was written by `bench run` and `bench table` of commit c273a1c; the pictures are left out.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pellucid.bench import log, plan, results
from pellucid.bench.plan import CellJob
from pellucid.cli import app

FOLDER = Path(__file__).with_name("results_before")
PUBLISHED = ("--published", str(FOLDER / "published.toml"))


@pytest.mark.parametrize("form", ["markdown", "csv", "latex"])
def test_the_tables_are_the_same(form, tmp_path):
    out = tmp_path / "table"
    words = ["bench", "table", str(FOLDER), *PUBLISHED, "--format", form, "-o", str(out)]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert out.read_text(encoding="utf-8") == (FOLDER / f"table.{form}").read_text(encoding="utf-8")


def test_the_page_shows_every_method(tmp_path):
    done = CliRunner().invoke(app, ["bench", "page", str(FOLDER), *PUBLISHED, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    for method in {cell.method for cell in results.read(FOLDER).cells}:
        assert f">{method}<" in text or f">{method} <" in text or f"<li>{method}:" in text, method
    assert text.count('class="front"') == 2
    assert "96x96 crops, the first 2 images of each set" in text


def test_a_row_has_the_same_names_in_the_same_order():
    for line in (FOLDER / log.NAME).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        job = CellJob(**{f.name: row[f.name] for f in dataclasses.fields(CellJob)})
        assert job.key == row["key"]
        now = list(plan.row_of(job, row["source"], row).items())
        assert now[: len(row)] == list(row.items())
        assert [name for name, _ in now[len(row) :]] == ["warnings"]  # added since
