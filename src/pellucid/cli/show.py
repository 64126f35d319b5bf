"""What the program prints: one line per output, tables of methods, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.methods.plugins import Plugin


MOST = 20
"""files that a summary names"""


def error(text: str) -> None:
    """One line on stderr."""
    print(f"pellucid: error: {' '.join(text.split())}", file=sys.stderr)


def note(text: str) -> None:
    """One line on stderr that is no error."""
    print(f"pellucid: note: {' '.join(text.split())}", file=sys.stderr)


def origin(plugin: Plugin) -> str:
    """Where a method of another package comes from; its own words would need its code."""
    return f"from {plugin.package} (pellucid methods {plugin.name} shows more)"


def records(found: Sequence[dict[str, Any]], *, as_json: bool, alone: bool) -> None:
    """Records on stdout (JSON, or a line each); errors and warnings on stderr, a line each.

    Args:
        found: what `batch.work` or `inspect` returned.
        as_json: whether stdout gets JSON.
        alone: whether there was one input, whose JSON is an object and not a list.
    """
    for record in found:
        if "done_before" in record:
            continue
        if "error" in record:
            named = record["error"].startswith(record["input"])
            error(record["error"] if named else f"{record['input']}: {record['error']}")
            continue
        for text in (*record.get("warnings", ()), *_doubts(record, alone)):
            print(f"pellucid: note: {record['output']}: {text}", file=sys.stderr)
    if as_json:
        print(json.dumps(found[0] if alone and found else list(found), indent=2, allow_nan=False))
        return
    for record in found:
        if "error" not in record:
            print(_line(record))


def summary(found: Sequence[dict[str, Any]], planned: int) -> None:
    """What became of a batch, on stderr: a line of counts, then the files that deserve a look.

    Args:
        found: the records.
        planned: how many there should be.
    """
    counts = {
        "written": sum(not {"error", "skipped", "done_before"} & set(r) for r in found),
        "done before": sum("done_before" in r for r in found),
        "skipped, as they exist": sum("skipped" in r for r in found),
        "failed": sum("error" in r for r in found),
        "not begun": planned - len(found),
    }
    told = ", ".join(f"{count} {words}" for words, count in counts.items() if count)
    note(f"{planned} inputs: {told}")
    doubtful = [r for r in found if (r.get("trust") or {}).get("level") == "low"]
    for record in doubtful[:MOST]:
        note(f"look at {record['output']}: {'; '.join(record['trust']['reasons'])}")
    if len(doubtful) > MOST:
        note(f"and at {len(doubtful) - MOST} more with low trust (--json names all)")


def _doubts(record: dict[str, Any], alone: bool) -> list[str]:
    """Why a result is not to be trusted altogether, a line; of a batch its summary names the worst."""
    trust = record.get("trust") or {"level": "high", "reasons": ()}
    if trust["level"] == "high" or not trust["reasons"] or (trust["level"] == "low" and not alone):
        return []
    return [f"trust {trust['level']}: {'; '.join(trust['reasons'])}"]


def _line(record: dict[str, Any]) -> str:
    if "skipped" in record:
        return f"{record['output']}: exists, skipped"
    if "done_before" in record:
        return f"{record['output']}: done before"
    if "words" in record:
        return f"{record['input']}: {record['words']}"
    did = "returned unchanged" if record["method"] == "none" else record["method"]
    text = f"{record['output']}: {did} ({record['reason']}), {record['seconds']:.1f} s"
    if record["iterations"] > 1:
        text += f", {record['iterations']} iterations, stopped by {record['stopped_by']}"
    trust = record.get("trust")
    if trust is not None and record["method"] != "none":
        text += f", trust {trust['level']}"
    if "psnr" in record:
        text += f", PSNR {_db(record['noisy_psnr'])} -> {_db(record['psnr'])}"
    return text


def _db(value: float | None) -> str:
    return "infinite" if value is None else f"{value:.2f} dB"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, the last one free.

    >>> print(columns([("name", "needs"), ("bm3d", "one image")]))
    name  needs
    bm3d  one image
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )
