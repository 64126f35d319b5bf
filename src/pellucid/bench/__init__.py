"""The benchmark: one protocol (docs/protocol.md) for data, noise, runs, scores, tables and pages.

`run` makes a results folder: `manifest.json`, `cells.jsonl` (a row per picture, seed and method) and the
files that the scores were read from. The names are loaded on first use: the command line needs the requests
alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.bench.datasets import DATASETS as DATASETS
    from pellucid.bench.datasets import find as find
    from pellucid.bench.datasets import root as root
    from pellucid.bench.running import RunProgress as RunProgress
    from pellucid.bench.running import Summary as Summary
    from pellucid.bench.running import run as run
    from pellucid.bench.spec import Entry as Entry
    from pellucid.bench.spec import SetSpec as SetSpec
    from pellucid.bench.spec import parse_entry as parse_entry
    from pellucid.bench.spec import parse_set as parse_set

_WHERE = {
    "DATASETS": "datasets",
    "Entry": "spec",
    "RunProgress": "running",
    "SetSpec": "spec",
    "Summary": "running",
    "find": "datasets",
    "parse_entry": "spec",
    "parse_set": "spec",
    "root": "datasets",
    "run": "running",
}

__all__ = [
    "DATASETS",
    "Entry",
    "RunProgress",
    "SetSpec",
    "Summary",
    "find",
    "parse_entry",
    "parse_set",
    "root",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _WHERE:
        raise AttributeError(
            f"module 'pellucid.bench' has no attribute {name!r}. It offers {', '.join(__all__)}."
        )
    value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
