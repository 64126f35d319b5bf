"""Writes the table of formats on the page of formats, between its markers: python docs/format_table.py

It is made from `pellucid.files.TABLE`; a test holds the page to it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pellucid.files import TABLE
from pellucid.files.formats import Format

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "formats.md"
BLOCK = re.compile(r"(<!-- formats -->\n).*?(<!-- end of formats -->)", re.S)
HELD = {"icc": "profile", "exif": "EXIF", "xmp": "XMP", "dpi": "resolution", "comment": "comment"}


def table() -> str:
    """One row for each format."""
    sys.path.insert(0, str(ROOT / "tests" / "files"))
    from format_samples import TESTED  # what the tests know is what the page may say

    lines = [
        "| format | endings | read | comes back as | holds | loss when written | needs | tested by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {' | '.join(_row(format, TESTED.get(format.name, 'untested')))} |" for format in TABLE.values()
    ]
    return "\n".join(lines)


def filled(page: str) -> str:
    """The page with its table."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{table()}\n\n{found[2]}", page)


def _row(format: Format, tested: str) -> list[str]:
    back = TABLE[format.back] if format.back else format
    named = f"; {format.title} where the name says so" if format.back and format.writes else ""
    held = ", ".join(HELD[key] for key in HELD if key in format.holds)
    return [
        format.title,
        " ".join(f"`{suffix}`" for suffix in format.suffixes),
        format.content,
        (f"`{format.ending}`" if format.ending else back.title) + named,
        held or ("all of its own" if format.layout == "array" else "pixels"),
        (format.loses or "none") if format.writes else "not written",
        f"`[{format.extra}]`" if format.extra else "",
        tested,
    ]


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
