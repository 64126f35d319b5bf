"""Every promise of the page "What pellucid will not do to your file" is held by a test that exists."""

import ast
import re

from pages import ROOT

PAGE = (ROOT / "docs" / "what-it-will-not-do.md").read_text(encoding="utf-8")
PROMISE = re.compile(r"^- (?P<words>.+?\.) <!-- (?P<file>tests/\S+\.py)::(?P<name>test_\w+) -->$")


def test_every_promise_names_a_test_that_exists():
    promises = [line for line in PAGE.splitlines() if line.startswith("- ")]
    assert len(promises) > 30
    for line in promises:
        found = PROMISE.match(line)
        assert found, f"no test is named after: {line}"
        tree = ast.parse((ROOT / found["file"]).read_text(encoding="utf-8"))
        assert found["name"] in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}, line
