"""Links between pages lead to a page and a heading that are there, without a network."""

from __future__ import annotations

import re

import pytest
from pages import PAGES, ROOT, anchors, prose

LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in LINK.findall(re.sub(r"`[^`\n]*`", "", prose(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.is_file(), f"{page.name}: no file {target!r}"
        assert ROOT in goal.parents, f"{page.name}: {target!r} leaves the repository"
        if anchor:
            assert anchor in anchors(goal), (
                f"{page.name}: no heading {target!r}; there are {sorted(anchors(goal))}"
            )


def test_anchors_are_those_of_code_hosts(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# `a b`: C, [d](e.md)?\n## Two\n```\n# no heading\n```\n## Two\n", encoding="utf-8")
    assert anchors(page) == {"a-b-c-d", "two", "two-1"}


@pytest.mark.parametrize("target", ["gone.md", "page.md#gone", "docs"])
def test_a_dead_link_is_seen(tmp_path, monkeypatch, target):
    """The test above can fail."""
    monkeypatch.setattr("test_links.ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n[here]({target})\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"no file|no heading"):
        test_links_lead_somewhere(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_that_pages_name_are_there(page):
    named = set(re.findall(r"`(?:python )?((?:benchmarks|docs|recipes|src|tests)/[\w./*-]*\w)", prose(page)))
    missing = {name for name in named if not list(ROOT.glob(name))}
    # Made by `make docs`; what a reader of CONTRIBUTING.md is to write.
    assert missing <= {"docs/_build/html/index.html", "src/pellucid/methods/filters/gauss.py"}
