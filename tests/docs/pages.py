"""The pages of the documentation, and what stands in them outside of code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *(p for f in ("docs", "recipes", "benchmarks") for p in (ROOT / f).rglob("*.md")),
    ]
    if "_build" not in path.parts
)


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^(```+).*?^\1`*$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def code(page: Path) -> list[str]:
    """The lines of its blocks of code, fenced and indented, with continued lines joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = re.findall(r"^```+[^\n]*\n(.*?)^```+$", text, re.M | re.S)
    indented = re.findall(r"^    .*$", text, re.M)
    return [line.strip() for line in [*"\n".join(fenced).splitlines(), *indented]]


def anchors(page: Path) -> set[str]:
    """The names that headings get: lower case, no punctuation, hyphens for spaces, numbers for doubles."""
    names: set[str] = set()
    for title in re.findall(r"^#{1,6} +(.*?)\s*$", prose(page), re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = 0
        while (fresh := name if number == 0 else f"{name}-{number}") in names:
            number += 1
        names.add(fresh)
    return names
