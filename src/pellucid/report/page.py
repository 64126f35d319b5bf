"""Puts the page together."""

from __future__ import annotations

from html import escape
from importlib.resources import files

import numpy as np

from pellucid import checks
from pellucid.image import Image
from pellucid.noise import analysis
from pellucid.report import making, noise_tables, overview, removal, removed, viewer, views
from pellucid.steps import Result


def render(*, noisy: Image, estimate: Image, result: Result, title: str) -> str:
    """The page as text; arguments and errors as in `pellucid.report.html`."""
    checks.same_shape("estimate", estimate.pixels.shape, "noisy", noisy.pixels.shape)
    for name, image in (("noisy", noisy), ("estimate", estimate)):
        bad = int(np.size(image.pixels) - np.count_nonzero(np.isfinite(image.pixels)))
        if bad:
            raise ValueError(f"{name} must be finite, got {bad} NaN or infinite pixels. Replace them first.")
    gone = removed.measure(noisy, estimate, result.noise)
    curves = making.curve_charts(result)
    words = "".join(
        f"<p>{escape(line)}</p>" for line in analysis.words(result.noise).splitlines() if line.strip()
    )
    blocks = [
        f"<header><h1>{escape(title)}</h1>{overview.summary(result, gone)}</header>",
        _warnings(overview.cautions(result, gone)),
        _section("Before and after", viewer.figure(views.make(noisy, estimate))),
        _section("What was removed", removal.removal(noisy, gone, result.noise)),
        _section("The noise", words + noise_tables.noise_tables(noisy, result.noise)),
        _section("The run", curves) if curves else "",
        _section("How it was made", making.making(noisy, result)),
    ]
    here = files("pellucid.report")
    style, script = (here.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return (
        '<!doctype html>\n<html lang="en" class="static">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · pellucid</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(p for p in blocks if p)
        + f"\n</main>\n<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _warnings(texts: list[str]) -> str:
    if not texts:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<aside class="warnings" role="note"><h2>Before you trust it</h2><ul>{items}</ul></aside>'
