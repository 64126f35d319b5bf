"""The tables of settings on the pages of the methods are those of the code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pellucid import methods

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import settings  # noqa: E402 - a script of the documentation

WITHOUT = {"dncnn", "ffdnet", "zoo", "biharmonic", "bicubic", "lanczos"}
"""methods with at most one field, which their pages tell in words"""


@pytest.mark.parametrize("page", sorted(DOCS.glob("methods/*.md")), ids=lambda p: p.stem)
def test_tables_are_up_to_date(page) -> None:
    text = page.read_text(encoding="utf-8")
    assert settings.filled(text) == text, "run python docs/settings.py"


def test_every_method_with_settings_has_its_table() -> None:
    pages = "".join(p.read_text(encoding="utf-8") for p in DOCS.glob("methods/*.md"))
    assert {name for name in methods.METHODS if f"<!-- settings {name} -->" not in pages} == WITHOUT


def test_a_table_tells_values_places_and_reasons() -> None:
    rows = settings.table(methods.load("ms-dip")).splitlines()
    (row,) = [r for r in rows if r.startswith("| `minimum`")]
    assert row.startswith("| `minimum` | 24 | 128 (section 3.5) | shorter side")
    assert "*Departs:* small pictures" in row
    (row,) = [r for r in rows if r.startswith("| `trust`")]
    assert "| (1) |" in row


def test_the_table_of_formats_is_that_of_the_code() -> None:
    import format_table

    page = format_table.PAGE.read_text(encoding="utf-8")
    assert format_table.filled(page) == page, "run python docs/format_table.py"
