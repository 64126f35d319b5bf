"""HTML pages for report and benchmark: jinja2 templates, which escape everything, and charts as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

HERE = "pellucid.pages"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A figure to see first: what it is, how much, and what to know of it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """Texts in rows; the first of a row is its heading."""

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart with a title and a text below."""

    title: str
    chart: Markup
    text: str = ""


def render(template: str, *, package: str = HERE, **values: Any) -> str:
    """A template filled in.

    Args:
        template: file name in the folder `templates` of ``package``, else in that of `pellucid.pages`.
        package: whose templates are looked at first.
        values: what the template shows; texts are escaped, `Markup` is not.
    """
    return _environment(package).get_template(template).render(values)


def drawing(kind: str, values: Mapping[str, Any]) -> Markup:
    """SVG from `drawing.html`, ready to be put into a page."""
    return Markup(render("drawing.html", chart=kind, **values).strip())


@cache
def _environment(package: str) -> Environment:
    places = [PackageLoader(name) for name in dict.fromkeys((package, HERE))]
    loader = ChoiceLoader(places)
    found = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # Style and script are ours and hold no value; escaped, they would be broken.
    found.globals["verbatim"] = lambda name: Markup(loader.get_source(found, name)[0])
    found.filters["px"] = px
    return found


def px(value: float) -> str:
    """A length in a drawing, to a tenth.

    >>> [px(v) for v in (12.0, 12.34, -0.01)]
    ['12', '12.3', '0']
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def number(value: float) -> str:
    """Three figures, no exponent where a person would write none.

    >>> [number(v) for v in (0.0, 0.01234, 5.678, 1234.5)]
    ['0', '0.0123', '5.68', '1234']
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def two(value: float) -> str:
    """Two decimals, and no minus before a zero.

    >>> two(-0.001)
    '0.00'
    """
    return f"{round(value, 2) + 0.0:.2f}"


def signed(mean: float, unit: float) -> str:
    """A mean in the units of the file; below a millionth of the range it is rounding, shown as 0."""
    return f"{mean * unit:+.3g}" if abs(mean) > 1e-6 else "0"


def seconds(value: float) -> str:
    """A duration for people.

    >>> [seconds(v) for v in (0.123, 45.6, 300.0)]
    ['0.12 s', '46 s', '5.0 min']
    """
    return f"{value:.2g} s" if value < 10 else (f"{value:.0f} s" if value < 120 else f"{value / 60:.1f} min")
