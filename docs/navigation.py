"""The order of the pages: the lists of links in a few pages are the navigation of the site.

Pages stay plain Markdown, and a page that no list names is an error of the build.
"""

from __future__ import annotations

import re

CONTENTS = ("docs/index", "docs/methods/README", "docs/reference/index")
"""pages whose sections of links are sections of the navigation; the first is where it begins"""


def sections(text: str) -> list[tuple[str, list[str]]]:
    """The title of every section that lists pages, and these pages, relative and without their ending.

    >>> sections("# Title\\n## Begin\\n- [One](one.md): first\\n- [Two](../two.md#part)\\n## Words\\nnone\\n")
    [('Begin', ['one'])]
    """
    found = []
    for section in re.split(r"^## ", text, flags=re.M)[1:]:
        pages = re.findall(r"^- \[[^\]]+\]\(([^)#:]+)\.md\)", section, re.M)
        if pages:
            found.append((section.partition("\n")[0], pages))
    return found


def append(name: str, text: str) -> str:
    """A page as Sphinx is to read it: with a hidden table of contents for every section of links."""
    if name in CONTENTS:
        for title, pages in sections(text):
            text += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {title}", "", *pages, "```", ""])
    return text
