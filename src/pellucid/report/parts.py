"""Building blocks of the page: tables, figures, numbers; texts are escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> str:
    """An HTML table; the first cell of a row is its heading.

    >>> table(["a"], [["<b>"]])
    '<div class="scroll"><table><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><th
    scope="row">&lt;b&gt;</th></tr></tbody></table></div>'
    """
    top = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(v)}</td>" for v in row[1:])
        + "</tr>"
        for row in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    header = f"<thead><tr>{top}</tr></thead>" if head else ""
    return f'<div class="scroll"><table>{title}{header}<tbody>{body}</tbody></table></div>'


def figures(pictures: Iterable[tuple[str, str, str]]) -> str:
    """Title, picture and explanation, side by side; "" for none."""
    items = "".join(
        f"<figure><h3>{escape(title)}</h3>{picture}"
        + (f"<figcaption>{escape(text)}</figcaption></figure>" if text else "</figure>")
        for title, picture, text in pictures
    )
    return f'<div class="figures">{items}</div>' if items else ""


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
