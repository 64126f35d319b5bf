"""Writes the tables of settings on the pages of the methods, between their markers: python docs/settings.py

A page asks for one by two lines, `<!-- settings NAME -->` and `<!-- end of settings -->`; what is between
them is made from the Config of the method, its presets and what its paper states; a test holds them to it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pellucid import fields, methods
from pellucid.steps import Method

PAGES = Path(__file__).resolve().parent / "methods"
BLOCK = re.compile(r"(<!-- settings (\S+) -->\n).*?(<!-- end of settings -->)", re.S)


def table(method: Method) -> str:
    """The settings of a method: each field with its default, the paper's value, and what it is."""
    paper = method.presets["paper"]
    known = method.paper is not None
    lines = [f"| field | `fast` | {'paper' if known else '`paper`'} | |", "|---|---|---|---|"]
    for field in fields.describe(method.config):
        value = getattr(paper, field.name)
        where = method.paper.says(field.name) if method.paper is not None else ""
        printed = _value(value) if not known or where else f"({_value(value)})"
        words = [printed] if not where else [printed, f"({where})"]
        reason = method.departures.get(field.name)
        about = field.help + (f". *Departs:* {reason}" if reason else "")
        lines.append(
            f"| `{field.name}` | {_value(field.default)} | {_cell(' '.join(words))} | {_cell(about)} |"
        )
    if method.paper is not None:
        lines += [""]
        lines += ["Values in brackets switch off what the paper does not have."] * bool(method.paper.ours)
        lines += [""] + [f"- {_told(text)}" for text in method.paper.elsewhere]
    return "\n".join(lines).rstrip()


def filled(page: str) -> str:
    """The page with the tables of settings that it asks for."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{table(methods.load(found[2]))}\n\n{found[3]}", page)


def _value(value: Any) -> str:
    """A value as one types it; an empty text as nothing."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(_value, value)) if isinstance(value, tuple) else str(value)


def _cell(text: str) -> str:
    return _told(text).replace("|", "\\|")


def _told(text: str) -> str:
    """The text with options of the command line as code, where a site would make dashes of their hyphens."""
    return re.sub(r"(?<![`\w-])--[a-z][\w-]*", r"`\g<0>`", text)


def main() -> None:
    """Write all pages anew."""
    for path in sorted(PAGES.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        new = filled(text)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(path.name)


if __name__ == "__main__":
    main()
