"""The site of the documentation: `make docs` reads the Markdown pages as they lie in the repository.

The source folder is the repository, so that a relative link leads to the same page here and on a code host.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import mathml
import navigation

import pellucid

project = "pellucid"
author = copyright = "The pellucid developers"
version = release = pellucid.__version__

root_doc = navigation.CONTENTS[0]
include_patterns = ["*.md", "docs/**.md", "recipes/*.md", "benchmarks/**.md"]
exclude_patterns = [".*", "**/_build", "src", "tests", "build", "dist", "demo-output", "**/results"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # sections of CHANGELOG.md and of included tables may skip a level

html_theme = "furo"
html_title = f"pellucid {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_ivar = True
default_role = "code"


def plain(app: Any, what: str, name: str, subject: Any, options: Any, lines: list[str]) -> None:
    """Keep from docstrings what would be read as more than text.

    Napoleon takes what stands before a colon under a field for its type, unless a line comes first; and the
    two hyphens of an option would become a dash.
    """
    if what == "attribute":
        lines.insert(0, "")
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[number] = re.sub(r"(?<![`\w-])--[a-z][\w-]*(?!`)", r"``\g<0>``", line)


def navigate(app: Any, name: str, source: list[str]) -> None:
    """Give the pages of contents their table of contents."""
    source[0] = navigation.append(name, source[0])


def front(app: Any, exception: Exception | None) -> None:
    """The address without a page leads to the first page."""
    if exception is None and app.builder.name == "html":
        goal = f"{root_doc}.html"
        head = f'<meta charset="utf-8"><meta http-equiv="refresh" content="0; url={goal}">'
        page = f'<!doctype html>\n{head}<title>pellucid</title>\n<a href="{goal}">pellucid</a>\n'
        Path(app.outdir, "index.html").write_text(page, encoding="utf-8")


def setup(app: Any) -> None:
    """Connect what is ours."""
    app.connect("autodoc-process-docstring", plain, priority=400)  # before Napoleon
    app.connect("source-read", navigate)
    app.connect("build-finished", front)
    mathml.setup(app)
