"""The page for newcomers: four people, ten commands each, from the install to a result."""

from __future__ import annotations

import re

from pages import ROOT

PAGE = (ROOT / "docs" / "newcomer.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^## The (\w+)\n.*?^```shell\n(.*?)^```", PAGE, re.M | re.S))


def test_four_people_have_ten_commands_each():
    assert list(BLOCKS) == ["microscopist", "photographer", "archivist", "engineer"]
    for person, block in BLOCKS.items():
        lines = block.splitlines()
        assert len(lines) == 10, person
        assert lines[0].startswith("pip install .")
        assert all(line.startswith(("pip ", "pellucid ", "python ")) for line in lines)
