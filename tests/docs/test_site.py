"""The site: every page is in the navigation, and it builds without a warning and without a network."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PAGES, ROOT

spec = importlib.util.spec_from_file_location("navigation", ROOT / "docs" / "navigation.py")
assert spec
assert spec.loader
navigation = importlib.util.module_from_spec(spec)
spec.loader.exec_module(navigation)


def test_every_page_is_in_the_navigation_once():
    named = [ROOT / f"{navigation.CONTENTS[0]}.md"]
    for name in navigation.CONTENTS:
        page = ROOT / f"{name}.md"
        for _, pages in navigation.sections(page.read_text(encoding="utf-8")):
            named += [(page.parent / f"{p}.md").resolve() for p in pages]
    assert sorted(named) == PAGES


def test_sections_of_links_become_tables_of_contents():
    text = navigation.append("docs/index", "# Title\n## Begin\n- [One](one.md): first\n## None\nwords\n")
    assert text.endswith("```{toctree}\n:hidden:\n:caption: Begin\n\none\n```\n")
    assert navigation.append("docs/noise", "## Begin\n- [One](one.md)\n") == "## Begin\n- [One](one.md)\n"


@pytest.mark.slow
def test_it_builds_without_a_warning(tmp_path):
    """What `make docs` does; no page asks another host for a script, a style or a font."""
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-c", "docs"]
    done = subprocess.run([*command, ".", str(site)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {p.relative_to(ROOT).with_suffix(".html") for p in PAGES} <= {
        p.relative_to(site) for p in site.rglob("*.html")
    }
    for page in site.rglob("*.html"):
        fetched = re.findall(
            r"<(?:script|link|img)\b[^>]*\b(?:src|href)=\"(https?:[^\"]*)", page.read_text("utf-8")
        )
        assert not fetched, (page.name, fetched)
    assert "<math" in Path(site, "docs/notation.html").read_text("utf-8")
    assert "docs/index.html" in Path(site, "index.html").read_text("utf-8")
