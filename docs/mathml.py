"""Equations as MathML, made when the site is built: browsers draw it without a script or a network."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

_WARN = logging.getLogger(__name__).warning


def mathml(tex: str, node: Any, *, display: str) -> str:
    """One formula; what the converter does not know is a warning, which `make docs` takes for an error."""
    made = convert(tex, display=display)
    unknown = re.findall(r"\\[A-Za-z]+|>&<", made)
    if unknown:
        _WARN("formula with %s, which cannot be drawn: %s", ", ".join(unknown), tex, location=node)
    # Bars would grow with their neighbours and stand apart like operators.
    made = re.sub(r"<mo>(?=&#x0(?:2016|007C);)", '<mo stretchy="false" lspace="0em" rspace="0em">', made)
    return made.replace("<math ", f'<math aria-label="{html.escape(tex)}" ', 1)


def inline(writer: Any, node: Any) -> None:
    """A formula in a line."""
    writer.body.append(mathml(node.astext(), node, display="inline"))
    raise nodes.SkipNode


def block(writer: Any, node: Any) -> None:
    r"""A formula on a line of its own, with the number that \tag gives it."""
    tex = node.astext()
    tag = re.search(r"\\tag\{([^}]*)\}", tex)
    if tag:
        tex = tex.replace(tag[0], "")
    number = f'<span class="number">({html.escape(tag[1])})</span>' if tag else ""
    writer.body.append(f'<div class="equation">{mathml(tex, node, display="block")}{number}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Make it a renderer that the configuration can name."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
