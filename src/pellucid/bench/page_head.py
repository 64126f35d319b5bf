"""The head of the page: what was run, on what, by which code; the small form is said first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from pellucid.bench.rows import Results
from pellucid.bench.table import Table
from pellucid.report import parts


def head(results: Results, tables: Sequence[Table], title: str) -> str:
    """Title, label of a small form, the figures to see first, notes."""
    done = [c for c in results.cells if c.done]
    failed = sum(c.error is not None for c in results.cells)
    skipped = sum(c.skipped is not None for c in results.cells)
    beside = [
        text for text in (f"{failed} failed" * bool(failed), f"{skipped} skipped" * bool(skipped)) if text
    ]
    seconds = sum(c.seconds or 0 for c in done)
    images = len({(c.set, c.crop, c.image) for c in results.cells})
    facts = [
        ("Sets", str(len(tables)), f"{images} images"),
        (
            "Methods",
            str(len({c.method for c in results.cells})),
            _joined(results.manifests, "preset", "preset "),
        ),
        ("Results", str(len(done)), ", ".join(beside) or "none failed"),
        ("Time, all together", parts.seconds(seconds), _where(results.manifests)),
    ]
    items = "".join(
        f"<div><dt>{escape(k)}</dt><dd>{escape(v)}<small>{escape(note)}</small></dd></div>"
        for k, v, note in facts
    )
    label = results.label
    small = ""
    if label:
        rest = label.removeprefix("small form:").strip() if label.startswith("small form:") else label
        small = (
            '<aside class="warnings" role="note"><h2>Small form</h2>'
            f"<p>{escape(rest)}. These numbers compare the methods here with one another, and not with those "
            "of papers.</p></aside>"
        )
    notes = "".join(f"<li>{escape(note)}</li>" for note in results.notes)
    notes = f'<aside class="warnings" role="note"><ul>{notes}</ul></aside>' if notes else ""
    return f'<header><h1>{escape(title)}</h1>{small}{notes}<dl class="facts">{items}</dl></header>'


def making(results: Results) -> str:
    """Everything the manifests say."""
    blocks = []
    for manifest in results.manifests:
        rows = [[_word(key), _value(value)] for key, value in manifest.items() if value not in (None, "", [])]
        blocks.append(parts.table([], rows) if rows else "<p>This folder has no manifest.</p>")
    return "".join(blocks)


def _joined(manifests: Sequence[Mapping[str, Any]], name: str, before: str) -> str:
    values = list(dict.fromkeys(str(m[name]) for m in manifests if m.get(name)))
    return before + ", ".join(values) if values else ""


def _where(manifests: Sequence[Mapping[str, Any]]) -> str:
    named = [m for m in manifests if m.get("device") != "auto"]  # auto says nothing of where it ran
    device = _joined(named, "device", "on ")
    threads = list(dict.fromkeys(int(m["threads"]) for m in manifests if m.get("threads")))
    words = [f"{n} thread" + ("s" if n != 1 else "") for n in threads]
    return ", ".join([*([device] if device else []), *words])


def _word(key: str) -> str:
    return {"source": "code (hash)", "created": "date"}.get(key, key).capitalize()


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
